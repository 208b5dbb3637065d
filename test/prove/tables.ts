import { EventState } from '../../src/event/state.ts';
import { type EventItem, toDigest } from '../../src/store/tables.ts';
import type { Content, Operation } from './history.ts';
import type { Tables } from './world.ts';

/** What the tables hold of one event. */
export interface Rows {
  item: EventItem | undefined;
  registrations: Tables['registrations'];
  /** By position. */
  waitlist: Tables['waitlist'];
}

export function rowsOf(tables: Tables, eventId: string): Rows {
  const isOurs = (row: { eventId: string }) => row.eventId === eventId;
  return {
    item: tables.events.find(isOurs),
    registrations: tables.registrations.filter(isOurs),
    waitlist: tables.waitlist.filter(isOurs).sort((a, b) => a.position - b.position),
  };
}

/** The rows as the last answer of a history, so that they are held against all the others. */
export function toContent({ item, registrations, waitlist }: Rows): Content | null {
  if (!item) return null;
  const { capacity, hasWaitlist, lastPosition } = item;
  return {
    capacity,
    hasWaitlist,
    lastPosition,
    seats: registrations
      .map(({ userId, registrationId }) => ({ userId, id: registrationId }))
      .sort((a, b) => (a.userId < b.userId ? -1 : 1)),
    line: waitlist.map(({ userId, entryId, position }) => ({ userId, id: entryId, position })),
  };
}

/** Rows of events that nobody ever asked for. */
export function strayRows(tables: Tables, eventIds: Set<string>): string[] {
  return [...tables.events, ...tables.registrations, ...tables.waitlist]
    .filter(({ eventId }) => !eventIds.has(eventId))
    .map((row) => `a row that nobody asked for: ${JSON.stringify(row)}`);
}

/** Which promises the rows of an event break, by themselves and by what clients were told. */
export function checkRows(rows: Rows, operations: Operation[]): string[] {
  const faults = checkBooks(rows);
  const expect = (holds: boolean, what: string) => {
    if (!holds) faults.push(what);
  };
  const told = toldIds(operations);
  const asked = new Set(
    operations.flatMap(({ request }) => (request.type === 'register' ? request.userId : [])),
  );
  const isOpen = (type: string, userId?: string) =>
    operations.some(
      ({ request, outcome }) =>
        outcome.type === 'unknown' &&
        request.type === type &&
        (userId === undefined || ('userId' in request && request.userId === userId)),
    );
  const hasLeft = (userId: string) =>
    operations.some(
      ({ request, outcome }) =>
        request.type === 'unregister' &&
        request.userId === userId &&
        (outcome.type === 'unregistered' || outcome.type === 'unknown'),
    );

  for (const { registrationId, userId } of rows.registrations) {
    expect(asked.has(userId), `${userId} has a seat that nobody asked for`);
    const mayBeUntold = isOpen('register', userId) || isOpen('unregister');
    expect(
      told.seats.has(registrationId) || mayBeUntold,
      `the seat ${registrationId} of ${userId} was told to nobody`,
    );
  }
  for (const { entryId, userId } of rows.waitlist) {
    expect(asked.has(userId), `${userId} has a place in line that nobody asked for`);
    expect(
      told.places.has(entryId) || isOpen('register', userId),
      `the place ${entryId} of ${userId} was told to nobody`,
    );
  }
  const kept = new Set([
    ...rows.registrations.map(({ registrationId }) => registrationId),
    ...rows.waitlist.map(({ entryId }) => entryId),
  ]);
  for (const [id, userId] of told.seats) {
    expect(kept.has(id) || hasLeft(userId), `the acknowledged seat ${id} of ${userId} is gone`);
  }
  const firstWaiting = rows.waitlist[0]?.position ?? Number.POSITIVE_INFINITY;
  for (const [id, { userId, position }] of told.places) {
    const mayBePromoted = told.promoted.has(userId) || isOpen('unregister');
    expect(kept.has(id) || mayBePromoted, `the acknowledged place ${id} of ${userId} is gone`);
    expect(
      kept.has(id) || position < firstWaiting,
      `${userId} left the line from ${position}, while ${firstWaiting} still waits`,
    );
  }
  return faults;
}

function checkBooks({ item, registrations, waitlist }: Rows): string[] {
  const faults: string[] = [];
  const expect = (holds: boolean, what: string) => {
    if (!holds) faults.push(what);
  };
  if (!item) {
    expect(registrations.length + waitlist.length === 0, 'there are rows without an event item');
    return faults;
  }
  const { capacity, registeredCount, waitlistCount, lastPosition } = item;
  const seats = registrations.length;
  expect(seats <= capacity, `over capacity: ${seats} seats of ${capacity}`);
  expect(registeredCount === seats, `registeredCount ${registeredCount} for ${seats} rows`);
  expect(
    waitlistCount === waitlist.length,
    `waitlistCount ${waitlistCount} for ${waitlist.length} rows`,
  );
  expect(waitlist.length === 0 || seats === capacity, 'somebody waits while a seat is free');
  const users = [...registrations, ...waitlist].map(({ userId }) => userId);
  expect(new Set(users).size === users.length, `two places for one user: ${users.join(', ')}`);
  const positions = waitlist.map(({ position }) => position);
  expect(new Set(positions).size === positions.length, `a position twice: ${positions.join(', ')}`);
  expect(lastPosition >= Math.max(0, ...positions), `lastPosition ${lastPosition} is too low`);
  if (faults.length === 0) {
    const state = new EventState();
    for (const row of registrations) {
      state.applyRow({ op: 'add', table: 'registrations', id: row.registrationId, row });
    }
    for (const row of waitlist) {
      state.applyRow({ op: 'add', table: 'waitlist', id: row.entryId, row });
    }
    expect(item.digest === toDigest(state.digest), 'the digest is not that of the rows');
  }
  return faults;
}

/** The ids that clients were told. */
function toldIds(operations: Operation[]) {
  const seats = new Map<string, string>();
  const places = new Map<string, { userId: string; position: number }>();
  const promoted = new Set<string>();
  for (const { request, outcome } of operations) {
    if (outcome.type === 'registered' && request.type === 'register') {
      seats.set(outcome.id, request.userId);
    }
    if (outcome.type === 'waitlisted' && request.type === 'register') {
      places.set(outcome.id, { userId: request.userId, position: outcome.position });
    }
    if (outcome.type === 'unregistered' && outcome.promoted) {
      seats.set(outcome.promoted.id, outcome.promoted.userId);
      promoted.add(outcome.promoted.userId);
    }
  }
  return { seats, places, promoted };
}
