import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Command, decide, type Outcome } from '../../src/event/decide.ts';
import { Draft } from '../../src/event/draft.ts';
import { EventState } from '../../src/event/state.ts';
import { WAITLIST_MAX_ENTRIES } from '../../src/limits.ts';
import { commands, counterIds, inShort, NaiveEvent, NOW } from '../support/model.ts';

/** An event in memory that carries out commands at once. */
function open(capacity: number, hasWaitlist: boolean) {
  const state = new EventState();
  const newId = counterIds();
  const run = (command: Command): Outcome => {
    const { changes, outcome } = decide(state, command, NOW, newId);
    if (changes.length > 0) state.applyCommit(changes);
    return outcome;
  };
  run({ type: 'create', event: { eventId: 'e', name: 'E', capacity, hasWaitlist } });
  return { state, run };
}

const register = (userId: string): Command => ({ type: 'register', userId });
const unregister = (userId: string): Command => ({ type: 'unregister', userId });

describe('the rules', () => {
  test('the seed scenario: the third of three waits, and is promoted when the first leaves', () => {
    const { run } = open(2, true);
    expect(inShort(run(register('a')))).toBe('registered');
    expect(inShort(run(register('b')))).toBe('registered');
    expect(inShort(run(register('c')))).toBe('waitlisted 1');
    expect(inShort(run({ type: 'read' }))).toBe('read 2 1');
    expect(inShort(run(unregister('a')))).toBe('unregistered c');
    expect(inShort(run({ type: 'read' }))).toBe('read 2 0');
  });

  test('without a waitlist the third is refused, and nobody is promoted', () => {
    const { run } = open(2, false);
    run(register('a'));
    run(register('b'));
    expect(inShort(run(register('c')))).toBe('refused full');
    expect(inShort(run(unregister('a')))).toBe('unregistered -');
    expect(inShort(run(register('c')))).toBe('registered');
  });

  test('nothing can be done with an event that does not exist', () => {
    const state = new EventState();
    for (const command of [register('a'), unregister('a'), { type: 'read' } as const]) {
      const { changes, outcome } = decide(state, command, NOW, counterIds());
      expect(changes).toEqual([]);
      expect(inShort(outcome)).toBe('refused no-such-event');
    }
  });

  test('an event is created once', () => {
    const { run } = open(2, true);
    const again = { eventId: 'e', name: 'Other', capacity: 9, hasWaitlist: false };
    expect(inShort(run({ type: 'create', event: again }))).toBe('refused event-exists');
  });

  test('a position is never given twice, even when the line has emptied', () => {
    const { run } = open(1, true);
    run(register('a'));
    expect(inShort(run(register('b')))).toBe('waitlisted 1');
    run(unregister('a'));
    expect(inShort(run(register('a')))).toBe('waitlisted 2');
  });

  test('a waitlist takes as many as its limit says, and not one more', () => {
    const { state, run } = open(1, true);
    run(register('seated'));
    // The limit is tested at its edge without a hundred thousand steps.
    const atLimit = new Draft(state);
    atLimit.waitlistCount = WAITLIST_MAX_ENTRIES;
    const { outcome } = decide(atLimit, register('x'), NOW, counterIds());
    expect(inShort(outcome)).toBe('refused waitlist-full');
    atLimit.waitlistCount = WAITLIST_MAX_ENTRIES - 1;
    const last = decide(atLimit, register('x'), NOW, counterIds()).outcome;
    expect(inShort(last)).toBe('waitlisted 1');
  });

  test('what happened is returned as data, with its reason', () => {
    const { state, run } = open(1, true);
    run(register('a'));
    run(register('b'));
    const { changes } = decide(state, unregister('a'), NOW, counterIds());
    expect(changes.map(({ type }) => type)).toEqual(['unregistered', 'promoted']);
  });
});

describe('the promises, for any sequence of commands', () => {
  test('decide agrees with the naive model, and every promise holds at each step', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.boolean(),
        commands,
        (capacity, hasWaitlist, all) => {
          const { state, run } = open(capacity, hasWaitlist);
          const naive = new NaiveEvent(capacity, hasWaitlist);
          const positions = new Set<number>();
          for (const command of all) {
            const outcome = run(command);
            expect(inShort(outcome)).toBe(naive.expect(command));
            // Never over capacity, and never a free seat while somebody waits.
            expect(state.registeredCount).toBeLessThanOrEqual(capacity);
            if (state.waitlistCount > 0) expect(state.registeredCount).toBe(capacity);
            // First in, first out.
            const line = [...state.waiting()].map(({ position }) => position);
            expect(line).toEqual([...line].sort((x, y) => x - y));
            // One place per user.
            for (const userId of naive.seats) expect(state.entryOf(userId)).toBeUndefined();
            if (outcome.type === 'waitlisted') {
              expect(positions.has(outcome.entry.position)).toBe(false);
              positions.add(outcome.entry.position);
            }
          }
          expect([...state.waiting()].map(({ userId }) => userId)).toEqual(naive.line);
        },
      ),
      { numRuns: 300 },
    );
  });
});
