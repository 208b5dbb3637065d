import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesOf, type Place, Places } from '../../src/event/places.ts';
import { idBits, toUuid } from '../../src/event/uuid.ts';
import { PLACE_BYTES } from '../../src/limits.ts';
import { NOW } from '../support/model.ts';

/** Ids as ours are, and as the seed system may have written them. */
const id = fc
  .tuple(fc.uuid(), fc.constantFrom('ours', 'ours', 'upper', 'plain'))
  .map(([uuid, kind]) => {
    if (kind === 'upper') return uuid.toUpperCase();
    return kind === 'plain' ? uuid.replaceAll('-', '') : uuid;
  });
const createdAt = fc.oneof(
  fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('9999-12-31') }).map((date) => {
    return date.toISOString();
  }),
  fc.constantFrom('2026-01-01T00:00:00Z', '2026-01-01T00:00:00.123456+00:00', '', 'long ago'),
);
const place: fc.Arbitrary<Place> = fc.record(
  {
    id,
    userId: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 4 }),
    order: fc.integer({ min: 0, max: 500 }),
    createdAt,
    overrideReason: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 9 }),
    endsAt: fc.integer({ min: 0, max: 300 }),
  },
  { requiredKeys: ['id', 'userId', 'order', 'createdAt'] },
);

/** The simplest implementation of the same. */
class NaivePlaces {
  rows: Place[] = [];

  get inOrder(): Place[] {
    return [...this.rows].sort((a, b) => a.order - b.order);
  }
}

describe('places in columns', () => {
  test('keep all rows in order, through any additions and removals', () => {
    const rows = fc.uniqueArray(place, {
      maxLength: 300,
      comparator: (a, b) => a.userId === b.userId || idBits(a.id) === idBits(b.id),
    });
    // Each step adds some rows, and removes some.
    const steps = fc.array(
      fc.record({
        joins: fc.integer({ max: 80, min: 0 }),
        leaves: fc.array(fc.nat(), { maxLength: 80 }),
      }),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(rows, steps, fc.integer({ min: -1, max: 501 }), (all, turns, after) => {
        const places = new Places();
        const naive = new NaivePlaces();
        let rest = all;
        for (const { joins, leaves } of turns) {
          for (const row of rest.slice(0, joins)) {
            places.add(row);
            naive.rows.push(row);
          }
          rest = rest.slice(joins);
          for (const leave of leaves) {
            const [row] = naive.rows.splice(leave % Math.max(1, naive.rows.length), 1);
            if (row) expect(places.remove(row.userId, row.id)).toBe(true);
          }
          const expected = naive.inOrder;
          expect([...places.inOrder()]).toEqual(expected);
          expect([...places.inOrder(after)]).toEqual(expected.filter(({ order }) => order > after));
          expect(expected.map(({ userId }) => places.aheadOf(userId))).toEqual(
            expected.map((_, i) => i),
          );
          expect(places.size).toBe(expected.length);
          const ends = expected.flatMap(({ endsAt }) => endsAt ?? []);
          expect(places.firstEnd).toBe(Math.min(...ends));
          const ended = expected.filter(({ endsAt = Number.NaN }) => endsAt <= after);
          expect([...places.endedBy(after)]).toEqual(ended);
          expect(new Set(places.userIds())).toEqual(new Set(expected.map(({ userId }) => userId)));
          expect(places.bytes).toBe(expected.reduce((sum, row) => sum + bytesOf(row), 0));
          expect(places.digest).toBe(expected.reduce((bits, row) => bits ^ idBits(row.id), 0n));
          for (const row of expected) expect(places.get(row.userId)).toEqual(row);
          for (const row of expected.slice(0, 3)) expect(places.whoHas(row.id)).toBe(row.userId);
        }
        const taken = places.takeEnding();
        const isEnding = ({ endsAt }: Place) => endsAt !== undefined;
        expect([...taken.inOrder()]).toEqual(naive.inOrder.filter(isEnding));
        expect([...places.inOrder()]).toEqual(naive.inOrder.filter((row) => !isEnding(row)));
        expect(places.firstEnd).toBe(Number.POSITIVE_INFINITY);
      }),
    );
  });

  test('a row is removed only by its user and its own id', () => {
    const places = new Places();
    const [mine, other] = [crypto.randomUUID(), crypto.randomUUID()];
    places.add({ id: mine, userId: 'a', order: 1, createdAt: NOW });
    expect(places.remove('a', other)).toBe(false);
    expect(places.remove('b', mine)).toBe(false);
    expect(places.digest).toBe(idBits(mine));
    expect(() => places.add({ id: other, userId: 'a', order: 2, createdAt: NOW })).toThrow();
    expect(places.digest).toBe(idBits(mine));
  });

  test('an id can be recovered from its bits', () => {
    fc.assert(
      fc.property(fc.uuid(), (uuid) => {
        expect(toUuid(idBits(uuid))).toBe(uuid);
      }),
    );
    expect(toUuid(1n)).toBe('00000000-0000-0000-0000-000000000001');
  });

  test('a row counts two bytes for each code unit of its texts, and what all rows take', () => {
    expect(bytesOf({ userId: 'ab' })).toBe(PLACE_BYTES + 4);
    expect(bytesOf({ userId: '🎪', overrideReason: 'asked' })).toBe(PLACE_BYTES + 4 + 10);
  });

  test('keeps times as they were written, at the edges of months, days and years too', () => {
    const times = [
      '2024-02-29T00:00:00.000Z',
      '2026-02-28T23:59:59.999Z',
      '2026-02-30T00:00:00.000Z',
    ];
    times.push('2026-01-01T24:00:00.000Z', '2026-12-31T23:59:59.999Z', '2026-13-01T00:00:00.000Z');
    times.push('0000-01-01T00:00:00.000Z', '2026-01-01T00:00:60.000Z', '2026-00-10T00:00:00.000Z');
    for (const createdAt of times) {
      const places = new Places();
      places.add({ id: crypto.randomUUID(), userId: 'a', order: 1, createdAt });
      expect(places.get('a')?.createdAt).toBe(createdAt);
    }
  });
});
