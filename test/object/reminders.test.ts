import { abortAllDurableObjects, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { Webhook } from 'standardwebhooks';
import { describe, expect, test, vi } from 'vitest';
import { OFFER_MIN_SECONDS } from '../../src/limits.ts';
import { api, newEvent, newUsers, register, truth, unregister } from '../support/desk.ts';
import { ENDPOINT_SECRET, hang, OFFER_REMINDER_SECONDS, receive } from '../support/receiver.ts';

const LEAD_MS = Number(OFFER_REMINDER_SECONDS) * 1_000;
const WAIT = { timeout: 20_000, interval: 20 };
type Receiver = ReturnType<typeof receive>;

/** An event with one seat, and an offer of it to the first of two who waited. */
async function offered() {
  const eventId = await newEvent(1, true);
  const [a = '', b = '', c = ''] = await newUsers(3);
  for (const userId of [a, b, c]) await register(userId, eventId);
  await api('PATCH', `/registration/events/${eventId}`, { offerSeconds: OFFER_MIN_SECONDS });
  const { body } = await unregister(a, eventId);
  const endsAt = Date.parse(body.offered.expiresAt);
  return { eventId, b, c, offer: body.offered, remindsAt: endsAt - LEAD_MS, endsAt };
}

const alarmOf = (eventId: string) =>
  runInDurableObject(env.EVENTS.getByName(eventId), (_, { storage }) => storage.getAlarm());

const of = (receiver: Receiver, eventId: string, endpoint = 'all') =>
  receiver.of(eventId, endpoint).filter(({ type }) => type === 'offer.expiring');

/** Until all messages of changes were taken, so that nothing but the reminder is left to do. */
const settled = (eventId: string, dueAt: number) =>
  vi.waitFor(async () => expect((await truth(eventId)).item.dueAt).toBe(dueAt), WAIT);

describe('a reminder', () => {
  test('comes at its time, though nobody asks, to whoever wants it, and not twice', async () => {
    using receiver = receive();
    const { eventId, b, offer, remindsAt } = await offered();
    await settled(eventId, remindsAt);
    expect(await alarmOf(eventId)).toBeLessThanOrEqual(remindsAt);
    await vi.waitFor(() => expect(of(receiver, eventId)).toHaveLength(1), WAIT);
    expect(Date.now() - remindsAt).toBeGreaterThanOrEqual(0);
    expect(Date.now() - remindsAt).toBeLessThan(2_000);
    const [message] = of(receiver, eventId);
    if (!message) throw new Error('there is no message');
    const { logVersion } = (await truth(eventId)).item;
    expect(new Webhook(ENDPOINT_SECRET).verify(message.text, message.headers)).toEqual({
      ...{ type: 'offer.expiring', timestamp: new Date(remindsAt).toISOString() },
      data: {
        ...{ eventId, version: logVersion, index: 1_001, offerId: offer.offerId, userId: b },
        ...{ position: 1, expiresAt: offer.expiresAt },
      },
    });
    await vi.waitFor(
      async () => expect((await truth(eventId)).item.dueAt).toBe(Date.parse(offer.expiresAt)),
      WAIT,
    );
    const types = () => receiver.of(eventId).map(({ type }) => type);
    await vi.waitFor(() => expect(types()).toContain('offer.expired'), WAIT);
    expect(of(receiver, eventId)).toHaveLength(1);
    expect(of(receiver, eventId, 'few')).toEqual([]);
    const { body } = await api('GET', `/registration/events/${eventId}/log`);
    const logged = body.items.flatMap(({ changes }: { changes: { type: string }[] }) => changes);
    expect(JSON.stringify(logged)).not.toContain('offer.expiring');
  }, 40_000);

  test('survives a crash before it was sent, and one before its answer', async () => {
    using receiver = receive();
    const { eventId, remindsAt } = await offered();
    await settled(eventId, remindsAt);
    await abortAllDurableObjects();
    receiver.answer((message, signal) =>
      message.type === 'offer.expiring' ? hang(message, signal) : new Response(),
    );
    await vi.waitFor(() => expect(of(receiver, eventId)).toHaveLength(1), WAIT);
    await abortAllDurableObjects();
    receiver.answer(() => new Response());
    // Whoever asks next has the object loaded; its alarm has gone off already.
    await api('GET', `/registration/events/${eventId}/capacity`);
    await vi.waitFor(() => expect(of(receiver, eventId).length).toBeGreaterThan(1), WAIT);
    const ids = of(receiver, eventId).map(({ headers }) => headers['webhook-id']);
    expect(new Set(ids).size).toBe(1);
  }, 40_000);

  test('is not sent of an offer that was taken, nor again of one that was taken since', async () => {
    using receiver = receive();
    const { eventId, b, remindsAt } = await offered();
    await register(b, eventId);
    const other = await offered();
    receiver.answer(({ type }) =>
      type === 'offer.expiring' ? new Response(null, { status: 500 }) : new Response(),
    );
    await vi.waitFor(() => expect(of(receiver, other.eventId)).toHaveLength(1), WAIT);
    await register(other.b, other.eventId);
    receiver.answer(() => new Response());
    // The next attempt would come after 4 to 6 seconds; nothing is left to do then.
    const openOf = async () => JSON.parse((await truth(other.eventId)).item.outbox ?? '[]')[0].open;
    await vi.waitFor(async () => expect(await openOf()).toEqual([]), WAIT);
    expect(of(receiver, other.eventId)).toHaveLength(1);
    expect(Date.now()).toBeGreaterThan(remindsAt);
    expect(of(receiver, eventId)).toEqual([]);
  }, 40_000);

  test('whose alarm was lost is found by the next load', async () => {
    using receiver = receive();
    const { eventId, remindsAt } = await offered();
    await settled(eventId, remindsAt);
    await runInDurableObject(env.EVENTS.getByName(eventId), (_, { storage }) =>
      storage.deleteAlarm(),
    );
    await abortAllDurableObjects();
    await api('GET', `/registration/events/${eventId}/capacity`);
    expect(await alarmOf(eventId)).toBe(remindsAt);
    await vi.waitFor(() => expect(of(receiver, eventId)).toHaveLength(1), WAIT);
  }, 40_000);

  test('is sent again by a replay, while the offer is open', async () => {
    using receiver = receive();
    const { eventId } = await offered();
    await vi.waitFor(() => expect(of(receiver, eventId)).toHaveLength(1), WAIT);
    const path = `/registration/events/${eventId}/webhooks/all/replay`;
    await vi.waitFor(async () => {
      expect((await api('POST', path, { after: 1_000 })).status).toBe(202);
      expect(of(receiver, eventId).length).toBeGreaterThan(1);
    }, WAIT);
    const ids = of(receiver, eventId).map(({ headers }) => headers['webhook-id']);
    expect(new Set(ids).size).toBe(1);
  }, 40_000);
});
