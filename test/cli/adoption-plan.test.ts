import { describe, expect, test } from 'vitest';
import { planEvent, planUser } from '../../src/cli/adoption-plan.ts';
import { type OldItem, toNewId } from '../../src/cli/adoption-rows.ts';
import { readOldTime } from '../../src/cli/old-times.ts';
import { CAPACITY_MAX } from '../../src/limits.ts';

const NOW = '2026-11-25T00:00:00.000Z';
const item = {
  eventId: 'gala',
  name: 'Gala',
  capacity: 100,
  hasWaitlist: true,
  createdAt: '2026-01-01T00:00:00Z',
};

/** A UUID that ends in this number. */
const uuid = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

const seat = (n: number, userId: string, createdAt: unknown, more: OldItem = {}): OldItem => ({
  registrationId: uuid(n),
  userId,
  eventId: 'gala',
  status: 'ACTIVE',
  createdAt,
  ...more,
});

const entry = (n: number, userId: string, position: unknown, createdAt: unknown): OldItem => ({
  entryId: uuid(n),
  userId,
  eventId: 'gala',
  position,
  createdAt,
});

const at = (second: number) => `2026-02-01T00:00:${String(second).padStart(2, '0')}Z`;

function plan(seats: OldItem[], entries: OldItem[] = [], more: OldItem = {}) {
  return planEvent({ item: { ...item, ...more }, seats, entries }, NOW);
}

/** Users by order number. */
function placed(rows: OldItem[], orders: Map<string, number>): Record<number, unknown> {
  const userOf = new Map(rows.map((row) => [row.registrationId ?? row.entryId, row.userId]));
  return Object.fromEntries([...orders].map(([id, order]) => [order, userOf.get(id)]));
}

describe('seats', () => {
  test('are numbered by createdAt, then by id', () => {
    const rows = [seat(3, 'c', at(2)), seat(2, 'b', at(1)), seat(1, 'a', at(1))];
    const { orders, books, refusals } = plan(rows);
    expect(placed(rows, orders.registrations)).toEqual({ 1: 'a', 2: 'b', 3: 'c' });
    expect(books).toMatchObject({ registeredCount: 3, waitlistCount: 0, lastSeq: 3 });
    expect(refusals).toEqual([]);
  });

  test('are numbered by time to the last digit of a fraction, with any offset', () => {
    const rows = [
      seat(1, 'd', '2026-02-01T01:00:00.1+01:00'),
      seat(2, 'b', '2026-02-01T00:00:00.000002'),
      seat(3, 'c', '2026-02-01 00:00:00.000003Z'),
      seat(4, 'a', '2026-02-01T00:00:00Z'),
    ];
    const { orders, writes } = plan(rows);
    expect(placed(rows, orders.registrations)).toEqual({ 1: 'a', 2: 'b', 3: 'c', 4: 'd' });
    const of = (id: string) => writes.find((write) => write.id === id);
    expect(of(uuid(1))).toMatchObject({ fields: { createdAt: '2026-02-01T00:00:00.1Z', seq: 4 } });
    expect(of(uuid(2))).toMatchObject({ fields: { createdAt: '2026-02-01T00:00:00.000002Z' } });
    // A time in the form of the API is not rewritten.
    expect(of(uuid(4))).toMatchObject({ fields: { seq: 1 } });
  });

  test('without a time come last, and are noted', () => {
    const rows = [seat(1, 'x', 'soon'), seat(2, 'a', at(1)), seat(3, 'y', undefined)];
    const { orders, notes, writes } = plan(rows);
    expect(placed(rows, orders.registrations)).toEqual({ 1: 'a', 2: 'x', 3: 'y' });
    expect(notes.join()).toContain('2 rows have no valid createdAt');
    expect(writes.find(({ id }) => id === uuid(1))).toMatchObject({ fields: { createdAt: NOW } });
  });

  test('past the capacity are kept', () => {
    const { notes, books } = plan([seat(1, 'a', at(1)), seat(2, 'b', at(2))], [], { capacity: 1 });
    expect(books.registeredCount).toBe(2);
    expect(notes.join()).toContain('seats past the capacity are kept: 1');
  });

  test('whose status is not ACTIVE, or whose userId is not valid, are set aside', () => {
    const { books, writes } = plan([
      seat(1, 'a', at(1), { status: 'CANCELLED' }),
      seat(2, 'b', at(2), { status: undefined }),
      seat(3, ' c', at(3)),
      seat(4, 'd', at(4), { userId: undefined }),
      seat(5, 'e', at(5)),
    ]);
    expect(books).toMatchObject({ registeredCount: 1, lastSeq: 1 });
    const reasons = writes.flatMap((write) => (write.op === 'setAside' ? [write.reason] : []));
    expect(reasons).toEqual([
      'its status is "CANCELLED", not "ACTIVE"',
      'its status is missing, not "ACTIVE"',
      'its userId is " c", which is no valid id',
      'its userId is missing, which is no valid id',
    ]);
  });

  test('whose id is no UUID get one, always the same', () => {
    const rows = [seat(0, 'a', at(1), { registrationId: 'reg-1' })];
    const [write] = plan(rows).writes;
    const registrationId = toNewId('registrations', 'reg-1');
    expect(registrationId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-/);
    expect(write).toMatchObject({ op: 'rename', id: 'reg-1', row: { registrationId, seq: 1 } });
    expect(toNewId('waitlist', 'reg-1')).not.toBe(registrationId);
  });
});

describe('one place for each user', () => {
  test('a seat rather than an entry, and of two the earlier', () => {
    const { books, writes, orders } = plan(
      [seat(1, 'a', at(9)), seat(2, 'a', at(1)), seat(3, 'b', at(2))],
      [entry(4, 'b', 1, at(1)), entry(5, 'c', 3, at(3)), entry(6, 'c', 2, at(2))],
    );
    const aside = writes.filter(({ op }) => op === 'setAside').map(({ id }) => id);
    expect(aside).toEqual([uuid(1), uuid(4), uuid(5)]);
    expect([...orders.registrations.keys()]).toEqual([uuid(2), uuid(3)]);
    expect(books).toMatchObject({ registeredCount: 2, waitlistCount: 1, lastPosition: 2 });
  });
});

describe('positions', () => {
  const positionsOf = (entries: OldItem[]) => {
    const { orders, notes } = plan([], entries);
    return { orders: placed(entries, orders.waitlist), notes: notes.join() };
  };

  test('stay where they are unique, ascending whole numbers of at least 1', () => {
    const rows = [entry(1, 'c', 900, at(3)), entry(2, 'a', 2, at(1)), entry(3, 'b', 7, at(2))];
    expect(positionsOf(rows).orders).toEqual({ 2: 'a', 7: 'b', 900: 'c' });
    expect(plan([], rows).books.lastPosition).toBe(900);
    expect(plan([], rows).writes).toEqual([]);
  });

  test.each([
    ['given twice', [2, 2, 5]],
    ['below 1', [0, 1, 2]],
    ['negative', [-3, -2, 4]],
    ['no whole number', [1, 1.5, 2]],
    ['past what a number can tell apart', [1, 2, 2 ** 60]],
    ['missing', [1, 2, undefined]],
  ])('%s are given anew, in the order of position and createdAt', (_, positions) => {
    const rows = positions.map((position, i) => entry(9 - i, `user-${i}`, position, at(i)));
    const { orders, notes } = positionsOf(rows);
    expect(orders).toEqual({ 1: 'user-0', 2: 'user-1', 3: 'user-2' });
    expect(notes).toContain('positions are given anew');
  });

  test('that contradict createdAt are given anew, and still decide the order', () => {
    const rows = [entry(1, 'a', 3, at(9)), entry(2, 'b', 5, at(1))];
    expect(positionsOf(rows).orders).toEqual({ 1: 'a', 2: 'b' });
  });

  test('are written so that an interruption at any point leaves the order as it was', () => {
    // Positions that grow, fall, and both, with and without ties, which ids decide.
    const lines = [
      [0, 0, 0, 0],
      [1, 2, 2, 3],
      [5, 5, 6, 9],
      [-4, 1, 1, 30],
      [1, 1, 1, 40],
      [undefined, undefined, 7, 7],
    ];
    for (const line of lines) {
      // Random ids and times, all different.
      const rows = line.map((position, i) =>
        entry((i * 7) % 5, `user-${i}`, position, at(40 - ((i * 3) % 7))),
      );
      const whole = placed(rows, plan([], rows).orders.waitlist);
      const { writes } = plan([], rows);
      for (let done = 0; done <= writes.length; done++) {
        const now = rows.map((row) => {
          const write = writes.slice(0, done).find(({ id }) => id === row.entryId);
          return write?.op === 'set' ? { ...row, ...write.fields } : row;
        });
        const again = placed(now, plan([], now).orders.waitlist);
        expect(Object.values(again), `${line} after ${done}`).toEqual(Object.values(whole));
      }
    }
  });
});

describe('an event', () => {
  test.each([
    [{ capacity: 0 }, 'capacity must be at least 1 (it is 0)'],
    [{ capacity: CAPACITY_MAX + 1 }, `capacity must be at most ${CAPACITY_MAX} (it is 100001)`],
    [{ capacity: 1.5 }, 'capacity must be an integer (it is 1.5)'],
    [{ capacity: '5' }, 'capacity must be an integer (it is "5")'],
    [{ capacity: undefined }, 'capacity is missing (it is missing)'],
    [{ name: ' ' }, 'name must not be empty (it is " ")'],
    [{ name: 'x'.repeat(201) }, 'name must be at most 200 characters'],
    [{ eventId: '..' }, 'eventId must not be "." or ".."'],
    [{ eventId: ' gala' }, 'eventId begins or ends with blanks'],
    [{ hasWaitlist: 'yes' }, 'hasWaitlist'],
  ])('that is out of bounds is refused: %o', (more, told) => {
    expect(plan([], [], more).refusals.join()).toContain(told);
  });

  test('gets the attributes that it lacks, and keeps the others', () => {
    expect(plan([], []).item).toEqual({});
    const lacking = { hasWaitlist: undefined, createdAt: '2026-01-01T00:00:00.5+00:00' };
    expect(plan([], [], lacking).item).toEqual({
      hasWaitlist: false,
      createdAt: '2026-01-01T00:00:00.5Z',
    });
  });

  test('that was partly written gets the same plan', () => {
    const rows = [seat(1, 'a', at(1)), seat(2, 'b', at(2)), seat(3, 'c', at(3))];
    const { writes, books } = plan(rows);
    const half = rows.map((row, i) =>
      i === 1 && writes[i]?.op === 'set' ? { ...row, ...writes[i].fields } : row,
    );
    const again = plan(half);
    expect(again.books).toEqual(books);
    expect(again.writes).toHaveLength(2);
  });
});

test('faults of a user are reported, and a time is rewritten', () => {
  expect(planUser({ userId: 'ada', name: 'Ada', createdAt: at(1) })).toEqual({
    faults: [],
    createdAt: null,
  });
  expect(planUser({ userId: 'ada', name: 'Ada', createdAt: '2026-02-01T02:00:00+02:00' })).toEqual({
    faults: [],
    createdAt: '2026-02-01T00:00:00Z',
  });
  const { faults } = planUser({ userId: 'ada\n', name: '', createdAt: 5 });
  expect(faults).toEqual([
    'name must not be empty (it is "")',
    'nobody can ask for this id',
    'createdAt is 5, which is no time',
  ]);
});

test('an invalid time is not guessed', () => {
  for (const none of [
    '',
    'now',
    '2026-02-30T00:00:00Z',
    '2026-01-01',
    12,
    null,
    '9999-12-31T23:59:59-01:00',
  ]) {
    expect(readOldTime(none), String(none)).toBeNull();
  }
});
