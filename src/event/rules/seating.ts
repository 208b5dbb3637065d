import {
  type EventRecord,
  lineEndsAt,
  type Offer,
  type Registration,
  type Seat,
  shownOffer,
  type WaitlistEntry,
} from '../model.ts';
import type { Change, EventTotals, EventView } from '../state.ts';
import type { Circumstances } from './decision.ts';

/** What a client sees of a seat. */
export function toRegistration({ seq: _, ...registration }: Seat): Registration {
  return registration;
}

/** A new seat. `seq` numbers the seats in the order in which they were given. */
export function seatFor(
  userId: string,
  event: EventRecord,
  seq: number,
  { now, newId }: Circumstances,
): Seat {
  return {
    registrationId: newId(),
    userId,
    eventId: event.eventId,
    status: 'ACTIVE',
    createdAt: now,
    seq,
  };
}

/** What became of free seats, as changes and as a client sees it. */
export interface Filling {
  changes: Change[];
  promoted: Registration[];
  offered: Offer[];
}

/**
 * How many seats are owed to the line: they are free, people wait for them, and the line lives. A raise of the
 * capacity leaves them, and they are given step by step. Nobody else gets one of them.
 *
 * @param taken the seats that are given or held
 * @param nowMs epoch milliseconds
 */
export function owedSeats(
  { waitlistCount }: EventTotals,
  event: EventRecord,
  taken: number,
  nowMs: number,
): number {
  if (lineEndsAt(event) <= nowMs) return 0;
  return Math.max(0, Math.min(event.capacity - taken, waitlistCount));
}

/** The seats of an event that are given or held. */
export function takenSeats({ registeredCount, offeredCount }: EventTotals): number {
  return registeredCount + offeredCount;
}

/** How many seats an event owes to its line as it is; 0 where there is no event. */
export function owedBy(totals: EventTotals, nowMs: number): number {
  return totals.event ? owedSeats(totals, totals.event, takenSeats(totals), nowMs) : 0;
}

/**
 * Gives owed seats to the line, in its order: promotes, or offers where the event has `offerSeconds`.
 *
 * @param taken the seats that are given or held
 * @param most how many seats are given at most
 */
export function fillSeats(
  view: EventView,
  event: EventRecord,
  taken: number,
  circumstances: Circumstances,
  most: number,
): Filling {
  const filling: Filling = { changes: [], promoted: [], offered: [] };
  const { changes, promoted, offered } = filling;
  const owed = owedSeats(view, event, taken, Date.parse(circumstances.now));
  const count = Math.min(owed, most);
  if (count === 0) return filling;
  for (const entry of view.waiting()) {
    if (!event.offerSeconds) {
      const seq = view.lastSeq + changes.length + 1;
      const registration = seatFor(entry.userId, event, seq, circumstances);
      changes.push({ type: 'promoted', entry, registration });
      promoted.push(toRegistration(registration));
    } else {
      const offer = offerFor(entry, event.offerSeconds, circumstances);
      const shown = shownOffer(event, offer);
      changes.push({ type: 'offered', entry, offer, expiresAt: shown.expiresAt });
      offered.push(shown);
    }
    if (changes.length === count) break;
  }
  return filling;
}

/** Whether the line of an event has ended. */
export function hasLineEnded(event: EventRecord, now: string): boolean {
  return lineEndsAt(event) <= Date.parse(now);
}

/** A new offer to somebody who waits. */
function offerFor(
  { userId, eventId, position }: WaitlistEntry,
  seconds: number,
  { now, newId }: Circumstances,
): Offer {
  const expiresAt = new Date(Date.parse(now) + seconds * 1_000).toISOString();
  return { offerId: newId(), userId, eventId, position, createdAt: now, expiresAt };
}
