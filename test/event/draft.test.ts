import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decideBatch } from '../../src/event/batch.ts';
import type { Command } from '../../src/event/command.ts';
import { decide } from '../../src/event/decide.ts';
import { Draft } from '../../src/event/draft.ts';
import { isDue } from '../../src/event/rules/offer.ts';
import { owedBy } from '../../src/event/rules/seating.ts';
import { bytesOf, EventState, type EventView, rowChanges } from '../../src/event/state.ts';
import { CAPACITY_MAX, STEP_MAX_SEATS } from '../../src/limits.ts';
import { toTransaction } from '../../src/store/commit.ts';
import {
  at,
  commands,
  counterIds,
  decideInTime,
  eventOf,
  inShort,
  NaiveTables,
  pendingOf,
  still,
  timedCommands,
} from '../support/model.ts';

/** Carries out commands in one batch on top of a state. */
function batch(state: EventState, all: Command[], newId: () => string): Draft {
  const draft = new Draft(state);
  for (const command of all) draft.apply(decide(draft, command, still(newId)).changes);
  return draft;
}

function open(capacity: number, newId = counterIds()): EventState {
  const state = new EventState();
  const create: Command = { type: 'create', event: eventOf(capacity) };
  state.applyCommit(decide(state, create, still(newId)).changes, 1);
  return state;
}

describe('the net change set', () => {
  test('an entry that is added and promoted within one batch becomes one put', () => {
    const draft = batch(
      open(1),
      [
        { type: 'register', userId: 'a' },
        { type: 'register', userId: 'b' },
        { type: 'unregister', userId: 'a' },
      ],
      counterIds(),
    );
    const rows = [...draft.rows];
    expect(rows.map(({ op, table, row }) => `${op} ${table} ${row.userId}`)).toEqual([
      'add registrations b',
    ]);
    // The position that b was told is used up all the same.
    expect(draft.lastPosition).toBe(1);
  });

  test('all changes are kept, also those that the net change lacks', () => {
    const draft = batch(
      open(1),
      [
        { type: 'register', userId: 'a' },
        { type: 'unregister', userId: 'a' },
      ],
      counterIds(),
    );
    expect(draft.itemCount).toBe(0);
    expect(draft.changes.map(({ type }) => type)).toEqual(['registered', 'unregistered']);
  });

  test('the base is not touched before the commit', () => {
    const newId = counterIds();
    const state = open(1, newId);
    batch(state, [{ type: 'register', userId: 'a' }], newId);
    expect(state.registeredCount).toBe(0);
    expect(state.registrationOf('a')).toBeUndefined();
  });

  test('batches of any size leave the same tables, counts and digest as single commands', () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), timedCommands, cuts, (capacity, all, sizes) => {
        const [idsOne, idsMany] = [counterIds(), counterIds()];
        const one = open(capacity, idsOne);
        const many = open(capacity, idsMany);
        const [tablesOne, tablesMany] = [new NaiveTables(), new NaiveTables()];
        let rest = all;
        let seconds = 0;
        for (let i = 0; rest.length > 0; i++) {
          const size = sizes[i % sizes.length] ?? 1;
          const some = rest.slice(0, size);
          rest = rest.slice(size);
          // All commands of a batch are decided at one moment.
          seconds += some[0]?.wait ?? 0;
          const now = at(seconds);
          for (const { command } of some) {
            const { changes } = decideInTime(one, command, { now, newId: idsOne });
            for (const row of changes.flatMap(rowChanges)) tablesOne.apply(row);
            one.applyCommit(changes, one.version + 1);
          }
          const draft = new Draft(many);
          const decideNext = (command: Command) => {
            const { changes } = decide(draft, command, { now, newId: idsMany });
            const announced = draft.itemCountWith(changes);
            draft.apply(changes);
            expect(draft.itemCount).toBe(announced);
          };
          if (isDue(many, Date.parse(now))) decideNext({ type: 'expire' });
          for (const { command } of some) {
            decideNext(command);
            // The seats that an update makes free.
            if (owedBy(draft, Date.parse(now)) > 0) decideNext({ type: 'expire' });
          }
          const ids = [...draft.rows].map(({ id }) => id);
          expect(new Set(ids).size).toBe(ids.length);
          for (const row of draft.rows) {
            // The net change adds only rows that do not exist, and removes only rows that do.
            expect(tablesMany.rows.has(row.id)).toBe(row.op === 'remove');
            tablesMany.apply(row);
          }
          for (const after of [undefined, 0, 3]) {
            const isAfter = (order: number) => after === undefined || order > after;
            const seated = [...one.seated()].filter(({ seq }) => isAfter(seq));
            const offered = [...one.offered()].filter(({ position }) => isAfter(position));
            const waiting = [...one.waiting()].filter(({ position }) => isAfter(position));
            expect([...draft.seated(after)]).toEqual(seated);
            expect([...draft.offered(after)]).toEqual(offered);
            expect([...draft.waiting(after)]).toEqual(waiting);
          }
          const placed = [...draft.seated(), ...draft.offered(), ...draft.waiting()];
          expect(draft.bytes).toBe(placed.reduce((sum, row) => sum + bytesOf(row), 0));
          const expectOffers = (view: EventView) => {
            expect(view.firstOfferEnd).toBe(one.firstOfferEnd);
            const time = Date.parse(now) + 10_000;
            expect([...view.offersEndedBy(time)]).toEqual([...one.offersEndedBy(time)]);
            for (const offer of one.offered()) expect(view.offerOf(offer.userId)).toEqual(offer);
          };
          // Before the commit: the draft looks at the state below it.
          expectOffers(draft);
          many.applyCommit(draft.changes, many.version + 1);
          expectOffers(many);
          for (const view of [draft, many]) {
            expect(view.digest).toBe(one.digest);
            expect(view.bytes).toBe(one.bytes);
            expect(view.registeredCount).toBe(one.registeredCount);
            expect(view.offeredCount).toBe(one.offeredCount);
            expect(view.waitlistCount).toBe(one.waitlistCount);
            expect(view.lastPosition).toBe(one.lastPosition);
            expect(view.lastSeq).toBe(one.lastSeq);
            expect(view.event).toEqual(one.event);
          }
          expect(tablesMany.content).toEqual(tablesOne.content);
          expect([...many.waiting()]).toEqual([...one.waiting()]);
          expect([...many.offered()]).toEqual([...one.offered()]);
          expect([...many.seated()]).toEqual([...one.seated()]);
        }
      }),
      { numRuns: 200 },
    );
  });

  test('a draft on top of a draft decides like a draft on the resulting state', () => {
    fc.assert(
      fc.property(commands, commands, (first, second) => {
        const ids = counterIds();
        const state = open(2, ids);
        const below = batch(state, first, ids);
        const above = new Draft(below);
        const plain = new EventState();
        const idsPlain = counterIds();
        for (const command of [{ type: 'create' as const, event: eventOf(2) }, ...first]) {
          plain.applyCommit(decide(plain, command, still(idsPlain)).changes, plain.version + 1);
        }
        for (const command of second) {
          const decision = decide(above, command, still(ids));
          const expected = decide(plain, command, still(idsPlain));
          expect(inShort(decision.outcome)).toBe(inShort(expected.outcome));
          above.apply(decision.changes);
          plain.applyCommit(expected.changes, plain.version + 1);
        }
      }),
    );
  });
});

describe('a step of a raise', () => {
  const TABLES = { users: 'u', events: 'e', registrations: 'r', waitlist: 'w' };
  const raised = (waiting: number) => {
    const newId = counterIds();
    const state = open(1, newId);
    const run = (command: Command) =>
      state.applyCommit(decide(state, command, still(newId)).changes, state.version + 1);
    for (let i = 0; i <= waiting; i++) run({ type: 'register', userId: `u${i}` });
    run({ type: 'update', patch: { capacity: CAPACITY_MAX }, revisions: null, isDryRun: false });
    return { state, newId };
  };
  const other = pendingOf({ type: 'register', userId: 'other' });

  test('fills the transaction where nobody else waits, and leaves room where somebody does', () => {
    const { state, newId } = raised(100);
    const alone = decideBatch(state, [], still(newId));
    expect([alone.given.length, alone.draft.room]).toEqual([49, 0]);
    expect(toTransaction(TABLES, 1, alone.draft, '').TransactItems?.length).toBe(99);
    const shared = decideBatch(state, [other], still(newId));
    expect(shared.given.length).toBe(STEP_MAX_SEATS);
    expect(shared.decided.map(({ outcome }) => inShort(outcome))).toEqual(['waitlisted 101']);
  });

  test('is small enough that the largest raise stays within the calls of one invocation', () => {
    // The paid plan's 10 000 subrequests leave room for a retry of each.
    expect(CAPACITY_MAX / STEP_MAX_SEATS).toBeLessThan(10_000 / 2);
  });
});
