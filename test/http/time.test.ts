import { describe, expect, test } from 'vitest';
import { isReversed } from '../../src/event/model.ts';
import { api, newEvent, newUsers, register, unique } from '../support/desk.ts';

const EVENTS = '/registration/events';
const ENDS = ['registrationOpensAt', 'registrationClosesAt'] as const;

describe('a time', () => {
  test.for([
    ['past the year 9999 in UTC', '9999-12-31T23:59:59-01:00'],
    ['past it by a minute', '9999-12-31T23:59:00-00:01'],
    ['before the year 0000 in UTC', '0000-01-01T00:00:00+01:00'],
    ['before it by a minute', '0000-01-01T00:00:00+00:01'],
    ['of more digits', '+010000-01-01T00:00:00Z'],
    ['before the common era', '-000001-01-01T00:00:00Z'],
    ['that is no day', '2026-02-29T00:00:00Z'],
    ['without an offset', '2026-06-01T09:00:00'],
    ['with an hour too many', '2026-06-01T24:00:00Z'],
    ['in seconds', '1780304400'],
    ['in arbitrary digits', `2026-06-01T09:00:00.${'0'.repeat(30_000)}x`],
  ] as const)('%s is refused, in a new event and in a change', async ([, time]) => {
    const eventId = await newEvent(1, false);
    for (const end of ENDS) {
      for (const answer of [
        await api('POST', EVENTS, { name: 'x', capacity: 1, [end]: time }),
        await api('PATCH', `${EVENTS}/${eventId}`, { [end]: time }),
      ]) {
        expect([answer.status, answer.body.errors?.length, answer.body.errors?.[0].path]).toEqual([
          400,
          1,
          end,
        ]);
      }
    }
  });

  test.for([
    ['0000-01-01T00:00:00Z', '0000-01-01T00:00:00.000Z'],
    ['0000-01-01T01:00:00+01:00', '0000-01-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
    ['9999-12-31T22:59:59.999-01:00', '9999-12-31T23:59:59.999Z'],
    ['2026-06-01T09:00:00+14:00', '2026-05-31T19:00:00.000Z'],
    ['2024-02-29T23:59:59.9999999Z', '2024-02-29T23:59:59.999Z'],
    [`2026-06-01T09:00:00.5${'0'.repeat(30_000)}Z`, '2026-06-01T09:00:00.500Z'],
  ] as const)(
    'is kept in UTC, with four digits for the year and three for the rest',
    async ([given, kept]) => {
      for (const end of ENDS) {
        const { status, body } = await api('POST', EVENTS, {
          name: 'x',
          capacity: 1,
          [end]: given,
        });
        expect([status, body[end]]).toEqual([201, kept]);
      }
    },
  );

  test('at either end of the range opens and closes registration correctly', async () => {
    const [userId = ''] = await newUsers(1);
    const ask = async (window: object) => {
      const eventId = unique('event');
      await api('POST', EVENTS, { eventId, name: 'x', capacity: 1, ...window });
      return (await register(userId, eventId)).status;
    };
    expect(await ask({ registrationClosesAt: '9999-12-31T22:59:59-01:00' })).toBe(201);
    expect(await ask({ registrationOpensAt: '9999-12-31T22:59:59-01:00' })).toBe(400);
    expect(await ask({ registrationOpensAt: '0000-01-01T01:00:00+01:00' })).toBe(201);
    expect(await ask({ registrationClosesAt: '0000-01-01T01:00:00+01:00' })).toBe(400);
  });

  test('the two ends of a window are compared as instants, in any notation', () => {
    const window = (from: string, to: string) =>
      isReversed({ registrationOpensAt: from, registrationClosesAt: to });
    expect(window('2026-06-01T09:00:00.500Z', '2026-06-01T09:00:00Z')).toBe(true);
    expect(window('2026-06-01T09:00:00Z', '2026-06-01T09:00:00.500Z')).toBe(false);
    expect(window('2026-06-01T09:00:00Z', '2026-06-01T09:00:00.000Z')).toBe(true);
    expect(window('2026-06-01T09:00:00Z', '+010000-01-01T00:59:59.000Z')).toBe(false);
    expect(window('2026-06-01T12:00:00+02:00', '2026-06-01T11:00:00Z')).toBe(false);
  });
});
