import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Command } from '../../src/event/command.ts';
import { commands, NaiveEvent } from '../support/model.ts';
import { check } from './checker.ts';
import {
  type Asked,
  NOBODY,
  type Operation,
  type Outcome,
  Recorder,
  type Request,
  type Settings,
} from './history.ts';
import { explainViolation } from './report.ts';
import { carryOut, type Model } from './rules.ts';

const EVENT = 'event';

/** A command of the product as a client asks for it. */
function toAsked(command: Command): Request {
  switch (command.type) {
    case 'register':
      return { type: command.override ? 'override' : 'register', userId: command.userId };
    case 'unregister':
    case 'leaveLine':
    case 'giveUp':
      return { type: command.type, userId: command.userId };
    case 'update': {
      const given = Object.entries(command.patch).filter(([, value]) => value !== undefined);
      return { type: 'update', patch: Object.fromEntries(given) };
    }
    default:
      throw new Error(`no client of the campaign asks for ${command.type}`);
  }
}

/** An outcome in the short form of the naive event. */
function inShort(outcome: Outcome): string {
  switch (outcome.type) {
    case 'refused':
      return `refused ${outcome.reason.replaceAll(' ', '-')}`;
    case 'waitlisted':
      return `waitlisted ${outcome.position}`;
    case 'unregistered':
      return `unregistered ${outcome.promoted?.userId ?? '-'}`;
    case 'gaveUp':
      return `gaveUp ${outcome.place ?? 'nothing'}`;
    case 'updated':
      return `updated ${outcome.promoted.map(({ userId }) => userId).join(',')}`;
    default:
      return outcome.type;
  }
}

test('the rules of the campaign are those of the naive event', () => {
  fc.assert(
    fc.property(commands, fc.integer({ min: 1, max: 4 }), fc.boolean(), (all, capacity, line) => {
      const naive = new NaiveEvent(capacity, line);
      let state: Model = carryOut(null, { type: 'create', capacity, hasWaitlist: line }).next;
      for (const command of all) {
        const { expected, next }: ReturnType<typeof carryOut> = carryOut(state, toAsked(command));
        state = next;
        expect(inShort(expected)).toBe(naive.expect(command));
        expect(state?.line.map(({ userId }) => userId)).toEqual(naive.line);
      }
    }),
  );
});

const OPEN: Settings = {
  ...{ capacity: 1, hasWaitlist: true, waitlistCapacity: null, status: 'OPEN' },
  ...{ registrationOpensAt: null, registrationClosesAt: null },
};
const create: [Asked, Outcome] = [
  { type: 'create', capacity: 1, hasWaitlist: true },
  { type: 'created', capacity: 1, hasWaitlist: true },
];
const register = (userId: string, position = 0): [Asked, Outcome] => [
  { type: 'register', userId },
  position === 0
    ? { type: 'registered', id: `r-${userId}` }
    : { type: 'waitlisted', id: `w-${userId}`, position },
];
/** Sets the capacity; the event has this revision afterwards. */
const raise = (revision: number, capacity: number, ...promoted: string[]): [Asked, Outcome] => [
  { type: 'update', patch: { capacity } },
  {
    type: 'updated',
    settings: { ...OPEN, capacity },
    revision,
    promoted: promoted.map((userId) => ({ userId, id: `r-${userId}` })),
  },
];
const counts = (capacity: number, registered: number, waiting: number): [Asked, Outcome] => {
  const available = Math.max(0, capacity - registered);
  const told = { capacity, available, registered, waiting, status: 'OPEN' as const };
  return [{ type: 'read' }, { type: 'read', counts: told }];
};
const stands = (userId: string, position: number, ahead: number): [Asked, Outcome] => [
  { type: 'stand', userId },
  { type: 'standing', standing: { place: 'WAITLISTED', id: `w-${userId}`, position, ahead } },
];
const leaves = (userId: string, promoted?: string): [Asked, Outcome] => [
  { type: 'unregister', userId },
  { type: 'unregistered', promoted: promoted ? { userId: promoted, id: `r-${promoted}` } : null },
];
const cancel: [Asked, Outcome] = [{ type: 'cancel' }, { type: 'cancelled', revision: 2 }];
const unanswered: Outcome = { type: 'unknown', why: 'reset' };
const queue = [create, register('a'), register('b', 1), register('c', 2), register('d', 3)];

function history(...steps: [Asked, Outcome][]) {
  const recorder = new Recorder();
  for (const [request, outcome] of steps) {
    recorder.end(recorder.begin('c', EVENT, request), outcome);
  }
  return recorder.operations;
}

describe('histories of the whole life of an event are accepted', () => {
  const good: Record<string, [Asked, Outcome][]> = {
    'a raise lets in as many as fit, in order': [...queue, raise(2, 3, 'b', 'c'), counts(3, 3, 1)],
    'a lowered capacity evicts nobody, and promotes nobody until seats are free': [
      ...queue,
      raise(2, 2, 'b'),
      raise(3, 1),
      leaves('a'),
      leaves('b', 'c'),
      counts(1, 1, 1),
    ],
    'who leaves the line moves the others up, and their positions stay': [
      ...queue,
      [
        { type: 'leaveLine', userId: 'b' },
        { type: 'leftLine', id: 'w-b', position: 1 },
      ],
      stands('c', 2, 0),
      register('b', 4),
      stands('b', 4, 2),
    ],
    'an override goes past the capacity and out of the line': [
      ...queue,
      [
        { type: 'override', userId: 'c' },
        { type: 'registered', id: 'r-c' },
      ],
      stands('d', 3, 1),
      counts(1, 2, 2),
      leaves('a'),
    ],
    'a cancelled event promotes nobody': [...queue, cancel, leaves('a'), cancel],
    'a raise without an answer happened whole, or not at all': [
      ...queue,
      [{ type: 'update', patch: { capacity: 3 } }, unanswered],
      counts(1, 1, 3),
      counts(3, 3, 1),
    ],
  };
  for (const [name, steps] of Object.entries(good)) {
    test(name, () => {
      expect(check(history(...steps)).type).toBe('linearizable');
    });
  }
});

test('an update that would change nothing may have come after one that it undid', () => {
  const recorder = new Recorder();
  for (const [request, outcome] of [create, raise(2, 4)]) {
    recorder.end(recorder.begin('c', EVENT, request), outcome);
  }
  const begun = [raise(4, 4), raise(3, 1)].map(([request, outcome]) => {
    return { operation: recorder.begin('c', EVENT, request), outcome };
  });
  for (const { operation, outcome } of begun) recorder.end(operation, outcome);
  const [request, outcome] = counts(4, 0, 0);
  recorder.end(recorder.begin('c', EVENT, request), outcome);
  expect(check(recorder.operations).type).toBe('linearizable');
});

describe('histories that break its promises are rejected', () => {
  const bad: Record<string, [Asked, Outcome][]> = {
    'a raise that lets in too few': [...queue, raise(2, 3, 'b')],
    'a raise out of order': [...queue, raise(2, 3, 'c', 'b')],
    'a part of a raise that was seen': [
      ...queue,
      [{ type: 'update', patch: { capacity: 3 } }, unanswered],
      counts(3, 2, 2),
    ],
    'a promotion while the capacity is exceeded': [
      ...queue,
      raise(2, 2, 'b'),
      raise(3, 1),
      leaves('a', 'c'),
    ],
    'a promotion after the event was cancelled': [...queue, cancel, leaves('a', 'b')],
    'a seat in a paused event': [
      create,
      [
        { type: 'update', patch: { status: 'PAUSED' } },
        { type: 'updated', settings: { ...OPEN, status: 'PAUSED' }, revision: 2, promoted: [] },
      ],
      register('a'),
    ],
    'a place in line that is told wrong': [...queue, stands('c', 2, 0)],
    'an update that is gone': [create, raise(2, 2), counts(1, 0, 0)],
  };
  for (const [name, steps] of Object.entries(bad)) {
    test(name, () => {
      const operations = history(...steps);
      expect(check(operations).type).toBe('violation');
      expect(explainViolation(EVENT, operations)).toContain('promise: ');
    });
  }
});

describe('windows', () => {
  const OPENS = '2026-06-01T09:00:00.000Z';
  const CLOSES = '2026-06-01T10:00:00.000Z';
  const opens = Date.parse(OPENS);
  const closes = Date.parse(CLOSES);
  const window = { registrationOpensAt: OPENS, registrationClosesAt: CLOSES };
  const setWindow: [Asked, Outcome] = [
    { type: 'update', patch: window },
    { type: 'updated', settings: { ...OPEN, ...window }, revision: 2, promoted: [] },
  ];
  const early: Outcome = { type: 'refused', reason: 'not open yet', time: OPENS };
  const late: Outcome = { type: 'refused', reason: 'closed already', time: CLOSES };
  const seat: Outcome = { type: 'registered', id: 'r-a' };

  /** The verdict on an answer to somebody who registers in this time, by the clock. */
  const verdict = (outcome: Outcome, sentAt: number, answeredAt: number) => {
    const start = history(create, setWindow).map((operation) => ({
      ...operation,
      ...{ sentAt: opens - 1_000, answeredAt: opens - 1_000 },
    }));
    const moment = start.length * 2 + 1;
    const asked: Operation[] = history([{ type: 'register', userId: 'a' }, outcome]).map(
      (operation) => ({
        ...{ ...operation, sent: moment, answered: moment + 1 },
        ...{ sentAt, answeredAt },
      }),
    );
    return check([...start, ...asked]).type;
  };

  test('before it opens nobody registers, and is told when', () => {
    expect(verdict(early, opens - 500, opens - 400)).toBe('linearizable');
    expect(verdict(seat, opens - 500, opens - 400)).toBe('violation');
    const wrong: Outcome = { ...early, time: CLOSES };
    expect(verdict(wrong, opens - 500, opens - 400)).toBe('violation');
  });
  test('while it is open everybody does', () => {
    expect(verdict(seat, opens + 400, opens + 500)).toBe('linearizable');
    for (const refusal of [early, late]) {
      expect(verdict(refusal, opens + 400, opens + 500)).toBe('violation');
    }
  });
  test('after it closes nobody does', () => {
    expect(verdict(late, closes + 400, closes + 500)).toBe('linearizable');
    expect(verdict(seat, closes + 400, closes + 500)).toBe('violation');
    expect(verdict(early, closes + 400, closes + 500)).toBe('violation');
  });
  test('where an end lies between request and answer, both are right', () => {
    for (const answer of [early, seat]) {
      expect(verdict(answer, opens - 400, opens + 400)).toBe('linearizable');
    }
    for (const answer of [late, seat]) {
      expect(verdict(answer, closes - 400, closes + 400)).toBe('linearizable');
    }
    expect(verdict(late, opens - 400, opens + 400)).toBe('violation');
  });
  test('whoever is in, or goes past the capacity, is not asked for the time', () => {
    const state = [create, setWindow].reduce<Model>(
      (before, [request]) => carryOut(before, request).next,
      null,
    );
    const when = { from: opens - 500, until: opens - 400 };
    const told = carryOut(state, { type: 'override', userId: 'a' }, undefined, when);
    expect(told.expected.type).toBe('registered');
    const again = carryOut(told.next, { type: 'register', userId: 'a' }, undefined, when);
    expect(again.expected).toEqual({ type: 'refused', reason: 'already registered' });
  });
  test('one that would end before it begins is refused, whichever end is moved', () => {
    const reversed: Outcome = { type: 'refused', reason: 'window reversed' };
    const before = '2026-06-01T08:00:00.000Z';
    const move = (registrationClosesAt: string): Asked => ({
      type: 'update',
      patch: { registrationClosesAt },
    });
    expect(check(history(create, setWindow, [move(before), reversed])).type).toBe('linearizable');
    expect(check(history(create, setWindow, [move(OPENS), reversed])).type).toBe('linearizable');
    const later = '2026-06-02T08:00:00.000Z';
    expect(check(history(create, setWindow, [move(later), reversed])).type).toBe('violation');
  });
});

describe('revisions', () => {
  const mismatch: Outcome = { type: 'refused', reason: 'revision mismatch' };
  const looked = (capacity: number, revision: number): [Asked, Outcome] => [
    { type: 'look' },
    { type: 'looked', settings: { ...OPEN, capacity }, revision },
  ];
  const given = ([request, outcome]: [Asked, Outcome], ifMatch: number): [Asked, Outcome] => [
    { ...request, ifMatch } as Asked,
    outcome,
  ];
  const good: Record<string, [Asked, Outcome][]> = {
    'what changes nothing leaves them as they are': [create, raise(1, 1), raise(2, 2), raise(2, 2)],
    'only the one that is': [create, raise(2, 2), given(raise(3, 3), 2), looked(3, 3)],
    'another one is refused': [
      create,
      raise(2, 2),
      [{ ...raise(3, 3)[0], ifMatch: 1 } as Asked, mismatch],
    ],
    'a cancellation counts, once': [
      create,
      cancel,
      cancel,
      [{ type: 'cancel', ifMatch: 1 }, mismatch],
    ],
    'people count nothing': [create, register('a'), register('b', 1), looked(1, 1)],
  };
  test.each(Object.entries(good))('%s', (_, steps) => {
    expect(check(history(...steps)).type).toBe('linearizable');
  });
  const bad: Record<string, [Asked, Outcome][]> = {
    'one that is not counted': [create, raise(1, 2)],
    'one that is counted twice': [create, raise(3, 2)],
    'an update on another one': [create, raise(2, 2), given(raise(3, 3), 1)],
    'a refusal of the one that is': [create, [{ type: 'cancel', ifMatch: 1 }, mismatch]],
    'one of the past': [create, raise(2, 2), looked(1, 1)],
  };
  test.each(Object.entries(bad))('%s is rejected', (_, steps) => {
    expect(check(history(...steps)).type).toBe('violation');
  });
});

describe('lists', () => {
  const list = (
    of: 'registrations' | 'waitlist',
    after: number,
    rows: [userId: string, order: number][],
    next: number | null,
    format: 'json' | 'csv' = 'json',
  ): [Asked, Outcome] => [
    { type: 'list', list: of, format, after, limit: 2 },
    {
      type: 'page',
      rows: rows.map(([userId, order], i) => {
        const isLast = i === rows.length - 1 && next !== null;
        return of === 'waitlist'
          ? { userId, id: `w-${userId}`, position: order }
          : { userId, id: `r-${userId}`, ...(isLast ? { seq: order } : {}) };
      }),
      next,
    },
  ];
  const full = [...queue, raise(2, 3, 'b', 'c')];
  const good: Record<string, [Asked, Outcome][]> = {
    'the line in pages': [
      ...queue,
      list(
        'waitlist',
        0,
        [
          ['b', 1],
          ['c', 2],
        ],
        2,
      ),
      list('waitlist', 2, [['d', 3]], null),
      list(
        'waitlist',
        0,
        [
          ['b', 1],
          ['c', 2],
          ['d', 3],
        ],
        null,
        'csv',
      ),
    ],
    'the seats in pages, in the order in which they were given': [
      ...full,
      list(
        'registrations',
        0,
        [
          ['a', 1],
          ['b', 2],
        ],
        2,
      ),
      list('registrations', 2, [['c', 3]], null),
    ],
    'a page after a row that has left': [
      ...full,
      list(
        'registrations',
        0,
        [
          ['a', 1],
          ['b', 2],
        ],
        2,
      ),
      leaves('b', 'd'),
      list(
        'registrations',
        2,
        [
          ['c', 3],
          ['d', 4],
        ],
        null,
      ),
    ],
    'who comes back stands at the end': [
      create,
      raise(2, 3),
      ...['a', 'b', 'c'].map((userId) => register(userId)),
      leaves('a'),
      [
        { type: 'register', userId: 'a' },
        { type: 'registered', id: 'again' },
      ],
      list(
        'registrations',
        0,
        [
          ['b', 2],
          ['c', 3],
        ],
        3,
      ),
    ],
  };
  test.each(Object.entries(good))('%s', (_, steps) => {
    expect(check(history(...steps)).type).toBe('linearizable');
  });
  const bad: Record<string, [Asked, Outcome][]> = {
    'a page that leaves somebody out': [
      ...queue,
      list(
        'waitlist',
        0,
        [
          ['b', 1],
          ['d', 3],
        ],
        null,
      ),
    ],
    'a page that begins with the row that it follows': [
      ...queue,
      list(
        'waitlist',
        2,
        [
          ['c', 2],
          ['d', 3],
        ],
        null,
      ),
    ],
    'a page that ends too soon': [
      ...queue,
      list(
        'waitlist',
        0,
        [
          ['b', 1],
          ['c', 2],
        ],
        null,
      ),
    ],
    'a page that says there is more': [
      ...queue,
      list(
        'waitlist',
        1,
        [
          ['c', 2],
          ['d', 3],
        ],
        3,
      ),
    ],
    'somebody who has left': [
      ...queue,
      [
        { type: 'leaveLine', userId: 'd' },
        { type: 'leftLine', id: 'w-d', position: 3 },
      ],
      list(
        'waitlist',
        1,
        [
          ['c', 2],
          ['d', 3],
        ],
        null,
      ),
    ],
    'a wrong position': [
      ...queue,
      list(
        'waitlist',
        1,
        [
          ['c', 2],
          ['d', 4],
        ],
        null,
      ),
    ],
    'seats in another order than they were given': [
      ...full,
      list(
        'registrations',
        0,
        [
          ['b', 1],
          ['a', 2],
        ],
        2,
      ),
    ],
    'seats whose numbers are not in the order in which they were given': [
      ...full,
      list(
        'registrations',
        0,
        [
          ['a', 1],
          ['b', 3],
        ],
        3,
      ),
      list(
        'registrations',
        1,
        [
          ['c', 2],
          ['b', 3],
        ],
        null,
      ),
      list(
        'registrations',
        0,
        [
          ['a', 1],
          ['c', 2],
        ],
        2,
      ),
    ],
    'a list as CSV of which a row is missing': [
      ...queue,
      list(
        'waitlist',
        0,
        [
          ['b', 1],
          ['c', 2],
        ],
        null,
        'csv',
      ),
    ],
    'a list of the past': [
      ...full,
      list(
        'waitlist',
        1,
        [
          ['c', 2],
          ['d', 3],
        ],
        null,
      ),
    ],
  };
  test.each(Object.entries(bad))('%s is rejected', (_, steps) => {
    const operations = history(...steps);
    expect(check(operations).type).toBe('violation');
    expect(explainViolation(EVENT, operations)).toContain('promise: ');
  });
});

describe('who does not exist', () => {
  const noUser: Outcome = { type: 'refused', reason: 'no such user' };
  const ask: Asked = { type: 'register', userId: NOBODY };
  test('gets no seat, and nothing else', () => {
    expect(check(history(create, [ask, noUser])).type).toBe('linearizable');
    expect(check(history(create, register(NOBODY))).type).toBe('violation');
  });
  test('is missed, or the event, where neither exists', () => {
    const noEvent: Outcome = { type: 'refused', reason: 'no such event' };
    expect(check(history([ask, noUser])).type).toBe('linearizable');
    expect(check(history([ask, noEvent])).type).toBe('linearizable');
    expect(check(history(create, [ask, noEvent])).type).toBe('violation');
  });
});
