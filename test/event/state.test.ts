import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Places } from '../../src/event/places.ts';
import { EventState, type RowChange } from '../../src/event/state.ts';
import { prove } from '../../src/store/reading.ts';
import { type EventItem, toDigest } from '../../src/store/tables.ts';
import { counterIds, eventOf, NOW } from '../support/model.ts';

const newId = counterIds();

function waiting(position: number): RowChange {
  const id = newId();
  const userId = `w${position}`;
  const row = { entryId: id, userId, eventId: 'e', position, createdAt: NOW };
  return { op: 'add', table: 'waitlist', id, row };
}

let seq = 0;
function seated(userId: string): RowChange {
  const id = newId();
  const row = {
    registrationId: id,
    userId,
    eventId: 'e',
    status: 'ACTIVE' as const,
    createdAt: NOW,
    seq: ++seq,
  };
  return { op: 'add', table: 'registrations', id, row };
}

describe('an event in memory', () => {
  test('the line stays in order when entries leave it, also from the middle', () => {
    const leave = fc.uniqueArray(fc.integer({ min: 1, max: 200 }), { maxLength: 200 });
    fc.assert(
      fc.property(leave, (leavers) => {
        const state = new EventState();
        const rows = Array.from({ length: 200 }, (_, i) => waiting(i + 1));
        for (const row of rows) state.applyRow(row);
        for (const position of leavers) {
          const row = rows[position - 1];
          if (row) state.applyRow({ ...row, op: 'remove' });
        }
        const left = rows.map((_, i) => i + 1).filter((position) => !leavers.includes(position));
        expect([...state.waiting()].map(({ position }) => position)).toEqual(left);
        expect(state.waitlistCount).toBe(left.length);
        const line = [...state.waiting()];
        expect(line.map((entry) => state.aheadOf(entry))).toEqual(line.map((_, i) => i));
        expect(state.lastPosition).toBe(200);
      }),
    );
  });

  test('a second place for a user breaks an invariant', () => {
    const state = new EventState();
    state.applyRow(seated('a'));
    expect(() => state.applyRow(seated('a'))).toThrow('one place per user');
  });

  test('a row that is not there cannot be removed', () => {
    const state = new EventState();
    expect(() => state.applyRow({ ...seated('a'), op: 'remove' })).toThrow('was there');
    expect(() => state.applyRow({ ...waiting(1), op: 'remove' })).toThrow('was there');
  });
});

describe('the proof of a load', () => {
  const rows = ['a', 'b', 'c'].map(seated);
  const proveRows = (all: RowChange[]) => {
    const seats = new Places();
    for (const { id, row } of all) {
      const order = 'seq' in row ? row.seq : row.position;
      seats.add({ id, userId: row.userId, order, createdAt: row.createdAt });
    }
    return prove(item, seats, new Places());
  };
  const truth = new EventState();
  for (const row of rows) truth.applyRow(row);
  const item: EventItem = {
    ...eventOf(3, false),
    status: 'OPEN',
    createdAt: NOW,
    version: 4,
    revision: 1,
    lastSeq: 3,
    registeredCount: 3,
    waitlistCount: 0,
    lastPosition: 7,
    digest: toDigest(truth.digest),
  };

  test('the exact set of rows is accepted, in any order', () => {
    const state = proveRows([...rows].reverse());
    expect(state?.registeredCount).toBe(3);
    expect(state?.version).toBe(4);
    // More positions have been given than there are people waiting now.
    expect(state?.lastPosition).toBe(7);
  });

  test('a set with a missing row is refused', () => {
    expect(proveRows(rows.slice(1))).toBeNull();
  });

  test('a set with a stale row is refused', () => {
    expect(proveRows([...rows, seated('d')])).toBeNull();
  });

  test('a missing and a stale row together are refused, though the count is right', () => {
    expect(proveRows([...rows.slice(1), seated('d')])).toBeNull();
  });
});
