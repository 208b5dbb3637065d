import { EVENT_MAX_BYTES, WAITLIST_MAX_ENTRIES } from '../../limits.ts';
import type { Command } from '../command.ts';
import type { EventRecord, WaitlistEntry } from '../model.ts';
import { bytesOf, type EventView } from '../state.ts';
import { type Circumstances, type Decision, refuse } from './decision.ts';
import { promoteInto, seatFor, toRegistration } from './seating.ts';

/** Gives the user a free seat, or an entry in the line. */
export function register(
  view: EventView,
  event: EventRecord,
  { userId, override }: Extract<Command, { type: 'register' }>,
  circumstances: Circumstances,
): Decision {
  if (event.status === 'CANCELLED') return refuse('cancelled');
  if (view.registrationOf(userId)) return refuse('already-registered');
  const entry = view.entryOf(userId);
  if (override) return seatPastCapacity(view, event, userId, override.reason, circumstances);
  if (entry) return refuse('already-waitlisted');
  const closed = closure(event, circumstances.now);
  if (closed) return closed;
  const hasRoom = view.bytes + bytesOf({ userId }) <= EVENT_MAX_BYTES;
  // While anybody waits, a free seat goes to the first in line, never to a newcomer.
  if (view.registeredCount < event.capacity && view.waitlistCount === 0) {
    if (!hasRoom) return refuse('no-room');
    const registration = seatFor(userId, event, view.lastSeq + 1, circumstances);
    return {
      changes: [{ type: 'registered', registration }],
      outcome: { type: 'registered', registration: toRegistration(registration) },
    };
  }
  if (!event.hasWaitlist) return refuse('full');
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
    changes: [
      ...(entry ? [{ type: 'leftLine' as const, entry }] : []),
      { type: 'registered', registration },
    ],
    outcome: { type: 'registered', registration: toRegistration(registration) },
  };
}

/** Gives up a seat; the first in line is promoted into it. */
export function unregister(
  view: EventView,
  event: EventRecord,
  userId: string,
  circumstances: Circumstances,
): Decision {
  const registration = view.registrationOf(userId);
  if (!registration) return refuse('not-registered');
  // Promotes at most one, unless an interrupted update left more seats free.
  const { changes, promoted } = promoteInto(view, event, view.registeredCount - 1, circumstances);
  return {
    changes: [{ type: 'unregistered', registration }, ...changes],
    outcome: {
      type: 'unregistered',
      registration: toRegistration(registration),
      promoted: promoted[0] ?? null,
    },
  };
}

/** Gives up an entry in the line. */
export function leaveLine(view: EventView, userId: string): Decision {
  const entry = view.entryOf(userId);
  if (!entry) return refuse('not-waiting');
  return { changes: [{ type: 'leftLine', entry }], outcome: { type: 'leftLine', entry } };
}
