import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Command, Outcome } from '../../src/event/command.ts';
import { decide } from '../../src/event/decide.ts';
import { Draft } from '../../src/event/draft.ts';
import { type EventPatch, lineEndsAt } from '../../src/event/model.ts';
import { nextDueAt } from '../../src/event/rules/offer.ts';
import { bytesOf, EventState } from '../../src/event/state.ts';
import {
  CAPACITY_MAX,
  EVENT_MAX_BYTES,
  ID_MAX_CHARS,
  PLACE_BYTES,
  WAITLIST_MAX_ENTRIES,
} from '../../src/limits.ts';
import {
  at,
  counterIds,
  decideInTime,
  eventOf,
  inShort,
  NaiveEvent,
  NOW,
  still,
  timedCommands,
} from '../support/model.ts';

/** An event in memory that carries out commands at once. */
function open(capacity: number, hasWaitlist: boolean) {
  const state = new EventState();
  const newId = counterIds();
  const run = (command: Command, now = NOW): Outcome => {
    const { changes, outcome } = decideInTime(state, command, { now, newId });
    if (changes.length > 0) state.applyCommit(changes, state.version + 1);
    return outcome;
  };
  run({ type: 'create', event: eventOf(capacity, hasWaitlist) });
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
      const { changes, outcome } = decideInTime(state, command, still());
      expect(changes).toEqual([]);
      expect(inShort(outcome)).toBe('refused no-such-event');
    }
  });

  test('an event is created once', () => {
    const { run } = open(2, true);
    expect(inShort(run({ type: 'create', event: eventOf(9) }))).toBe('refused event-exists');
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
    const { outcome } = decide(atLimit, register('x'), still());
    expect(inShort(outcome)).toBe('refused waitlist-full');
    atLimit.waitlistCount = WAITLIST_MAX_ENTRIES - 1;
    const last = decide(atLimit, register('x'), still()).outcome;
    expect(inShort(last)).toBe('waitlisted 1');
  });

  test('an event takes as many bytes as its limit says, and not one more', () => {
    const { state, run } = open(2, true);
    run(register('seated'));
    const at = (left: number, userId: string) => {
      const draft = new Draft(state);
      draft.bytes = EVENT_MAX_BYTES - left;
      const full = new Draft(state);
      full.bytes = draft.bytes;
      full.registeredCount = 2;
      return [draft, full].map((view) => inShort(decide(view, register(userId), still()).outcome));
    };
    const long = '🎪'.repeat(ID_MAX_CHARS);
    expect(at(PLACE_BYTES + 400, long)).toEqual(['registered', 'waitlisted 1']);
    expect(at(PLACE_BYTES + 399, long)).toEqual(['refused no-room', 'refused no-room']);
    expect(at(PLACE_BYTES + 399, 'short')).toEqual(['registered', 'waitlisted 1']);
  });

  test("the reason of an override counts too, and its user's entry no longer does", () => {
    const { state, run } = open(1, true);
    run(register('seated'));
    run(register('waits'));
    const override = (userId: string, left: number) => {
      const draft = new Draft(state);
      draft.bytes = EVENT_MAX_BYTES - left;
      const command: Command = { type: 'register', userId, override: { reason: 'asked' } };
      return inShort(decide(draft, command, still()).outcome);
    };
    expect(override('waits', 10)).toBe('registered');
    expect(override('waits', 9)).toBe('refused no-room');
    expect(override('other', PLACE_BYTES + 20)).toBe('registered');
    expect(override('other', PLACE_BYTES + 19)).toBe('refused no-room');
  });

  test('an event past its limit can be left, and the first in line is promoted', () => {
    const { state, run } = open(1, true);
    run(register('seated'));
    run(register('waits'));
    const draft = new Draft(state);
    draft.bytes = EVENT_MAX_BYTES + 1_000;
    expect(inShort(decide(draft, unregister('seated'), still()).outcome)).toBe(
      'unregistered waits',
    );
    expect(inShort(decide(draft, register('seated'), still()).outcome)).toContain('already');
  });

  test('the greatest number of people fits with the longest ids of one code unit a character', () => {
    const longest = bytesOf({ userId: 'é'.repeat(ID_MAX_CHARS) });
    expect((CAPACITY_MAX + WAITLIST_MAX_ENTRIES) * longest).toBeLessThan(EVENT_MAX_BYTES);
  });

  test('what happened is returned as data, with its reason', () => {
    const { state, run } = open(1, true);
    run(register('a'));
    run(register('b'));
    const { changes } = decide(state, unregister('a'), still());
    expect(changes.map(({ type }) => type)).toEqual(['unregistered', 'promoted']);
  });
});

const update = (patch: EventPatch, options: { revisions?: number[]; isDryRun?: boolean } = {}) => {
  const { revisions = null, isDryRun = false } = options;
  return { type: 'update' as const, patch, revisions, isDryRun };
};

describe('the life of an event', () => {
  /** An event with these registered or waiting, in this order. */
  const withUsers = (capacity: number, ...userIds: string[]) => {
    const desk = open(capacity, true);
    for (const userId of userIds) desk.run(register(userId));
    return desk;
  };

  test('raising the capacity promotes as many as fit, in order, and returns them', () => {
    const { run } = withUsers(1, 'a', 'b', 'c', 'd');
    const outcome = run(update({ capacity: 3 }));
    expect(inShort(outcome)).toBe('updated b,c');
    expect(inShort(run({ type: 'read' }))).toBe('read 3 1');
  });

  test('lowering it below the number of seats takes no seat away, and nobody is promoted until one is free', () => {
    const { run } = withUsers(3, 'a', 'b', 'c', 'd');
    expect(inShort(run(update({ capacity: 1 })))).toBe('updated ');
    expect(inShort(run({ type: 'read' }))).toBe('read 3 1');
    expect(inShort(run(unregister('a')))).toBe('unregistered -');
    expect(inShort(run(unregister('b')))).toBe('unregistered -');
    expect(inShort(run(unregister('c')))).toBe('unregistered d');
  });

  test('when the waitlist is switched off, entries stay, and no new ones are added', () => {
    const { run } = withUsers(1, 'a', 'b');
    run(update({ hasWaitlist: false }));
    expect(inShort(run(register('c')))).toBe('refused full');
    expect(inShort(run(unregister('a')))).toBe('unregistered b');
  });

  test('the waitlist has a capacity of its own, 0 included', () => {
    const { run } = withUsers(1, 'a');
    run(update({ waitlistCapacity: 0 }));
    expect(inShort(run(register('b')))).toBe('refused waitlist-full');
    run(update({ waitlistCapacity: 1 }));
    expect(inShort(run(register('b')))).toBe('waitlisted 1');
    expect(inShort(run(register('c')))).toBe('refused waitlist-full');
  });

  test('paused and closed events take nobody, and let everybody leave', () => {
    const { run } = withUsers(1, 'a', 'b');
    for (const status of ['PAUSED', 'CLOSED'] as const) {
      run(update({ status }));
      expect(inShort(run(register('c')))).toBe(`refused ${status.toLowerCase()}`);
    }
    expect(inShort(run(unregister('a')))).toBe('unregistered b');
    run(update({ status: 'OPEN' }));
    expect(inShort(run(register('c')))).toBe('waitlisted 2');
  });

  test('the window opens at its first moment, and is closed at its last', () => {
    const at = (opens: string | null, closes: string | null) => {
      const { run } = open(1, true);
      run(update({ registrationOpensAt: opens, registrationClosesAt: closes }));
      return run(register('a'));
    };
    const before = new Date(Date.parse(NOW) - 1).toISOString();
    const after = new Date(Date.parse(NOW) + 1).toISOString();
    expect(at(NOW, after).type).toBe('registered');
    expect(at(after, null)).toEqual({ type: 'refused', reason: 'not-open-yet', time: after });
    expect(at(before, NOW)).toEqual({ type: 'refused', reason: 'closed-already', time: NOW });
    expect(at(null, null).type).toBe('registered');
    // As the seed system may have stored them: without milliseconds, with an offset, or with a year of five digits.
    const short = NOW.replace('.000Z', 'Z');
    expect(at(short, null).type).toBe('registered');
    expect(at(null, short).type).toBe('refused');
    expect(at(null, NOW.replace('Z', '-01:00')).type).toBe('registered');
    expect(at('+010000-01-01T00:00:00.000Z', null).type).toBe('refused');
    expect(at(null, '+010000-01-01T00:00:00.000Z').type).toBe('registered');
  });

  test('a window cannot end before it starts, whichever end is changed', () => {
    const { run } = open(1, true);
    run(update({ registrationOpensAt: NOW }));
    expect(inShort(run(update({ registrationClosesAt: NOW })))).toBe('refused window-reversed');
  });

  test('an update on an outdated revision is refused, and a dry run changes nothing', () => {
    const { run, state } = withUsers(1, 'a', 'b');
    expect(inShort(run(update({ capacity: 2 }, { revisions: [1], isDryRun: true })))).toBe(
      'updated b',
    );
    expect(inShort(run({ type: 'read' }))).toBe('read 1 1');
    run(update({ name: 'New' }, { revisions: [1] }));
    expect(inShort(run(update({ name: 'Lost' }, { revisions: [1] })))).toBe(
      'refused revision-mismatch',
    );
    expect(state.event?.name).toBe('New');
    expect(state.revision).toBe(2);
    // Registrations don't change the event itself, and neither does an update to equal values.
    run(register('c'));
    run(update({ name: 'New' }));
    expect(state.revision).toBe(2);
  });

  test('a cancelled event takes nobody, seats nobody, and cannot be taken back', () => {
    const { run } = withUsers(1, 'a', 'b');
    expect(run({ type: 'cancel', revisions: null }).type).toBe('cancelled');
    expect(run({ type: 'cancel', revisions: null }).type).toBe('cancelled');
    expect(inShort(run(register('c')))).toBe('refused cancelled');
    expect(inShort(run({ type: 'register', userId: 'c', override: { reason: 'x' } }))).toBe(
      'refused cancelled',
    );
    expect(inShort(run(update({ status: 'OPEN' })))).toBe('refused cancelled');
    expect(inShort(run(unregister('a')))).toBe('unregistered -');
    expect(inShort(run({ type: 'leaveLine', userId: 'b' }))).toBe('leftLine');
  });

  test("an override seats past the capacity, removes the user's entry, and keeps its reason", () => {
    const { run, state } = withUsers(1, 'a', 'b', 'c');
    run(update({ status: 'PAUSED' }));
    const outcome = run({ type: 'register', userId: 'c', override: { reason: 'speaker' } });
    expect(outcome).toMatchObject({ registration: { userId: 'c', overrideReason: 'speaker' } });
    expect(inShort(run({ type: 'read' }))).toBe('read 2 1');
    expect(state.entryOf('c')).toBeUndefined();
    // One seat past the capacity: the first to leave frees no seat.
    expect(inShort(run(unregister('a')))).toBe('unregistered -');
    expect(inShort(run(unregister('c')))).toBe('unregistered b');
  });

  test('the place of a user: a seat, an entry with so many ahead, or none', () => {
    const { run } = withUsers(1, 'a', 'b', 'c', 'd');
    const stand = (userId: string) => run({ type: 'stand', userId });
    expect(stand('a')).toMatchObject({ registration: { userId: 'a' }, entry: null, ahead: null });
    expect(stand('d')).toMatchObject({ registration: null, entry: { position: 3 }, ahead: 2 });
    run({ type: 'leaveLine', userId: 'b' });
    expect(stand('d')).toMatchObject({ entry: { position: 3 }, ahead: 1 });
    expect(stand('b')).toMatchObject({ registration: null, entry: null, ahead: null });
    expect(inShort(run({ type: 'leaveLine', userId: 'b' }))).toBe('refused not-waiting');
  });

  test('lists are in order, page by page, and a page ends where the next begins', () => {
    const users = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    const { run } = withUsers(3, ...users);
    run(unregister('b'));
    for (const [list, expected] of [
      ['registrations', ['a', 'c', 'd']],
      ['waitlist', ['e', 'f', 'g']],
    ] as const) {
      const seen: string[] = [];
      for (let after = 0, isLast = false; !isLast; ) {
        const outcome = run({ type: 'list', list, after, limit: 2 });
        if (outcome.type !== list) throw new Error('not a list');
        expect(outcome.rows.length).toBeLessThanOrEqual(2);
        seen.push(...outcome.rows.map(({ userId }) => userId));
        const last = outcome.rows.at(-1);
        after = last === undefined ? 0 : 'seq' in last ? last.seq : last.position;
        isLast = outcome.isLast;
      }
      expect(seen).toEqual(expected);
    }
  });
});

describe('giving up whatever place a user has', () => {
  const giveUp = (userId: string): Command => ({ type: 'giveUp', userId });

  test('is marked in the change of the place, and in no other', () => {
    const { state, run } = open(1, true);
    for (const userId of ['a', 'b', 'c']) run(register(userId));
    const { changes } = decide(state, giveUp('a'), still());
    expect(changes.map((change) => [change.type, 'erased' in change])).toEqual([
      ['unregistered', true],
      ['promoted', false],
    ]);
    expect(decide(state, giveUp('b'), still()).changes).toMatchObject([
      { type: 'leftLine', erased: true },
    ]);
    const left = decide(state, { type: 'unregister', userId: 'a' }, still()).changes;
    expect(left.some((change) => 'erased' in change)).toBe(false);
  });

  test('a seat goes to the first in line, an entry is gone, and nothing is proven by a commit', () => {
    const { state, run } = open(1, true);
    for (const userId of ['a', 'b', 'c']) run(register(userId));
    expect(inShort(run(giveUp('b')))).toBe('gaveUp WAITLISTED');
    expect(inShort(run(giveUp('a')))).toBe('gaveUp ACTIVE');
    expect([...state.seated()].map(({ userId }) => userId)).toEqual(['c']);
    expect(inShort(run(giveUp('a')))).toBe('gaveUp nothing');
    const seated = decide(state, giveUp('c'), still());
    expect(seated.mustCommit).toBeUndefined();
    // Memory may lack a place that another object gave: only the fence tells.
    expect(decide(state, giveUp('a'), still())).toMatchObject({ changes: [], mustCommit: true });
  });

  test('an offer is declined, and goes to the next, with the changes of who declines it', () => {
    const { state, run } = open(1, true);
    for (const userId of ['a', 'b', 'c']) run(register(userId));
    run({ type: 'update', patch: { offerSeconds: 60 }, revisions: null, isDryRun: false });
    run({ type: 'unregister', userId: 'a' });
    const declined = decide(state, { type: 'leaveLine', userId: 'b' }, still());
    const [first, ...others] = declined.changes;
    expect(decide(state, giveUp('b'), still()).changes).toEqual([
      { ...first, erased: true },
      ...others,
    ]);
    expect(inShort(run(giveUp('b')))).toBe('gaveUp OFFERED');
    expect([...state.offersEndedBy(Number.POSITIVE_INFINITY)].map(({ userId }) => userId)).toEqual([
      'c',
    ]);
    expect(inShort(run(giveUp('b')))).toBe('gaveUp nothing');
  });

  test('also in an event that is cancelled, and nobody is promoted there', () => {
    const { state, run } = open(1, true);
    for (const userId of ['a', 'b']) run(register(userId));
    run({ type: 'cancel', revisions: null });
    expect(inShort(run(giveUp('a')))).toBe('gaveUp ACTIVE');
    expect([state.registeredCount, state.waitlistCount]).toEqual([0, 1]);
    expect(inShort(run(giveUp('b')))).toBe('gaveUp WAITLISTED');
  });
});

describe('the promises, for any sequence of commands', () => {
  test('decide agrees with the naive model, and every promise holds at each step', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.boolean(),
        timedCommands,
        (capacity, hasWaitlist, all) => {
          const { state, run } = open(capacity, hasWaitlist);
          const naive = new NaiveEvent(capacity, hasWaitlist);
          const positions = new Set<number>();
          let seconds = 0;
          for (const { command, wait } of all) {
            seconds += wait;
            const now = at(seconds);
            const outcome = run(command, now);
            expect(inShort(outcome)).toBe(naive.expect(command, now));
            // Over the capacity only by an override or a lowered capacity, and then nobody comes in but
            // who was offered a seat before; never a free seat while somebody waits and the line lives.
            const { capacity: seats = 0 } = state.event ?? {};
            const taken = state.registeredCount + state.offeredCount;
            if (outcome.type === 'waitlisted') expect(taken).toBeGreaterThanOrEqual(seats);
            if (outcome.type === 'unregistered' && (outcome.promoted ?? outcome.offered)) {
              expect(taken).toBeLessThanOrEqual(seats);
            }
            if (state.waitlistCount > 0 && !naive.isLineOver) {
              expect(taken).toBeGreaterThanOrEqual(seats);
            }
            // Nothing that is over is open, and what comes next is the first that ends.
            const due = nextDueAt(state, Date.parse(now));
            if (due !== null) expect(due).toBeGreaterThan(Date.parse(now));
            const ends = naive.offers.map(({ endsAt }) => endsAt);
            const lineEnd = state.event ? lineEndsAt(state.event) : 0;
            expect(due).toBe(ends.length > 0 ? Math.min(...ends, lineEnd) : null);
            // First in, first out.
            const line = [...state.waiting()].map(({ position }) => position);
            expect(line).toEqual([...line].sort((x, y) => x - y));
            // One place per user.
            for (const userId of naive.seats) {
              expect(state.entryOf(userId) ?? state.offerOf(userId)).toBeUndefined();
            }
            for (const { userId } of naive.offers) expect(state.entryOf(userId)).toBeUndefined();
            if (outcome.type === 'waitlisted') {
              expect(positions.has(outcome.entry.position)).toBe(false);
              positions.add(outcome.entry.position);
            }
          }
          expect([...state.waiting()].map(({ userId }) => userId)).toEqual(naive.line);
          expect([...state.offered()].map(({ userId }) => userId)).toEqual(
            naive.offers.map(({ userId }) => userId),
          );
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
