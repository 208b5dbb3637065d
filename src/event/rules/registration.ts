import { EVENT_MAX_BYTES, WAITLIST_MAX_ENTRIES } from '../../limits.ts';
import type { Command } from '../command.ts';
import type { EventRecord, WaitlistEntry } from '../model.ts';
import { bytesOf, type Change, type EventView } from '../state.ts';
import { type Circumstances, type Decision, refuse } from './decision.ts';
import { accept, decline } from './offer.ts';
import { fillSeats, hasLineEnded, seatFor, takenSeats, toRegistration } from './seating.ts';

/**
 * Gives the user the seat that is offered to them, a free seat, or an entry in the line. While the line lives
 * a free seat goes to the first who waits; when it has ended, to whoever asks.
 */
export function register(
  view: EventView,
  event: EventRecord,
  { userId, override }: Extract<Command, { type: 'register' }>,
  circumstances: Circumstances,
): Decision {
  if (event.status === 'CANCELLED') return refuse('cancelled');
  if (view.registrationOf(userId)) return refuse('already-registered');
  const offer = view.offerOf(userId);
  if (offer) return accept(view, event, offer, override?.reason, circumstances);
  const entry = view.entryOf(userId);
  if (override) return seatPastCapacity(view, event, userId, override.reason, circumstances);
  const isLineOver = hasLineEnded(event, circumstances.now);
  if (entry && !isLineOver) return refuse('already-waitlisted');
  const closed = closure(event, circumstances.now);
  if (closed) return closed;
  const hasRoom = entry || view.bytes + bytesOf({ userId }) <= EVENT_MAX_BYTES;
  const isFree = takenSeats(view) < event.capacity;
  // While the line lives and anybody waits, a free seat goes to the first in line, never to a newcomer.
  if (isFree && (isLineOver || view.waitlistCount === 0)) {
    if (!hasRoom) return refuse('no-room');
    const registration = seatFor(userId, event, view.lastSeq + 1, circumstances);
    return {
      changes: [...leaving(entry), { type: 'registered', registration }],
      outcome: { type: 'registered', registration: toRegistration(registration) },
    };
  }
  if (!event.hasWaitlist) return refuse('full');
  if (isLineOver) return refuse('line-ended');
  if (view.waitlistCount >= (event.waitlistCapacity ?? WAITLIST_MAX_ENTRIES)) {
    return refuse('waitlist-full');
  }
  if (!hasRoom) return refuse('no-room');
  const newEntry: WaitlistEntry = {
    entryId: circumstances.newId(),
    userId,
    eventId: event.eventId,
    position: view.lastPosition + 1,
    createdAt: circumstances.now,
  };
  return {
    changes: [{ type: 'waitlisted', entry: newEntry }],
    outcome: { type: 'waitlisted', entry: newEntry },
  };
}

/** The change by which somebody who gets a seat leaves the line, if they wait. */
function leaving(entry: WaitlistEntry | undefined): Change[] {
  return entry ? [{ type: 'leftLine', entry }] : [];
}

/** The refusal while registration is not open; null while it is. */
export function closure(
  event: Pick<EventRecord, 'status' | 'registrationOpensAt' | 'registrationClosesAt'>,
  now: string,
): Decision | null {
  const { status, registrationOpensAt: opens, registrationClosesAt: closes } = event;
  if (status === 'PAUSED') return refuse('paused');
  if (status === 'CLOSED') return refuse('closed');
  // Compare instants, not texts: the seed system may have stored a time in another form.
  const at = Date.parse(now);
  if (opens && at < Date.parse(opens)) return refuse('not-open-yet', opens);
  if (closes && at >= Date.parse(closes)) return refuse('closed-already', closes);
  return null;
}

/** Seats a user past the capacity. A user who waits leaves the line in the same commit. */
function seatPastCapacity(
  view: EventView,
  event: EventRecord,
  userId: string,
  overrideReason: string,
  circumstances: Circumstances,
): Decision {
  const entry = view.entryOf(userId);
  const more = bytesOf({ userId, overrideReason }) - (entry ? bytesOf(entry) : 0);
  if (view.bytes + more > EVENT_MAX_BYTES) return refuse('no-room');
  const registration = {
    ...seatFor(userId, event, view.lastSeq + 1, circumstances),
    overrideReason,
  };
  return {
    changes: [...leaving(entry), { type: 'registered', registration }],
    outcome: { type: 'registered', registration: toRegistration(registration) },
  };
}

/** Gives up a seat; it goes to the first in line. */
export function unregister(
  view: EventView,
  event: EventRecord,
  userId: string,
  circumstances: Circumstances,
): Decision {
  const registration = view.registrationOf(userId);
  if (!registration) return refuse('not-registered');
  const taken = takenSeats(view) - 1;
  const { changes, promoted, offered } = fillSeats(view, event, taken, circumstances, 1);
  return {
    changes: [{ type: 'unregistered', registration }, ...changes],
    outcome: {
      type: 'unregistered',
      registration: toRegistration(registration),
      promoted: promoted[0] ?? null,
      offered: offered[0] ?? null,
    },
  };
}

/** Gives up an entry in the line, or an offer. */
export function leaveLine(
  view: EventView,
  event: EventRecord,
  userId: string,
  circumstances: Circumstances,
): Decision {
  const offer = view.offerOf(userId);
  if (offer) return decline(view, event, offer, circumstances);
  const entry = view.entryOf(userId);
  if (!entry) return refuse('not-waiting');
  return { changes: [{ type: 'leftLine', entry }], outcome: { type: 'leftLine', entry } };
}
