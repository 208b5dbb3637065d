import { expect, test } from 'vitest';
import { type LeftPlace, mergePlaces } from '../../src/store/erasure.ts';

test('of the places that somebody had in an event, the last one counts, in whatever order they are told', () => {
  const inOne = (...statuses: LeftPlace['status'][]) =>
    mergePlaces(statuses.map((status) => ({ eventId: 'e', status })));
  for (const [earlier, later] of [
    ['WAITLISTED', 'OFFERED'],
    ['WAITLISTED', 'ACTIVE'],
    ['OFFERED', 'ACTIVE'],
  ] as const) {
    expect(inOne(earlier, later)).toEqual([{ eventId: 'e', status: later }]);
    expect(inOne(later, earlier)).toEqual([{ eventId: 'e', status: later }]);
  }
  const apart: LeftPlace[] = [
    { eventId: 'e', status: 'OFFERED' },
    { eventId: 'f', status: 'WAITLISTED' },
  ];
  expect(mergePlaces(apart.slice(0, 1), apart.slice(1))).toEqual(apart);
});
