import { EventState } from '../../src/event/state.ts';
import { type EventItem, toDigest, toEventRecord } from '../../src/store/tables.ts';
import type { Content, Operation, Outcome, Request, Seat, Settings } from './history.ts';
import { entriesOf, type LogEntry, strayLogRows } from './log.ts';
import { lineEndOf, settingsOf } from './rules.ts';
import type { Tables } from './world.ts';

/** What the tables hold of one event. */
export interface Rows {
  item: EventItem | undefined;
  registrations: Tables['registrations'];
  /** By position. */
  offers: Tables['offers'];
  /** By position. */
  waitlist: Tables['waitlist'];
  /** Its log, oldest first. */
  log: LogEntry[];
}

export function rowsOf(tables: Tables, eventId: string): Rows {
  const isOurs = (row: { eventId: string }) => row.eventId === eventId;
  return {
    item: tables.events.find(isOurs),
    registrations: tables.registrations.filter(isOurs),
    offers: tables.offers.filter(isOurs).sort((a, b) => a.position - b.position),
    waitlist: tables.waitlist.filter(isOurs).sort((a, b) => a.position - b.position),
    log: entriesOf(tables.log, eventId),
  };
}

/** The rows as the last answer of a history, so that the checker compares them with all others. */
export function toContent({ item, registrations, offers, waitlist }: Rows): Content | null {
  if (!item) return null;
  const { lastPosition } = item;
  return {
    ...settingsOf(toEventRecord(item)),
    revision: item.revision ?? 1,
    lastPosition,
    seats: registrations
      .map(({ userId, registrationId, seq }) => ({ userId, id: registrationId, seq }))
      .sort((a, b) => (a.userId < b.userId ? -1 : 1)),
    offers: offers.map(({ userId, registrationId, position, createdAt, offerEndsAt }) => {
      return { userId, id: registrationId, position, createdAt, expiresAt: offerEndsAt };
    }),
    line: waitlist.map(({ userId, entryId, position }) => ({ userId, id: entryId, position })),
  };
}

/** Rows of events that nobody ever asked for, and keys and log rows that would show up among registrations. */
export function strayRows(tables: Tables, eventIds: Set<string>): string[] {
  const strays = [...tables.events, ...tables.registrations, ...tables.offers, ...tables.waitlist]
    .filter(({ eventId }) => !eventIds.has(eventId))
    .map((row) => `a row that nobody asked for: ${JSON.stringify(row)}`);
  const shown = tables.keys
    .filter((key) => 'eventId' in key || 'userId' in key || typeof key.expiresAt !== 'number')
    .map((key) => `a key that is in an index, or never expires: ${JSON.stringify(key)}`);
  return [...strays, ...shown, ...strayLogRows(tables.log, eventIds)];
}

/** The promises that the rows of an event break, alone or compared with the answers that clients got. */
export function checkRows(rows: Rows, operations: Operation[]): string[] {
  const faults = [...checkBooks(rows), ...checkCapacity(rows, operations)];
  const expect = (holds: boolean, what: string) => {
    if (!holds) faults.push(what);
  };
  const told = toldIds(operations);
  const asked = new Set(
    operations.flatMap(({ request }) =>
      request.type === 'register' || request.type === 'override' ? request.userId : [],
    ),
  );
  const was = (outcome: 'unknown' | 'done', type: Request['type'], userId?: string) =>
    operations.some(
      (operation) =>
        operation.request.type === type &&
        (operation.outcome.type === 'unknown') === (outcome === 'unknown') &&
        operation.outcome.type !== 'refused' &&
        (userId === undefined ||
          ('userId' in operation.request && operation.request.userId === userId)),
    );
  const isOpen = (type: Request['type'], userId?: string) => was('unknown', type, userId);
  const mayBe = (type: Request['type'], userId: string) =>
    isOpen(type, userId) || was('done', type, userId);
  // What the clock alone does is told to nobody, and neither is it when somebody takes a seat without a line.
  const mayOffer = patched(operations, 'offerSeconds');
  const mayEndLine = patched(operations, 'promotesUntil') || patched(operations, 'startsAt');
  const mayPromote =
    (['unregister', 'update', 'giveUp'] as const).some((type) => isOpen(type)) ||
    mayOffer ||
    mayEndLine;

  for (const { registrationId, userId } of rows.registrations) {
    expect(asked.has(userId), `${userId} has a seat that nobody asked for`);
    const mayBeUntold = isOpen('register', userId) || isOpen('override', userId) || mayPromote;
    expect(
      told.seats.has(registrationId) || mayBeUntold,
      `the seat ${registrationId} of ${userId} was told to nobody`,
    );
  }
  for (const { userId } of rows.offers) {
    expect(asked.has(userId), `${userId} is offered a seat, and has never asked for one`);
    expect(mayOffer, `${userId} is offered a seat in an event that offers none`);
  }
  for (const { entryId, userId } of rows.waitlist) {
    expect(asked.has(userId), `${userId} has an entry that nobody asked for`);
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
    expect(
      kept.has(id) || mayBe('unregister', userId) || isOpen('giveUp', userId),
      `the acknowledged seat ${id} of ${userId} is gone`,
    );
  }
  const firstWaiting = rows.waitlist[0]?.position ?? Number.POSITIVE_INFINITY;
  for (const [id, { userId, position }] of told.places) {
    const mayHaveLeft =
      mayBe('leaveLine', userId) ||
      mayBe('override', userId) ||
      isOpen('giveUp', userId) ||
      (mayEndLine && mayBe('register', userId));
    const mayBePromoted = told.promoted.has(userId) || mayPromote;
    expect(
      kept.has(id) || mayHaveLeft || mayBePromoted,
      `the acknowledged place ${id} of ${userId} is gone`,
    );
    expect(
      kept.has(id) || mayHaveLeft || position < firstWaiting,
      `${userId} left the line from ${position}, while ${firstWaiting} still waits`,
    );
  }
  faults.push(...checkOrder(rows, operations));
  return faults;
}

/** Whether anybody asked to set this. */
function patched(operations: Operation[], field: keyof Settings): boolean {
  return operations.some(
    ({ request }) => request.type === 'update' && (request.patch[field] ?? null) !== null,
  );
}

/** Checks that only an override or a lowered capacity leads to more seats than the capacity. */
function checkCapacity({ item, registrations }: Rows, operations: Operation[]): string[] {
  if (!item) return [];
  const asked = operations.flatMap(({ request, outcome }) => {
    const capacity = request.type === 'update' ? request.patch.capacity : undefined;
    return capacity !== undefined && outcome.type !== 'refused' ? [capacity] : [];
  });
  const created = operations.flatMap(({ request }) =>
    request.type === 'create' && asked.length > 0 ? [request.capacity] : [],
  );
  const largest = Math.max(item.capacity, ...asked, ...created);
  const taken = registrations.filter(({ overrideReason }) => overrideReason === undefined).length;
  return taken > largest ? [`over capacity: ${taken} seats of ${largest} without an override`] : [];
}

/** Checks that seats are given in one order, and promotions in the order of the line. */
function checkOrder({ item, registrations }: Rows, operations: Operation[]): string[] {
  const faults: string[] = [];
  const seqs = new Map(registrations.map(({ registrationId, seq }) => [registrationId, seq]));
  if (new Set(seqs.values()).size !== seqs.size) faults.push('two seats with one order number');
  if (item && Math.max(0, ...seqs.values()) > item.lastSeq) {
    faults.push(`lastSeq ${item.lastSeq} is too low`);
  }
  for (const { outcome } of operations) {
    if (outcome.type !== 'updated') continue;
    const given = outcome.promoted.flatMap(({ id }) => seqs.get(id) ?? []);
    if (given.some((seq, i) => seq <= (given[i - 1] ?? 0))) {
      faults.push(`promoted together, and seated out of order: ${given.join(', ')}`);
    }
  }
  return faults;
}

function checkBooks({ item, registrations, offers, waitlist }: Rows): string[] {
  const faults: string[] = [];
  const expect = (holds: boolean, what: string) => {
    if (!holds) faults.push(what);
  };
  if (!item) {
    const count = registrations.length + offers.length + waitlist.length;
    expect(count === 0, 'there are rows without an event item');
    return faults;
  }
  const { capacity, registeredCount, offeredCount = 0, waitlistCount, lastPosition } = item;
  const seats = registrations.length;
  expect(registeredCount === seats, `registeredCount ${registeredCount} for ${seats} rows`);
  expect(
    waitlistCount === waitlist.length,
    `waitlistCount ${waitlistCount} for ${waitlist.length} rows`,
  );
  expect(offeredCount === offers.length, `offeredCount ${offeredCount} for ${offers.length} rows`);
  const isQuiet = waitlist.length === 0 || lineEndOf(toEventRecord(item)) <= Date.now();
  const taken = seats + offers.length;
  expect(isQuiet || taken >= capacity, 'somebody waits while a seat is free and the line lives');
  const users = [...registrations, ...offers, ...waitlist].map(({ userId }) => userId);
  expect(new Set(users).size === users.length, `two places for one user: ${users.join(', ')}`);
  const positions = waitlist.map(({ position }) => position);
  expect(new Set(positions).size === positions.length, `a position twice: ${positions.join(', ')}`);
  expect(lastPosition >= Math.max(0, ...positions), `lastPosition ${lastPosition} is too low`);
  if (faults.length === 0) {
    const state = new EventState();
    for (const row of registrations) {
      state.applyRow({ op: 'add', table: 'registrations', id: row.registrationId, row });
    }
    for (const { registrationId: id, offerEndsAt: expiresAt, status: _, ...offer } of offers) {
      state.applyRow({ op: 'add', table: 'offers', id, row: { ...offer, offerId: id, expiresAt } });
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
    if (outcome.type === 'registered' && 'userId' in request) {
      seats.set(outcome.id, request.userId);
    }
    if (outcome.type === 'waitlisted' && request.type === 'register') {
      places.set(outcome.id, { userId: request.userId, position: outcome.position });
    }
    for (const { id, userId } of promotedBy(outcome)) {
      seats.set(id, userId);
      promoted.add(userId);
    }
  }
  return { seats, places, promoted };
}

function promotedBy(outcome: Outcome): readonly Seat[] {
  if (outcome.type === 'updated') return outcome.promoted;
  return outcome.type === 'unregistered' && outcome.promoted ? [outcome.promoted] : [];
}
