import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { check } from './checker.ts';
import { changesOnly, type Operation, type Outcome, Recorder, type Request } from './history.ts';
import { Random } from './random.ts';
import { explainViolation } from './report.ts';
import { carryOut, type Model } from './rules.ts';

const EVENT = 'event';
const OPEN = {
  hasWaitlist: true,
  waitlistCapacity: null,
  status: 'OPEN' as const,
  registrationOpensAt: null,
  registrationClosesAt: null,
  startsAt: null,
  promotesUntil: null,
  offerSeconds: null,
};
const create = (capacity: number, hasWaitlist = true): Request => ({
  type: 'create',
  capacity,
  hasWaitlist,
});
const register = (userId: string): Request => ({ type: 'register', userId });
const unregister = (userId: string): Request => ({ type: 'unregister', userId });
const read: Request = { type: 'read' };

const created = (capacity: number, hasWaitlist = true): Outcome => ({
  type: 'created',
  capacity,
  hasWaitlist,
});
const seat = (id = 'r'): Outcome => ({ type: 'registered', id });
const waits = (position: number, id = 'w'): Outcome => ({ type: 'waitlisted', id, position });
const left = (promoted?: string): Outcome => ({
  type: 'unregistered',
  promoted: promoted === undefined ? null : { userId: promoted, id: `r-${promoted}` },
  offered: null,
});
/** The counts of an event; nobody waits unless `waiting` is given. */
const available = (count: number, capacity: number, waiting = 0): Outcome => ({
  type: 'read',
  counts: {
    capacity,
    available: count,
    registered: capacity - count,
    offered: 0,
    waiting,
    status: 'OPEN',
  },
});
const refused = (reason: Extract<Outcome, { type: 'refused' }>['reason']): Outcome => ({
  type: 'refused',
  reason,
});
const unknown: Outcome = { type: 'unknown', why: 'reset' };

/** Operations one after the other. */
function sequence(...steps: [Request, Outcome][]): Operation[] {
  const recorder = new Recorder();
  for (const [request, outcome] of steps) {
    recorder.end(recorder.begin('c', EVENT, request), outcome);
  }
  return recorder.operations;
}

/** Operations all at once, after those of the sequence. */
function atOnce(first: [Request, Outcome][], together: [Request, Outcome][]): Operation[] {
  const recorder = new Recorder();
  for (const [request, outcome] of first) {
    recorder.end(recorder.begin('c', EVENT, request), outcome);
  }
  const begun = together.map(([request, outcome]) => {
    return { operation: recorder.begin('c', EVENT, request), outcome };
  });
  for (const { operation, outcome } of begun.reverse()) recorder.end(operation, outcome);
  return recorder.operations;
}

const verdict = (operations: Operation[]) => check(operations).type;

describe('good histories are accepted', () => {
  test('one thing after the other, by the rules', () => {
    const history = sequence(
      [read, refused('no such event')],
      [create(1), created(1)],
      [create(2), refused('event exists')],
      [register('a'), seat()],
      [register('a'), refused('already registered')],
      [register('b'), waits(1)],
      [register('b'), refused('already waitlisted')],
      [unregister('b'), refused('not registered')],
      [unregister('a'), left('b')],
      [register('a'), waits(2)],
      [read, available(0, 1, 1)],
    );
    expect(verdict(history)).toBe('linearizable');
  });

  test('what overlaps may have happened in any order', () => {
    const start: [Request, Outcome][] = [[create(1), created(1)]];
    const together: [Request, Outcome][] = [
      [register('a'), waits(2)],
      [register('b'), waits(1)],
      [register('c'), seat()],
      [read, available(1, 1)],
    ];
    expect(verdict(atOnce(start, together))).toBe('linearizable');
  });

  test('an update that changes nothing in one order can undo a change in another', () => {
    const update = (capacity: number): Request => ({ type: 'update', patch: { capacity } });
    const updated = (capacity: number, revision: number): Outcome => ({
      type: 'updated',
      settings: { ...OPEN, capacity },
      revision,
      promoted: [],
      offered: [],
    });
    for (const capacity of [5, 3]) {
      const history = atOnce(
        [
          [create(5), created(5)],
          [update(5), updated(5, 1)],
        ],
        [
          [update(5), updated(5, capacity === 5 ? 3 : 1)],
          [update(3), updated(3, 2)],
          [read, available(5, 5)],
          [read, available(3, 3)],
        ],
      );
      const last: Operation[] = sequence([read, available(capacity, capacity)]).map(
        (operation) => ({
          ...operation,
          sent: 1e9,
          answered: 1e9 + 1,
        }),
      );
      expect(verdict([...history, ...last])).toBe('linearizable');
    }
  });

  test('any concurrent history that the rules themselves produced', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const { operations } = simulate(seed);
        expect(verdict(operations)).toBe('linearizable');
      }),
      { numRuns: 200 },
    );
  });
});

describe('bad histories are rejected', () => {
  const start: [Request, Outcome] = [create(1), created(1)];
  const bad: Record<string, Operation[]> = {
    'two people on one seat': sequence(start, [register('a'), seat()], [register('b'), seat()]),
    'two people on one seat at once': atOnce(
      [start],
      [
        [register('a'), seat()],
        [register('b'), seat()],
      ],
    ),
    'two places for one user': sequence(
      [create(2), created(2)],
      [register('a'), seat()],
      [register('a'), seat()],
    ),
    'a position given twice': sequence(
      start,
      [register('a'), seat()],
      [register('b'), waits(1)],
      [register('c'), waits(1)],
    ),
    'a position left out': sequence(start, [register('a'), seat()], [register('b'), waits(2)]),
    'a promotion out of turn': sequence(
      start,
      [register('a'), seat()],
      [register('b'), waits(1)],
      [register('c'), waits(2)],
      [unregister('a'), left('c')],
    ),
    'a promotion forgotten': sequence(
      start,
      [register('a'), seat()],
      [register('b'), waits(1)],
      [unregister('a'), left()],
    ),
    'a newcomer before those who wait': sequence(
      start,
      [register('a'), seat()],
      [register('b'), waits(1)],
      [unregister('a'), left('b')],
      [unregister('b'), left()],
      [register('c'), waits(2)],
    ),
    'a lost registration': sequence(start, [register('a'), seat()], [read, available(1, 1)]),
    'a refusal that came from nowhere': sequence(start, [register('a'), refused('full')]),
    'a read of the past': sequence(
      start,
      [register('a'), seat()],
      [unregister('a'), left()],
      [read, available(0, 1)],
    ),
    'an event created twice': sequence(start, [create(2), created(2)]),
  };
  for (const [name, operations] of Object.entries(bad)) {
    test(name, () => {
      expect(verdict(operations)).toBe('violation');
      expect(explainViolation(EVENT, operations)).toContain('promise: ');
    });
  }

  test('one false answer in a history that the rules produced', () => {
    let rejected = 0;
    for (let seed = 0; seed < 100; seed++) {
      const { operations } = simulate(seed);
      const victim = operations.find(({ outcome }) => outcome.type === 'waitlisted');
      if (victim?.outcome.type !== 'waitlisted') continue;
      victim.outcome = { ...victim.outcome, position: victim.outcome.position + 100 };
      expect(verdict(operations)).toBe('violation');
      rejected++;
    }
    expect(rejected).toBeGreaterThan(20);
  });
});

describe('what had no answer', () => {
  const start: [Request, Outcome][] = [
    [create(1), created(1)],
    [register('a'), unknown],
  ];
  test('may have happened', () => {
    expect(verdict(sequence(...start, [register('b'), waits(1)]))).toBe('linearizable');
  });
  test('may not have happened', () => {
    expect(verdict(sequence(...start, [register('b'), seat()]))).toBe('linearizable');
  });
  test('may happen late', () => {
    const late = sequence(...start, [read, available(1, 1)], [read, available(0, 1)]);
    expect(verdict(late)).toBe('linearizable');
  });
  test("can't happen and be undone", () => {
    const back = sequence(...start, [read, available(0, 1)], [read, available(1, 1)]);
    expect(verdict(back)).toBe('violation');
  });
  test('does not happen before it was asked', () => {
    const early = sequence(
      [create(1), created(1)],
      [read, available(0, 1)],
      [register('a'), unknown],
    );
    expect(verdict(early)).toBe('violation');
  });
  test('happens once: two such requests explain two changes, not three', () => {
    const twice = sequence(
      [create(1), created(1)],
      [register('a'), unknown],
      [register('a'), unknown],
      [unregister('a'), left()],
      [unregister('a'), left()],
    );
    expect(verdict(twice)).toBe('linearizable');
    const thrice = [...twice, ...sequence([unregister('a'), left()])].map((operation, i) => ({
      ...operation,
      sent: i * 2,
      answered: Number.isFinite(operation.answered) ? i * 2 + 1 : operation.answered,
    }));
    expect(verdict(thrice)).toBe('violation');
  });
  test('many of them do not make the search too long', () => {
    const recorder = new Recorder();
    recorder.end(recorder.begin('c', EVENT, create(2)), created(2));
    for (let i = 0; i < 60; i++) {
      const userId = `u${i % 5}`;
      recorder.begin('c', EVENT, i % 3 === 0 ? unregister(userId) : register(userId));
    }
    for (const count of [2, 1, 0, 1, 0]) {
      recorder.end(recorder.begin('c', EVENT, read), available(count, 2));
    }
    expect(verdict(recorder.operations)).toBe('linearizable');
  });
});

describe('two owners at once', () => {
  test('an outdated read is accepted, a change based on it is not', () => {
    const stale = sequence(
      [create(1), created(1)],
      [register('a'), seat()],
      [read, available(1, 1)],
      [register('a'), refused('full')],
    );
    expect(verdict(stale)).toBe('violation');
    expect(verdict(changesOnly(stale))).toBe('linearizable');
    const broken = sequence(
      [create(1), created(1)],
      [register('a'), seat()],
      [register('b'), seat()],
    );
    expect(verdict(changesOnly(broken))).toBe('violation');
  });
});

describe('the tables at the end', () => {
  const history: [Request, Outcome][] = [
    [create(1), created(1)],
    [register('a'), seat('r1')],
    [register('b'), waits(1, 'w1')],
  ];
  const content = (id: string, withLine = true): Outcome => ({
    type: 'tables',
    content: {
      ...OPEN,
      capacity: 1,
      revision: 1,
      lastPosition: 1,
      seats: [{ userId: 'a', id }],
      offers: [],
      line: withLine ? [{ userId: 'b', id: 'w1', position: 1 }] : [],
    },
  });
  test('hold what clients were told', () => {
    expect(verdict(sequence(...history, [{ type: 'tables' }, content('r1')]))).toBe('linearizable');
  });
  test('and nothing else', () => {
    expect(verdict(sequence(...history, [{ type: 'tables' }, content('r2')]))).toBe('violation');
    const lost = sequence(...history, [{ type: 'tables' }, content('r1', false)]);
    expect(verdict(lost)).toBe('violation');
  });
});

/** Draws a request that makes sense for this state of the event. */
function drawRequest(random: Random, state: Model, now: number): Request {
  const userId = random.pick(['a', 'b', 'c', 'd', 'e']);
  const ifMatch = random.chance(0.5) && state ? { ifMatch: state.revision - random.int(0, 1) } : {};
  const type = random.weighted({
    ...{ create: 1, register: 8, unregister: 4, read: 2 },
    ...{ update: 2, look: 1, stand: 1, list: 3, leaveLine: 1, override: 1 },
  });
  switch (type) {
    case 'create':
      return create(2);
    case 'read':
    case 'look':
      return { type };
    case 'update': {
      const opens = random.pick([null, new Date(now + random.int(-9, 9)).toISOString()]);
      const patch = random.chance(0.5)
        ? { capacity: random.int(1, 4) }
        : { registrationOpensAt: opens };
      return { type, patch, ...ifMatch };
    }
    case 'list': {
      const list = random.pick(['registrations', 'waitlist'] as const);
      const shown = (list === 'waitlist' ? state?.line : state?.seats) ?? [];
      const orders = shown.map((row) => ('position' in row ? row.position : (row.seq ?? 0)));
      const after = random.pick([0, 0, ...orders]);
      return { type, list, format: random.pick(['json', 'csv']), after, limit: random.int(1, 3) };
    }
    default:
      return { type, userId };
  }
}

/** New ids, and growing order numbers, for all users who may get a place now. */
function tellAll(request: Request, state: Model, count: () => number): Outcome {
  const newSeat = (userId: string) => {
    const number = count();
    return { userId, id: `id${number}`, seq: number };
  };
  const promoted = (state?.line ?? []).map(({ userId }) => newSeat(userId));
  if (request.type === 'update') {
    return {
      type: 'updated',
      settings: { ...OPEN, capacity: 0 },
      revision: 0,
      promoted,
      offered: [],
    };
  }
  if (request.type === 'unregister') {
    return { type: 'unregistered', promoted: promoted[0] ?? null, offered: null };
  }
  return { type: 'registered', ...newSeat('anybody') };
}

/** An answer as a client gets it: the order number of a seat is only in the cursor of a page. */
function withoutNumbers(outcome: Outcome): Outcome {
  const withoutNumber = <Row extends { seq?: number | undefined }>({ seq: _, ...rest }: Row) =>
    rest;
  switch (outcome.type) {
    case 'registered':
      return withoutNumber(outcome);
    case 'unregistered':
      return { ...outcome, promoted: outcome.promoted && withoutNumber(outcome.promoted) };
    case 'updated':
      return { ...outcome, promoted: outcome.promoted.map(withoutNumber) };
    case 'page': {
      const { rows, next } = outcome;
      const told = rows.map((row) => ('position' in row ? row : withoutNumber(row)));
      const last = told.at(-1);
      if (last && next !== null && !('position' in last)) Object.assign(last, { seq: next });
      return { ...outcome, rows: told };
    }
    default:
      return outcome;
  }
}

/** A concurrent history that the rules explain: each operation takes effect at a moment of its own. */
function simulate(seed: number): { operations: Operation[] } {
  const random = new Random(seed, 'simulation');
  let state: Model = null;
  const planned = Array.from({ length: 60 }, (_, i) => {
    const sent = i + random.between(0, 5);
    const takesEffect = sent + random.between(0, 10);
    return { sent, takesEffect, answered: takesEffect + random.between(0, 10) };
  });
  const operations: Operation[] = [];
  let ids = 0;
  for (const { sent, takesEffect, answered } of planned.sort(
    (a, b) => a.takesEffect - b.takesEffect,
  )) {
    const request = drawRequest(random, state, takesEffect);
    const told = tellAll(request, state, () => ++ids);
    const when = { from: takesEffect, until: takesEffect };
    const { expected, next }: ReturnType<typeof carryOut> = carryOut(state, request, told, when);
    state = next;
    const isOpen = random.chance(0.1);
    operations.push({
      client: 'c',
      eventId: EVENT,
      request,
      outcome: isOpen ? unknown : withoutNumbers(expected),
      sent,
      answered: isOpen ? Number.POSITIVE_INFINITY : answered,
      sentMs: takesEffect,
      answeredMs: answered,
      sentAt: sent,
      answeredAt: isOpen ? Number.POSITIVE_INFINITY : answered,
      slowestMs: 0,
      receipt: null,
    });
  }
  return { operations };
}
