import { describe, expect, test } from 'vitest';
import { hexDigestOf } from '../../src/digest.ts';
import { chainOf } from '../../src/event/log.ts';
import { api, newEvent, newUsers, register, truth, unique, unregister } from '../support/desk.ts';
import { bumpVersion, drop, fault } from '../support/faults.ts';

interface Entry {
  version: number;
  at: string;
  chain: string;
  changes: { type: string; userId?: string; position?: number }[];
}

const logOf = async (eventId: string, query = '') => {
  const path = `/registration/events/${encodeURIComponent(eventId)}/log${query}`;
  return (await api('GET', path)).body as { items: Entry[]; nextCursor: string | null };
};

const typesOf = (items: Entry[]) => items.flatMap(({ changes }) => changes.map(({ type }) => type));

async function expectChained(items: Entry[]) {
  let chain = '';
  for (const entry of items) {
    chain = await chainOf(chain, entry, hexDigestOf);
    expect(entry.chain).toBe(chain);
  }
}

const RECEIPT = 'registration-receipt';

describe('the log of an event', () => {
  test('tells each change in order, chained, and each change has a receipt', async () => {
    const eventId = await newEvent(1, true);
    const [a = '', b = '', c = ''] = await newUsers(3);
    const receipts = [
      (await register(a, eventId)).headers.get(RECEIPT),
      (await register(b, eventId)).headers.get(RECEIPT),
      (await register(c, eventId)).headers.get(RECEIPT),
      (await unregister(a, eventId)).headers.get(RECEIPT),
      (await api('DELETE', `/registration/waitlist?userId=${c}&eventId=${eventId}`)).headers.get(
        RECEIPT,
      ),
      (await api('PATCH', `/registration/events/${eventId}`, { capacity: 5 })).headers.get(RECEIPT),
      (await api('DELETE', `/registration/events/${eventId}`)).headers.get(RECEIPT),
    ];
    const { items, nextCursor } = await logOf(eventId);
    expect(nextCursor).toBeNull();
    expect(typesOf(items)).toEqual([
      'event.created',
      'registration.created',
      'waitlist.joined',
      'waitlist.joined',
      'registration.cancelled',
      'registration.promoted',
      'waitlist.left',
      'event.updated',
      'event.cancelled',
    ]);
    expect(items[4]?.changes.map(({ userId }) => userId)).toEqual([a, b]);
    expect(receipts).toEqual(items.slice(1).map(({ version, chain }) => `${version}.${chain}`));
    await expectChained(items);
  });

  test('has no entry, and gives no receipt, for what changes nothing', async () => {
    const eventId = await newEvent(1, false);
    const [a = '', b = ''] = await newUsers(2);
    await register(a, eventId);
    const refused = await register(b, eventId);
    const dryRun = await api('PATCH', `/registration/events/${eventId}?dryRun=true`, {
      capacity: 9,
    });
    const same = await api('PATCH', `/registration/events/${eventId}`, { capacity: 1 });
    const read = await api('GET', `/registration/events/${eventId}`);
    for (const { headers } of [refused, dryRun, same, read])
      expect(headers.has(RECEIPT)).toBe(false);
    expect(typesOf((await logOf(eventId)).items)).toEqual([
      'event.created',
      'registration.created',
    ]);
  });

  test('says that somebody was seated past the capacity, and not why', async () => {
    const eventId = await newEvent(1, true);
    const [a = '', b = ''] = await newUsers(2);
    await register(a, eventId);
    await register(b, eventId);
    const override = { reason: 'Speaker with a secret' };
    await api('POST', '/registration/registrations', { userId: b, eventId, override });
    const { items } = await logOf(eventId);
    expect(items.at(-1)?.changes).toMatchObject([
      { type: 'waitlist.left', userId: b, position: 1 },
      { type: 'registration.created', userId: b, override: true },
    ]);
    expect(JSON.stringify(items)).not.toContain('secret');
  });

  test('a replay is given the first receipt, from memory and from the table', async () => {
    const eventId = await newEvent(5, false);
    const [a = ''] = await newUsers(1);
    const key = { 'Idempotency-Key': unique('key') };
    const send = () => api('POST', '/registration/registrations', { userId: a, eventId }, key);
    const first = (await send()).headers.get(RECEIPT);
    expect(first).toMatch(/^\d+\.[0-9a-f]{64}$/);
    expect((await send()).headers.get(RECEIPT)).toBe(first);
    // Another writer takes the fence: the object forgets nothing of its keys, so ask a new one.
    await bumpVersion(eventId);
    const again = await send();
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(again.headers.get(RECEIPT)).toBe(first);
  });

  test('each row of a bulk registration has its receipt', async () => {
    const eventId = await newEvent(1, true);
    const [a = '', b = ''] = await newUsers(2);
    const { body, headers } = await api('POST', `/registration/events/${eventId}/registrations`, {
      userIds: [a, b, a, 'nobody at all'],
    });
    const { items } = await logOf(eventId);
    const receipts = items.map(({ version, chain }) => `${version}.${chain}`);
    expect(receipts).toContain(body.results[0].receipt);
    expect(receipts).toContain(body.results[1].receipt);
    expect(headers.get(RECEIPT)).toBe(body.results[1].receipt);
    expect(body.results[2]).not.toHaveProperty('receipt');
  });

  test('a raise of more than one transaction has an entry for each part, in order', async () => {
    const eventId = await newEvent(1, true);
    const users = await newUsers(151);
    await api('POST', `/registration/events/${eventId}/registrations`, { userIds: users });
    const raise = await api('PATCH', `/registration/events/${eventId}`, { capacity: 151 });
    expect(raise.body.promotedCount).toBe(150);
    const { items } = await logOf(eventId);
    await expectChained(items);
    const promotions = items
      .flatMap(({ changes }) => changes)
      .filter(({ type }) => type === 'registration.promoted');
    expect(promotions.map(({ position }) => position)).toEqual(
      Array.from({ length: 150 }, (_, i) => i + 1),
    );
    const first = items.find(({ changes }) => changes.some(({ type }) => type === 'event.updated'));
    expect(raise.headers.get(RECEIPT)).toBe(`${first?.version}.${first?.chain}`);
    await truth(eventId);
  });

  test('is read a page at a time, across versions without an entry', async () => {
    const eventId = await newEvent(300, false);
    const users = await newUsers(6);
    for (const userId of users.slice(0, 3)) await register(userId, eventId);
    // Versions of other writers: more than one read takes.
    for (let i = 0; i < 120; i++) await bumpVersion(eventId);
    for (const userId of users.slice(3)) await register(userId, eventId);
    const all = (await logOf(eventId)).items;
    expect(all).toHaveLength(7);
    await expectChained(all);
    const paged: Entry[] = [];
    let after: string | null = '0';
    let pages = 0;
    while (after !== null) {
      const page = await logOf(eventId, `?after=${after}&limit=2`);
      expect(page.items.length).toBeLessThanOrEqual(2);
      paged.push(...page.items);
      after = page.nextCursor;
      pages++;
    }
    expect(paged).toEqual(all);
    expect(pages).toBeGreaterThanOrEqual(4);
    expect((await logOf(eventId, `?after=${all.at(-1)?.version}`)).items).toEqual([]);
    expect((await logOf(eventId, '?after=999999999')).items).toEqual([]);
  });

  test('after, limit and the event are checked', async () => {
    const eventId = await newEvent(1, false);
    const path = `/registration/events/${eventId}/log`;
    for (const query of ['after=-1', 'after=x', 'after=1.5', 'limit=0', 'limit=1001']) {
      expect((await api('GET', `${path}?${query}`)).status, query).toBe(400);
    }
    expect((await api('GET', '/registration/events/no-such-event/log')).status).toBe(404);
    const { headers } = await api('GET', `${path}?limit=1`);
    expect(headers.get('link')).toBeNull();
  });

  test('the ids of an event are told apart, whatever they have in them', async () => {
    const name = unique('odd');
    const pair = [`${name}`, `${name}#1`];
    for (const eventId of pair) {
      await api('POST', '/registration/events', { eventId, name: 'Odd', capacity: 1 });
    }
    for (const eventId of pair) {
      const { items } = await logOf(eventId);
      expect(typesOf(items)).toEqual(['event.created']);
      await expectChained(items);
    }
  });

  test('an answer that was lost has one entry, and its receipt', async () => {
    const eventId = await newEvent(5, false);
    const [a = ''] = await newUsers(1);
    using _ = fault('TransactWriteItems', 1, async (call) => {
      await call.send();
      return drop();
    });
    const { status, headers } = await register(a, eventId);
    expect(status).toBe(201);
    const { items } = await logOf(eventId);
    expect(typesOf(items)).toEqual(['event.created', 'registration.created']);
    expect(headers.get(RECEIPT)).toBe(`${items[1]?.version}.${items[1]?.chain}`);
  });
});
