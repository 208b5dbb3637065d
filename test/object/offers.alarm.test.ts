import {
  abortAllDurableObjects,
  createScheduledController,
  runDurableObjectAlarm,
  runInDurableObject,
} from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, test, vi } from 'vitest';
import worker from '../../src/index.ts';
import { OFFER_MIN_SECONDS, OVERDUE_MS } from '../../src/limits.ts';
import { api, newEvent, newUsers, register, truth, unregister } from '../support/desk.ts';

/** An event with one seat, and an offer of it to the first of three who waited. */
async function offered() {
  const eventId = await newEvent(1, true);
  const [a = '', b = '', c = '', d = ''] = await newUsers(4);
  for (const userId of [a, b, c, d]) await register(userId, eventId);
  await api('PATCH', `/registration/events/${eventId}`, { offerSeconds: OFFER_MIN_SECONDS });
  const { body } = await unregister(a, eventId);
  expect(body.offered.userId).toBe(b);
  return { eventId, b, c, endsAt: Date.parse(body.offered.expiresAt) };
}

const alarmOf = (eventId: string) =>
  runInDurableObject(env.EVENTS.getByName(eventId), (_, { storage }) => storage.getAlarm());

const WAIT = { timeout: 15_000, interval: 50 };

describe('an offer', () => {
  test('ends at its instant, though nobody asks, and its seat goes to the next', async () => {
    const { eventId, c, endsAt } = await offered();
    expect(await alarmOf(eventId)).toBe(endsAt);
    // Past the service: whoever asks it would end the offer.
    await vi.waitFor(async () => expect((await truth(eventId)).offered).toEqual([c]), WAIT);
    expect(Date.now() - endsAt).toBeGreaterThanOrEqual(0);
    expect(Date.now() - endsAt).toBeLessThan(2_000);
  }, 30_000);

  test('ends in an alarm that goes off early by another clock', async () => {
    const { eventId, c, endsAt } = await offered();
    await new Promise((resolve) => setTimeout(resolve, endsAt - 300 - Date.now()));
    await runDurableObjectAlarm(env.EVENTS.getByName(eventId));
    expect(Date.now()).toBeGreaterThanOrEqual(endsAt);
    expect((await truth(eventId)).offered).toEqual([c]);
  }, 30_000);

  test('ends though the object was gone meanwhile', async () => {
    const { eventId, c } = await offered();
    await abortAllDurableObjects();
    await vi.waitFor(async () => expect((await truth(eventId)).offered).toEqual([c]), WAIT);
  }, 30_000);

  test.for([
    ['with its object', true],
    ['while its object was in memory', false],
  ] as const)('whose alarm was lost %s is ended by the hourly look', async ([, isObjectGone]) => {
    const { eventId, c, endsAt } = await offered();
    expect((await truth(eventId)).item.dueAt).toBe(endsAt);
    await runInDurableObject(env.EVENTS.getByName(eventId), (_, { storage }) =>
      storage.deleteAlarm(),
    );
    if (isObjectGone) await abortAllDurableObjects();
    vi.setSystemTime(endsAt + OVERDUE_MS + 1_000);
    try {
      await worker.scheduled(createScheduledController({ cron: '17 * * * *' }), env);
      const { offered: holders, item } = await truth(eventId);
      expect(holders).toEqual([c]);
      expect(await alarmOf(eventId)).toSatisfy((at) => at !== null && at <= Number(item.dueAt));
    } finally {
      vi.useRealTimers();
    }
  });

  test('that is taken or given up leaves nothing to do', async () => {
    const { eventId, b } = await offered();
    await register(b, eventId);
    expect((await truth(eventId)).item.dueAt).toBeNull();
  });
});
