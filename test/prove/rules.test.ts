import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Command } from '../../src/event/command.ts';
import { commands, NaiveEvent } from '../support/model.ts';
import { check } from './checker.ts';
import { type Asked, type Outcome, Recorder, type Settings } from './history.ts';
import { explainViolation } from './report.ts';
import { carryOut, type Model } from './rules.ts';

const EVENT = 'event';

/** A command of the product as a client asks for it. */
function toAsked(command: Command): Asked {
  switch (command.type) {
    case 'register':
      return { type: command.override ? 'override' : 'register', userId: command.userId };
    case 'unregister':
    case 'leaveLine':
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
