import { serialize } from 'node:v8';
import { describe, expect, test } from 'vitest';
import type { Command, Outcome } from '../../src/event/command.ts';
import { decide } from '../../src/event/decide.ts';
import { EventState } from '../../src/event/state.ts';
import {
  BULK_MAX_USERS,
  CAPACITY_MAX,
  CHANGE_MAX_LISTED,
  ID_MAX_CHARS,
  OVERRIDE_REASON_MAX_CHARS,
  PAGE_MAX_ROWS,
} from '../../src/limits.ts';
import { decideInTime, eventOf, still } from '../support/model.ts';

/** The largest call between a worker and an object that the platform accepts, as it serializes values. */
const RPC_MAX_BYTES = 32 * 1024 * 1024;
/** Four bytes in UTF-8, and in memory too. */
const longest = (index: number) => `${index}`.padStart(6, '0') + '🎪'.repeat(ID_MAX_CHARS - 6);
const reason = '🎪'.repeat(OVERRIDE_REASON_MAX_CHARS);
const MORE = 50;

/** An event with the longest id, and so many seats and entries with the longest ids; the seats have reasons. */
function open(seated: number, waiting: number) {
  const state = new EventState();
  const newId = () => crypto.randomUUID();
  const run = (command: Command): Outcome => {
    const { changes, outcome } = decideInTime(state, command, still(newId));
    state.applyCommit(changes, state.version + 1);
    return outcome;
  };
  const event = { ...eventOf(1, true), eventId: longest(0), name: '🎪'.repeat(200) };
  run({ type: 'create', event });
  for (let i = 0; i < seated; i++) {
    run({ type: 'register', userId: longest(i), override: { reason } });
  }
  for (let i = 0; i < waiting; i++) run({ type: 'register', userId: longest(seated + i) });
  return { state, run };
}

const expectSmall = (answer: unknown) => {
  expect(serialize(answer).byteLength).toBeLessThan(RPC_MAX_BYTES / 4);
  expect(new TextEncoder().encode(JSON.stringify(answer)).byteLength).toBeLessThan(
    RPC_MAX_BYTES / 4,
  );
};

describe('the largest answers there are fit into a call', () => {
  test('lists', () => {
    const { run } = open(PAGE_MAX_ROWS + MORE, PAGE_MAX_ROWS + MORE);
    for (const list of ['registrations', 'waitlist'] as const) {
      const answer = run({ type: 'list', list, after: 0, limit: PAGE_MAX_ROWS });
      expect(answer).toMatchObject({ type: list, rows: { length: PAGE_MAX_ROWS }, isLast: false });
      expectSmall(answer);
    }
  });

  test('a change that promotes many lists the first, in order, and counts all', () => {
    const { state, run } = open(1, 3 * CHANGE_MAX_LISTED);
    const line = [...state.waiting()].map(({ userId }) => userId);
    const raise = (capacity: number, isDryRun: boolean) =>
      run({ type: 'update', patch: { capacity }, revisions: null, isDryRun });
    const answer = raise(CAPACITY_MAX, true);
    if (answer.type !== 'updated') throw new Error(answer.type);
    expect(answer.promotedCount).toBe(3 * CHANGE_MAX_LISTED);
    expect(answer.promoted.map(({ userId }) => userId)).toEqual(line.slice(0, CHANGE_MAX_LISTED));
    expectSmall(answer);
    // At the bound, and beyond it: users who are not listed are promoted all the same.
    expect(raise(CHANGE_MAX_LISTED + 1, false)).toMatchObject({
      promoted: { length: CHANGE_MAX_LISTED },
      promotedCount: CHANGE_MAX_LISTED,
    });
    expect(raise(2 * CHANGE_MAX_LISTED + 2, false)).toMatchObject({
      promoted: { length: CHANGE_MAX_LISTED },
      promotedCount: CHANGE_MAX_LISTED + 1,
    });
    expect(state.waitlistCount).toBe(CHANGE_MAX_LISTED - 1);
    expect([...state.seated()].map(({ seq }) => seq)).toEqual(
      Array.from({ length: 2 * CHANGE_MAX_LISTED + 2 }, (_, i) => i + 1),
    );
  });

  test('a user who leaves an event with many free seats', () => {
    const { state, run } = open(2, 2 * CHANGE_MAX_LISTED);
    // As an interrupted raise leaves it.
    const event = state.event && { ...state.event, capacity: CAPACITY_MAX };
    if (event) state.applyCommit([{ type: 'updated', event }], 2);
    const { changes, outcome } = decide(
      state,
      { type: 'unregister', userId: longest(0) },
      still(() => crypto.randomUUID()),
    );
    // Seats that are owed to the line are given in steps; whoever leaves gives theirs to one.
    expect(changes.length).toBe(2);
    expectSmall(outcome);
    expect(run({ type: 'read' }).type).toBe('read');
  });

  test('a bulk registration, with the request', () => {
    const { run } = open(1, 0);
    const commands = Array.from({ length: BULK_MAX_USERS }, (_, i): Command => {
      return { type: 'register', userId: longest(i + 1) };
    });
    expectSmall(commands);
    const timing = { queueMs: 2_500, commitMs: 2_000, batch: 100, attempts: 10 };
    const answers = commands.map((command) => ({ ...run(command), timing }));
    expect(answers.every(({ type }) => type === 'waitlisted')).toBe(true);
    expectSmall(answers);
  });
});
