import { expect, test } from 'vitest';
import { hexDigestOf } from '../../src/digest.ts';
import { Draft } from '../../src/event/draft.ts';
import { EventState } from '../../src/event/state.ts';
import { toTransaction } from '../../src/store/commit.ts';
import { counterIds, eventOf, NOW } from '../support/model.ts';
import { writeUnits } from './write-units.ts';

const TABLES = {
  ...{ users: 'users-table', events: 'registration-events-table' },
  ...{ registrations: 'registrations-table', waitlist: 'waitlist-table' },
};

/** Write units of one transaction with so many registrations, each by its user. */
async function unitsOf(registrations: number, userId: (n: number) => string, logDays: number) {
  const state = new EventState();
  const event = { ...eventOf(1_000), status: 'OPEN' as const, createdAt: NOW };
  state.applyCommit([{ type: 'created', event }], 1);
  const draft = new Draft(state);
  const newId = counterIds();
  for (let n = 1; n <= registrations; n++) {
    const place = { eventId: 'e', status: 'ACTIVE' as const, createdAt: NOW, seq: n };
    const registration = { registrationId: newId(), userId: userId(n), ...place };
    expect(draft.hasRoomFor([{ type: 'registered', registration }], 0)).toBe(true);
    draft.apply([{ type: 'registered', registration }], `user:${userId(n)}`);
  }
  await draft.seal(2, NOW, { hash: hexDigestOf, logDays, endpoints: [] });
  const input = toTransaction(TABLES, 1, draft, 'token');
  return writeUnits('TransactWriteItems', Buffer.from(JSON.stringify(input)));
}

const usual = (n: number) => `person-${String(n).padStart(5, '0')}`;

test('a registration in a full batch is 4 write units and a share of the event and the log', async () => {
  const without = await unitsOf(98, usual, 0);
  const units = await unitsOf(98, usual, 30);
  expect(without).toBe(98 * 4 + 2);
  const share = (units - without) / 98;
  expect(share).toBeGreaterThan(0.2);
  expect(share).toBeLessThanOrEqual(0.35);
});

test('a registration that commits alone is 2 write units more with the log', async () => {
  expect(await unitsOf(1, usual, 0)).toBe(6);
  expect(await unitsOf(1, usual, 30)).toBe(8);
});
