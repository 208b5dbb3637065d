import { CHANGE_MAX_LISTED, EVENT_MAX_BYTES, WAITLIST_MAX_ENTRIES } from '../limits.ts';
import { type EventRecord, isReversed, type Registration, type WaitlistEntry } from '../schemas.ts';
import type { Command, Outcome, Question, RefusalReason } from './command.ts';
import { bytesOf, type Change, type EventView, type Seat } from './state.ts';

/** An outcome, and what has to be committed before anybody is told. */
export interface Decision {
  changes: Change[];
  outcome: Outcome;
  /** Acknowledges how things are, so the fence has to be met even where nothing changes. */
  mustCommit?: boolean;
}

/** What the rules take from outside. */
export interface Circumstances {
  /** The time of the decision, ISO 8601 in UTC. */
  now: string;
  /** Gives a UUID that was never given before. */
  newId: () => string;
}

const refuse = (reason: RefusalReason, time?: string): Decision => ({
  changes: [],
  outcome: { type: 'refused', reason, ...(time ? { time } : {}) },
});

/** What a client sees of a seat. */
function toRegistration({ seq: _, ...registration }: Seat): Registration {
  return registration;
}

/** The business rules, pure: what a command means for an event as it is. */
export function decide(view: EventView, command: Command, circumstances: Circumstances): Decision {
  const { event } = view;
  if (command.type === 'create') {
    if (event) return refuse('event-exists');
    const created = { ...command.event, status: 'OPEN' as const, createdAt: circumstances.now };
    return {
      changes: [{ type: 'created', event: created }],
      outcome: { type: 'created', event: created, revision: 1 },
    };
  }
  if (!event) return refuse('no-such-event');
  switch (command.type) {
    case 'read':
    case 'stand':
    case 'list':
      return { changes: [], outcome: answer(view, event, command) };
    case 'register':
      return register(view, event, command, circumstances);
    case 'unregister':
      return unregister(view, event, command.userId, circumstances);
    case 'leaveLine': {
      const entry = view.entryOf(command.userId);
      if (!entry) return refuse('not-waiting');
      return { changes: [{ type: 'leftLine', entry }], outcome: { type: 'leftLine', entry } };
    }
    case 'update':
      return update(view, event, command, circumstances);
    case 'cancel':
      return cancel(view, event, command.ifMatch);
    case 'claim':
      return { changes: [], outcome: { type: 'claimed' } };
    case 'promote': {
      const { revision } = view;
      const promotions = promoteInto(view, event, view.registeredCount, circumstances);
      const { changes, ...told } = promotions;
      return { changes, outcome: { type: 'updated', event, revision, ...told } };
    }
  }
}

function answer(view: EventView, event: EventRecord, question: Question): Outcome {
  switch (question.type) {
    case 'read':
      return {
        type: 'read',
        event,
        revision: view.revision,
        registeredCount: view.registeredCount,
        waitlistCount: view.waitlistCount,
      };
    case 'stand': {
      const seat = view.registrationOf(question.userId);
      const entry = view.entryOf(question.userId) ?? null;
      return {
        type: 'standing',
        registration: seat ? toRegistration(seat) : null,
        entry,
        ahead: entry ? view.aheadOf(entry) : null,
      };
    }
    case 'list': {
      const { list, after, limit } = question;
      return list === 'registrations'
        ? { type: list, ...page(view.seated(after), limit) }
        : { type: list, ...page(view.waiting(after), limit) };
    }
  }
}

/** The first of these rows, and whether they are all. */
function page<Row>(all: Iterable<Row>, limit: number) {
  const rows: Row[] = [];
  for (const row of all) {
    if (rows.length === limit) return { rows, isLast: false };
    rows.push(row);
  }
  return { rows, isLast: true };
}

/** Why nobody can register now, if so. */
function closure(event: EventRecord, now: string): Decision | null {
  const { status, registrationOpensAt: opens, registrationClosesAt: closes } = event;
  if (status === 'PAUSED') return refuse('paused');
  if (status === 'CLOSED') return refuse('closed');
  // Instants, not texts: an older system may have stored a time in another form.
  const at = Date.parse(now);
  if (opens && at < Date.parse(opens)) return refuse('not-open-yet', opens);
  if (closes && at >= Date.parse(closes)) return refuse('closed-already', closes);
  return null;
}

function register(
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
  // A free seat belongs to whoever waits first, never to a newcomer.
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
  const waiting: WaitlistEntry = {
    entryId: circumstances.newId(),
    userId,
    eventId: event.eventId,
    position: view.lastPosition + 1,
    createdAt: circumstances.now,
  };
  return {
    changes: [{ type: 'waitlisted', entry: waiting }],
    outcome: { type: 'waitlisted', entry: waiting },
  };
}

/** The one way over the capacity. Whoever waited leaves the line in the same step. */
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

function unregister(
  view: EventView,
  event: EventRecord,
  userId: string,
  circumstances: Circumstances,
): Decision {
  const registration = view.registrationOf(userId);
  if (!registration) return refuse('not-registered');
  // At most one, unless an interrupted update left seats free: then as many as fit.
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

function update(
  view: EventView,
  event: EventRecord,
  { patch, ifMatch, isDryRun }: Extract<Command, { type: 'update' }>,
  circumstances: Circumstances,
): Decision {
  if (event.status === 'CANCELLED') return refuse('cancelled');
  if (ifMatch && !ifMatch.includes(view.revision)) return refuse('revision-mismatch');
  const given = Object.entries(patch).filter(([, value]) => value !== undefined);
  const updated: EventRecord = { ...event, ...Object.fromEntries(given) };
  if (isReversed(updated)) return refuse('window-reversed');
  const isChanged = given.some(([field, value]) => event[field as keyof EventRecord] !== value);
  const promotions = promoteInto(view, updated, view.registeredCount, circumstances);
  const { changes, ...told } = promotions;
  const outcome: Outcome = {
    type: 'updated',
    event: updated,
    revision: view.revision + (isChanged ? 1 : 0),
    ...told,
  };
  if (isDryRun) return { changes: [], outcome };
  return {
    changes: [...(isChanged ? [{ type: 'updated' as const, event: updated }] : []), ...changes],
    outcome,
    mustCommit: true,
  };
}

function cancel(view: EventView, event: EventRecord, ifMatch: number[] | null): Decision {
  if (ifMatch && !ifMatch.includes(view.revision)) return refuse('revision-mismatch');
  if (event.status === 'CANCELLED') {
    return { changes: [], outcome: { type: 'cancelled', event, revision: view.revision } };
  }
  const cancelled = { ...event, status: 'CANCELLED' as const };
  return {
    changes: [{ type: 'updated', event: cancelled }],
    outcome: { type: 'cancelled', event: cancelled, revision: view.revision + 1 },
  };
}

/** What became of free seats, and what is told of it: the first who were promoted, and how many there are. */
interface Promotions {
  changes: Change[];
  promoted: Registration[];
  promotedCount: number;
}

/** Gives free seats to those who wait, in order. A cancelled event seats nobody. */
function promoteInto(
  view: EventView,
  event: EventRecord,
  registeredCount: number,
  circumstances: Circumstances,
): Promotions {
  const changes: Change[] = [];
  const promoted: Registration[] = [];
  const free = event.status === 'CANCELLED' ? 0 : event.capacity - registeredCount;
  if (free <= 0 || view.waitlistCount === 0) return { changes, promoted, promotedCount: 0 };
  for (const entry of view.waiting()) {
    const seq = view.lastSeq + changes.length + 1;
    const registration = seatFor(entry.userId, event, seq, circumstances);
    changes.push({ type: 'promoted', entry, registration });
    if (promoted.length < CHANGE_MAX_LISTED) promoted.push(toRegistration(registration));
    if (changes.length === free) break;
  }
  return { changes, promoted, promotedCount: changes.length };
}

function seatFor(
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
