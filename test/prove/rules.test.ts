import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Command } from '../../src/event/command.ts';
import { at, NaiveEvent, timedCommands } from '../support/model.ts';
import { check } from './checker.ts';
import {
  type Asked,
  NOBODY,
  type Offered,
  type Operation,
  type Outcome,
  Recorder,
  type Request,
  type Seat,
  type Settings,
} from './history.ts';
import { explainViolation } from './report.ts';
import { carryOut, carryOutAll, keyOf, type Model } from './rules.ts';

const EVENT = 'event';

/** A command of the product as a request. */
function toAsked(command: Command): Request {
  switch (command.type) {
    case 'register':
      return { type: command.override ? 'override' : 'register', userId: command.userId };
    case 'unregister':
    case 'leaveLine':
    case 'giveUp':
      return { type: command.type, userId: command.userId };
    case 'cancel':
      return { type: 'cancel' };
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
  const filled = (promoted: readonly Seat[], offered: readonly Offered[]) =>
    [...promoted.map(({ userId }) => userId), ...offered.map(({ userId }) => `?${userId}`)].join();
  switch (outcome.type) {
    case 'refused':
      return `refused ${outcome.reason.replaceAll(' ', '-')}`;
    case 'waitlisted':
      return `waitlisted ${outcome.position}`;
    case 'unregistered': {
      const { promoted, offered } = outcome;
      return `unregistered ${filled(promoted ? [promoted] : [], offered ? [offered] : []) || '-'}`;
    }
    case 'gaveUp':
      return `gaveUp ${outcome.place ?? 'nothing'}`;
    case 'updated':
      return `updated ${filled(outcome.promoted, outcome.offered)}`;
    default:
      return outcome.type;
  }
}

/** Who has what, of an event of the rules and of the naive one. */
const contentOf = (state: Model | NaiveEvent) => {
  const userIds = (rows: readonly { userId: string }[] = []) => rows.map(({ userId }) => userId);
  if (state instanceof NaiveEvent) {
    const { seats, offers, line } = state;
    return { seats: [...seats].sort(), offers: userIds(offers), line };
  }
  const offers = [...(state?.offers ?? [])].sort((x, y) => x.position - y.position);
  return { seats: userIds(state?.seats), offers: userIds(offers), line: userIds(state?.line) };
};

test('the rules of the campaign are those of the naive event, at every moment', () => {
  // Who asks has no clock that steps back, and asks for no expiry.
  const steps = timedCommands.map((all) => all.filter(({ command }) => command.type !== 'expire'));
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 4 }), fc.boolean(), (all, capacity, line) => {
      const naive = new NaiveEvent(capacity, line);
      // What became of offers that nobody was told of is open, so there can be several.
      let states: Model[] = [carryOut(null, { type: 'create', capacity, hasWaitlist: line }).next];
      let seconds = 0;
      for (const { command, wait } of all) {
        seconds += Math.max(0, wait);
        const moment = Date.parse(at(seconds));
        const asked = toAsked(command);
        const short = naive.expect(command, at(seconds));
        const expected = contentOf(naive);
        const nexts = new Map<string, Model>();
        for (const state of states) {
          const when = { from: moment, until: moment };
          for (const step of carryOutAll(state, asked, undefined, when)) {
            if (inShort(step.expected) === short) nexts.set(keyOf(step.next), step.next);
          }
        }
        states = [...nexts.values()].filter((state) =>
          isDeepStrictEqual(contentOf(state), expected),
        );
        expect(states.length, `${JSON.stringify(command)} → ${short}`).toBeGreaterThan(0);
      }
    }),
    { numRuns: 200 },
  );
});

const OPEN: Settings = {
  ...{ capacity: 1, hasWaitlist: true, waitlistCapacity: null, status: 'OPEN' },
  ...{ registrationOpensAt: null, registrationClosesAt: null },
  ...{ startsAt: null, promotesUntil: null, offerSeconds: null },
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
    offered: [],
  },
];
const counts = (capacity: number, registered: number, waiting: number): [Asked, Outcome] => {
  const available = Math.max(0, capacity - registered);
  const told = { capacity, available, registered, offered: 0, waiting, status: 'OPEN' as const };
  return [{ type: 'read' }, { type: 'read', counts: told }];
};
const stands = (userId: string, position: number, ahead: number): [Asked, Outcome] => [
  { type: 'stand', userId },
  {
    type: 'standing',
    standing: { place: 'WAITLISTED', id: `w-${userId}`, position, ahead, offer: null },
  },
];
const leaves = (userId: string, promoted?: string): [Asked, Outcome] => [
  { type: 'unregister', userId },
  {
    type: 'unregistered',
    promoted: promoted ? { userId: promoted, id: `r-${promoted}` } : null,
    offered: null,
  },
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
    'the others move up when an entry leaves the line, and keep their positions': [
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
    'a raise without an answer happened completely, or not at all': [
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
        {
          type: 'updated',
          settings: { ...OPEN, status: 'PAUSED' },
          revision: 2,
          promoted: [],
          offered: [],
        },
      ],
      register('a'),
    ],
    'a wrong place in an answer': [...queue, stands('c', 2, 0)],
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
    { type: 'updated', settings: { ...OPEN, ...window }, revision: 2, promoted: [], offered: [] },
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
  test('the window does not matter for a user with a place, nor for an override', () => {
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
    'an update that changes nothing does not count': [
      create,
      raise(1, 1),
      raise(2, 2),
      raise(2, 2),
    ],
    'the current one is accepted': [create, raise(2, 2), given(raise(3, 3), 2), looked(3, 3)],
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
    'registrations do not count': [create, register('a'), register('b', 1), looked(1, 1)],
  };
  test.each(Object.entries(good))('%s', (_, steps) => {
    expect(check(history(...steps)).type).toBe('linearizable');
  });
  const bad: Record<string, [Asked, Outcome][]> = {
    'one that is not counted': [create, raise(1, 2)],
    'one that is counted twice': [create, raise(3, 2)],
    'an update on another one': [create, raise(2, 2), given(raise(3, 3), 1)],
    'a refusal of the current one': [create, [{ type: 'cancel', ifMatch: 1 }, mismatch]],
    'an outdated one': [create, raise(2, 2), looked(1, 1)],
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
    'a user who comes back is at the end': [
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
    'a user who has left': [
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

describe('a user or event that does not exist', () => {
  const noUser: Outcome = { type: 'refused', reason: 'no such user' };
  const ask: Asked = { type: 'register', userId: NOBODY };
  test('gets no seat, and nothing else', () => {
    expect(check(history(create, [ask, noUser])).type).toBe('linearizable');
    expect(check(history(create, register(NOBODY))).type).toBe('violation');
  });
  test('is reported as missing, user or event, when neither exists', () => {
    const noEvent: Outcome = { type: 'refused', reason: 'no such event' };
    expect(check(history([ask, noUser])).type).toBe('linearizable');
    expect(check(history([ask, noEvent])).type).toBe('linearizable');
    expect(check(history(create, [ask, noEvent])).type).toBe('violation');
  });
});

describe('offers', () => {
  const START = Date.parse('2026-06-01T09:00:00.000Z');
  const time = (ms: number) => new Date(START + ms).toISOString();
  const settings = { ...OPEN, offerSeconds: 1 };
  const offer = (userId: string, position: number, madeAt: number, endsAt = madeAt + 1_000) => ({
    ...{ userId, id: `o-${userId}`, position },
    ...{ createdAt: time(madeAt), expiresAt: time(endsAt) },
  });
  const offers = (patch: Partial<Settings> = {}): [Asked, Outcome] => [
    { type: 'update', patch: { offerSeconds: 1, ...patch } },
    {
      type: 'updated',
      settings: { ...settings, ...patch },
      revision: 2,
      promoted: [],
      offered: [],
    },
  ];
  const leaves = (userId: string, offered: Offered | null): [Asked, Outcome] => [
    { type: 'unregister', userId },
    { type: 'unregistered', promoted: null, offered },
  ];
  const stands = (userId: string, offered: Offered | null): [Asked, Outcome] => [
    { type: 'stand', userId },
    {
      type: 'standing',
      standing: {
        ...{ place: offered ? 'OFFERED' : 'NONE', id: offered?.id ?? null },
        ...{ position: null, ahead: null, offer: offered },
      },
    },
  ];
  const declines = (userId: string, given: Offered): [Asked, Outcome] => [
    { type: 'leaveLine', userId },
    { type: 'declined', offer: given },
  ];
  const waiting = [create, register('a'), register('b', 1), register('c', 2), offers()];

  /** The verdict on answers that each were given in a moment, at these milliseconds. */
  function verdict(...steps: [ms: number, ...step: [Asked, Outcome]][]) {
    const all = [...waiting.map((step): (typeof steps)[number] => [0, ...step]), ...steps];
    const operations = history(...all.map(([, ...step]): [Asked, Outcome] => step));
    for (const [i, operation] of operations.entries()) {
      const ms = START + (all[i]?.[0] ?? 0);
      Object.assign(operation, { sentAt: ms, answeredAt: ms });
    }
    return check(operations).type;
  }
  const left: [number, Asked, Outcome] = [100, ...leaves('a', offer('b', 1, 100))];

  test('are taken before they end, and not after', () => {
    expect(verdict(left, [1_050, ...register('b')])).toBe('linearizable');
    expect(verdict(left, [1_200, ...register('b')])).toBe('violation');
    expect(verdict(left, [1_200, ...register('b', 3)])).toBe('linearizable');
    expect(verdict(left, [900, ...register('b', 3)])).toBe('violation');
  });

  test('pass on to the next, who is told when that was', () => {
    const next = stands('c', offer('c', 2, 1_150));
    expect(verdict(left, [1_150, ...next])).toBe('linearizable');
    // Made when nobody asked, by an instance whose caller was told nothing.
    expect(verdict(left, [1_500, ...next])).toBe('linearizable');
    expect(verdict(left, [1_500, ...stands('c', offer('c', 2, 900))])).toBe('violation');
    // To nobody, while somebody waits.
    expect(verdict(left, [1_500, ...stands('b', null)], [1_500, ...register('d')])).toBe(
      'violation',
    );
  });

  test('are declined, and go to the next at that moment', () => {
    const given = offer('b', 1, 100);
    const next = stands('c', offer('c', 2, 500));
    expect(verdict(left, [500, ...declines('b', given)], [600, ...next])).toBe('linearizable');
    expect(verdict(left, [400, ...declines('b', given)], [600, ...next])).toBe('violation');
    expect(verdict(left, [1_200, ...declines('b', given)])).toBe('violation');
  });

  test('end with the line, and then the seat is anybody’s', () => {
    const patch = { promotesUntil: time(600) };
    const end: [Asked, Outcome] = [
      { type: 'update', patch },
      {
        ...{ type: 'updated', settings: { ...settings, ...patch }, revision: 3 },
        ...{ promoted: [], offered: [] },
      },
    ];
    const cut = offer('b', 1, 100, 600);
    expect(verdict(left, [300, ...end], [400, ...stands('b', cut)])).toBe('linearizable');
    expect(verdict(left, [300, ...end], [400, ...stands('b', offer('b', 1, 100))])).toBe(
      'violation',
    );
    expect(verdict(left, [300, ...end], [700, ...register('c')])).toBe('linearizable');
    expect(verdict(left, [300, ...end], [500, ...register('c')])).toBe('violation');
    const refused: Outcome = { type: 'refused', reason: 'line ended' };
    const asks: [Asked, Outcome] = [{ type: 'register', userId: 'x' }, refused];
    expect(verdict(left, [300, ...end], [700, ...register('c')], [700, ...asks])).toBe(
      'linearizable',
    );
    expect(verdict(left, [300, ...end], [500, ...asks])).toBe('violation');
  });
});
