import { WAITLIST_MAX_ENTRIES } from '../limits.ts';
import type { EventRecord, Registration, WaitlistEntry } from '../schemas.ts';
import type { Change, EventView } from './state.ts';

/** What can be asked of an event. */
export type Command =
  | { type: 'create'; event: Omit<EventRecord, 'createdAt'> }
  | { type: 'read' }
  | { type: 'register'; userId: string }
  | { type: 'unregister'; userId: string };

/** Why a command is refused. */
export type RefusalReason =
  | 'event-exists'
  | 'no-such-event'
  | 'no-such-user'
  | 'already-registered'
  | 'already-waitlisted'
  | 'full'
  | 'waitlist-full'
  | 'not-registered';

/** A refusal by the rules; it changes nothing. */
export interface Refusal {
  type: 'refused';
  reason: RefusalReason;
}

/** What came of a command. */
export type Outcome =
  | { type: 'created'; event: EventRecord }
  | { type: 'read'; event: EventRecord; registeredCount: number; waitlistCount: number }
  | { type: 'registered'; registration: Registration }
  | { type: 'waitlisted'; entry: WaitlistEntry }
  | { type: 'unregistered'; registration: Registration; promoted: Registration | null }
  | Refusal;

/** An outcome, and what has to be committed before anybody is told. */
export interface Decision {
  changes: Change[];
  outcome: Outcome;
}

const refuse = (reason: RefusalReason): Decision => ({
  changes: [],
  outcome: { type: 'refused', reason },
});

/** What a reader is told of an event. */
export function describe(view: EventView): Outcome {
  return view.event
    ? {
        type: 'read',
        event: view.event,
        registeredCount: view.registeredCount,
        waitlistCount: view.waitlistCount,
      }
    : { type: 'refused', reason: 'no-such-event' };
}

/**
 * The business rules, pure: what a command means for an event as it is.
 *
 * @param now the time of the decision, ISO 8601 in UTC
 * @param newId gives a UUID that was never given before
 */
export function decide(
  view: EventView,
  command: Command,
  now: string,
  newId: () => string,
): Decision {
  if (command.type === 'create') {
    if (view.event) return refuse('event-exists');
    const event = { ...command.event, createdAt: now };
    return { changes: [{ type: 'created', event }], outcome: { type: 'created', event } };
  }
  const { event } = view;
  if (!event) return refuse('no-such-event');
  switch (command.type) {
    case 'read':
      return { changes: [], outcome: describe(view) };
    case 'register':
      return register(view, event, command.userId, now, newId);
    case 'unregister':
      return unregister(view, event, command.userId, now, newId);
  }
}

function register(
  view: EventView,
  event: EventRecord,
  userId: string,
  now: string,
  newId: () => string,
): Decision {
  if (view.registrationOf(userId)) return refuse('already-registered');
  if (view.entryOf(userId)) return refuse('already-waitlisted');
  // A free seat belongs to whoever waits first, never to a newcomer.
  if (view.registeredCount < event.capacity && view.waitlistCount === 0) {
    const registration = seatFor(userId, event, now, newId);
    return {
      changes: [{ type: 'registered', registration }],
      outcome: { type: 'registered', registration },
    };
  }
  if (!event.hasWaitlist) return refuse('full');
  if (view.waitlistCount >= WAITLIST_MAX_ENTRIES) return refuse('waitlist-full');
  const entry: WaitlistEntry = {
    entryId: newId(),
    userId,
    eventId: event.eventId,
    position: view.lastPosition + 1,
    createdAt: now,
  };
  return { changes: [{ type: 'waitlisted', entry }], outcome: { type: 'waitlisted', entry } };
}

function unregister(
  view: EventView,
  event: EventRecord,
  userId: string,
  now: string,
  newId: () => string,
): Decision {
  const registration = view.registrationOf(userId);
  if (!registration) return refuse('not-registered');
  const changes: Change[] = [{ type: 'unregistered', registration }];
  let promoted: Registration | null = null;
  if (view.registeredCount - 1 < event.capacity) {
    for (const entry of view.waiting()) {
      promoted = seatFor(entry.userId, event, now, newId);
      changes.push({ type: 'promoted', entry, registration: promoted });
      break;
    }
  }
  return { changes, outcome: { type: 'unregistered', registration, promoted } };
}

function seatFor(
  userId: string,
  event: EventRecord,
  now: string,
  newId: () => string,
): Registration {
  return {
    registrationId: newId(),
    userId,
    eventId: event.eventId,
    status: 'ACTIVE',
    createdAt: now,
  };
}
