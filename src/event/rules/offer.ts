import { EVENT_MAX_BYTES, EXPIRY_MAX_OFFERS, STEP_MAX_SEATS } from '../../limits.ts';
import type { Command } from '../command.ts';
import { type EventRecord, lineEndsAt, type Offer, shownOffer } from '../model.ts';
import { bytesOf, type Change, type EventTotals, type EventView } from '../state.ts';
import { type Circumstances, type Decision, refuse } from './decision.ts';
import { fillSeats, owedBy, seatFor, takenSeats, toRegistration } from './seating.ts';

/**
 * When the event will next change by itself: when its first open offer ends. At once, where seats are owed to the
 * line: a raise of the capacity is not done yet, or the clock of another instance, which had seen the line end, was
 * ahead of this one.
 *
 * @returns epoch milliseconds, not after `nowMs` where it is due; null where nothing will happen
 */
export function nextDueAt(totals: EventTotals, nowMs: number): number | null {
  const { event, offeredCount } = totals;
  if (!event) return null;
  if (owedBy(totals, nowMs) > 0) return nowMs;
  if (offeredCount === 0) return null;
  return Math.max(0, Math.min(totals.firstOfferEnd, lineEndsAt(event)));
}

/** Whether an open offer is over, and was not ended yet. */
export function isOfferOver({ event, offeredCount, firstOfferEnd }: EventTotals, nowMs: number) {
  if (!event || offeredCount === 0) return false;
  return Math.min(firstOfferEnd, lineEndsAt(event)) <= nowMs;
}

/** Whether the event has something to do by itself that was not done yet. */
export function isDue(totals: EventTotals, nowMs: number): boolean {
  const dueAt = nextDueAt(totals, nowMs);
  return dueAt !== null && dueAt <= nowMs;
}

/** The ends of the offers that are over, by position: at most `EXPIRY_MAX_OFFERS`, the others come next. */
export function endOffers(view: EventView, event: EventRecord, now: string): Change[] {
  if (view.offeredCount === 0) return [];
  const nowMs = Date.parse(now);
  const isLineOver = lineEndsAt(event) <= nowMs;
  const changes: Change[] = [];
  for (const offer of view.offersEndedBy(isLineOver ? Number.POSITIVE_INFINITY : nowMs)) {
    changes.push({ type: 'offerExpired', offer });
    if (changes.length === EXPIRY_MAX_OFFERS) break;
  }
  return changes;
}

/**
 * Does a step of what is due. Seats that are owed to the line are given. Where there are none, offers that are
 * over end, and their seats go on. What is left comes in the next step.
 */
export function expire(
  view: EventView,
  event: EventRecord,
  { userId, most = STEP_MAX_SEATS }: Extract<Command, { type: 'expire' }>,
  circumstances: Circumstances,
): Decision {
  const outcome = { type: 'expired' as const };
  const taken = takenSeats(view);
  if (userId !== undefined) {
    const offer = overOfferOf(view, event, userId, circumstances.now);
    if (!offer) return { changes: [], outcome };
    const { changes } = fillSeats(view, event, taken - 1, circumstances, 1);
    return { changes: [{ type: 'offerExpired', offer }, ...changes], outcome };
  }
  const owed = fillSeats(view, event, taken, circumstances, most);
  if (owed.changes.length > 0) return { changes: owed.changes, outcome };
  const ended = endOffers(view, event, circumstances.now);
  const { changes } = fillSeats(view, event, taken - ended.length, circumstances, ended.length);
  return { changes: [...ended, ...changes], outcome };
}

/** The user's offer, if it is over and was not ended yet. */
export function overOfferOf(
  view: EventView,
  event: EventRecord,
  userId: string,
  now: string,
): Offer | null {
  const offer = view.offerOf(userId);
  if (!offer) return null;
  const end = Math.min(Date.parse(offer.expiresAt), lineEndsAt(event));
  return end <= Date.parse(now) ? offer : null;
}

/** Takes the seat that is held for the user, whatever the window and the status say. */
export function accept(
  view: EventView,
  event: EventRecord,
  offer: Offer,
  overrideReason: string | undefined,
  circumstances: Circumstances,
): Decision {
  const { userId } = offer;
  const more = bytesOf({ userId, overrideReason }) - bytesOf({ userId });
  if (more > 0 && view.bytes + more > EVENT_MAX_BYTES) return refuse('no-room');
  const registration = {
    ...seatFor(userId, event, view.lastSeq + 1, circumstances),
    ...(overrideReason === undefined ? {} : { overrideReason }),
  };
  return {
    changes: [{ type: 'accepted', offer, registration }],
    outcome: { type: 'registered', registration: toRegistration(registration) },
  };
}

/** Gives up an offer; its seat goes to the next in line. */
export function decline(
  view: EventView,
  event: EventRecord,
  offer: Offer,
  circumstances: Circumstances,
): Decision {
  const { changes } = fillSeats(view, event, takenSeats(view) - 1, circumstances, 1);
  return {
    changes: [{ type: 'declined', offer }, ...changes],
    outcome: { type: 'declined', offer: shownOffer(event, offer) },
  };
}
