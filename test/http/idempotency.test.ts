import { evictDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { ScanCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, test } from 'vitest';
import { IDEMPOTENCY_TTL_SECONDS } from '../../src/limits.ts';
import {
  type Answer,
  api,
  newEvent,
  newUsers,
  onDynamo,
  store,
  truth,
  unique,
} from '../support/desk.ts';

const withKey = (key: string) => ({ 'Idempotency-Key': key });
const register = (userId: string, eventId: string, key: string) =>
  api('POST', '/registration/registrations', { userId, eventId }, withKey(key));
const unregister = (userId: string, eventId: string, key: string) =>
  api(
    'DELETE',
    `/registration/registrations?userId=${userId}&eventId=${eventId}`,
    undefined,
    withKey(key),
  );

/** The same status and body, marked as a replay. */
function expectReplay(again: Answer, first: Answer) {
  expect(first.headers.get('idempotency-replayed')).toBeNull();
  expect(again.headers.get('idempotency-replayed')).toBe('true');
  expect(again.status).toBe(first.status);
  expect(again.body).toEqual(first.body);
}

/** Every key record that is stored. */
async function storedKeys() {
  const { Items = [] } = await store.client.send(
    new ScanCommand({
      TableName: store.tables.registrations,
      ConsistentRead: true,
      FilterExpression: 'begins_with(registrationId, :key)',
      ExpressionAttributeValues: { ':key': 'key#' },
    }),
  );
  return Items;
}

describe('the same key with the same request', () => {
  test('of a registration gets the same answer, also from an object that has lost its memory', async () => {
    const eventId = await newEvent(1, true);
    const [a = '', b = ''] = await newUsers(2);
    for (const userId of [a, b]) {
      const key = unique('key');
      const first = await register(userId, eventId, key);
      expect(first.status).toBe(201);
      expectReplay(await register(userId, eventId, key), first);
      await evictDurableObject(env.EVENTS.getByName(eventId));
      expectReplay(await register(userId, eventId, key), first);
    }
    const { registered, line } = await truth(eventId);
    expect([registered, line]).toEqual([[a], [b]]);
  });

  test('never registers a user again who has left since', async () => {
    const eventId = await newEvent(1, true);
    const [a = ''] = await newUsers(1);
    const key = unique('key');
    const first = await register(a, eventId, key);
    const left = await unregister(a, eventId, `${key}-leave`);
    expectReplay(await register(a, eventId, key), first);
    expectReplay(await unregister(a, eventId, `${key}-leave`), left);
    expect((await truth(eventId)).registered).toEqual([]);
  });

  test('of a refusal is refused again, though it would succeed now', async () => {
    const eventId = await newEvent(1, false);
    const [a = '', b = ''] = await newUsers(2);
    await register(a, eventId, unique('key'));
    const key = unique('key');
    const first = await register(b, eventId, key);
    expect(first.body.title).toBe('CapacityError');
    await unregister(a, eventId, unique('key'));
    expectReplay(await register(b, eventId, key), first);
    expect((await register(b, eventId, unique('key'))).status).toBe(201);
  });

  test('of a user, of an event with an id or without, of a cancellation, of leaving the line', async () => {
    const eventId = await newEvent(1, true);
    const [a = '', b = ''] = await newUsers(2);
    await register(a, eventId, unique('key'));
    await register(b, eventId, unique('key'));
    const line = `/registration/waitlist?userId=${b}&eventId=${eventId}`;
    const requests: [string, string, object?][] = [
      ['POST', '/registration/users', { userId: unique('user'), name: 'x' }],
      ['POST', '/registration/users', { userId: a, name: 'taken' }],
      ['POST', '/registration/events', { eventId: unique('event'), name: 'x', capacity: 1 }],
      ['POST', '/registration/events', { name: 'x', capacity: 1 }],
      ['DELETE', line],
      ['DELETE', `/registration/events/${eventId}`],
    ];
    for (const [method, path, body] of requests) {
      const key = unique('key');
      const first = await api(method, path, body, withKey(key));
      expect(first.status).toBeLessThan(410);
      expectReplay(await api(method, path, body, withKey(key)), first);
    }
  });

  test('of a bulk registration is answered row by row as before', async () => {
    const eventId = await newEvent(1, true);
    const [a = '', b = ''] = await newUsers(2);
    const path = `/registration/events/${eventId}/registrations`;
    const key = unique('key');
    const body = { userIds: [a, 'nobody', b] };
    const first = await api('POST', path, body, withKey(key));
    await unregister(a, eventId, unique('key'));
    const again = await api('POST', path, body, withKey(key));
    expect(again.body).toEqual(first.body);
    expect((await truth(eventId)).registered).toEqual([b]);
    const other = await api('POST', path, { userIds: [b, a] }, withKey(key));
    expect(other.status).toBe(422);
  });

  test.for([true, false])('is one request, whatever the call (cold: %s)', async (isCold) => {
    const eventId = await newEvent(9, true);
    const [a = '', b = '', c = ''] = await newUsers(3);
    const path = `/registration/events/${eventId}/registrations`;
    const bulk = (userIds: string[], key: string) => api('POST', path, { userIds }, withKey(key));
    const rest = async () => {
      if (isCold) await evictDurableObject(env.EVENTS.getByName(eventId));
    };
    const [single, many] = [unique('key'), unique('key')];
    await register(a, eventId, single);
    await bulk([b], many);
    await rest();
    // A different request under the key changes nothing.
    for (const answer of [
      await bulk([c], single),
      await bulk([a], single),
      await bulk([c, b], many),
      await register(c, eventId, many),
      await register(b, eventId, many),
      await unregister(b, eventId, many),
    ]) {
      expect(answer.status).toBe(422);
      expect(answer.body.title).toBe('KeyReusedError');
    }
    expect((await truth(eventId)).registered.sort()).toEqual([a, b].sort());
    await rest();
    expect((await bulk([b], many)).headers.get('idempotency-replayed')).toBe('true');
  });

  test('of an interrupted bulk registration carries out what was left undone', async () => {
    const eventId = await newEvent(90, true);
    const users = await newUsers(60);
    const path = `/registration/events/${eventId}/registrations`;
    const key = unique('key');
    let transactions = 0;
    {
      using _ = onDynamo(({ operation, send }) => {
        // The claim and the first rows are carried out.
        if (operation === 'TransactWriteItems' && ++transactions > 2) throw new TypeError('lost');
        return send();
      });
      const first = await api('POST', path, { userIds: users }, withKey(key));
      const done = first.body.results.filter(({ success }: { success: boolean }) => success);
      expect(done.length).toBeGreaterThan(0);
      expect(done.length).toBeLessThan(60);
    }
    const again = await api('POST', path, { userIds: users }, withKey(key));
    expect(again.body.results.every(({ success }: { success: boolean }) => success)).toBe(true);
    expect((await truth(eventId)).registered.sort()).toEqual([...users].sort());
  });

  test('after a lost answer, gets the outcome', async () => {
    const eventId = await newEvent(1, true);
    const [a = ''] = await newUsers(1);
    const key = unique('key');
    {
      using _ = onDynamo(async ({ operation, send }) => {
        const response = await send();
        if (operation === 'TransactWriteItems') throw new TypeError('connection lost');
        return response;
      });
      expect((await register(a, eventId, key)).status).toBe(503);
    }
    const again = await register(a, eventId, key);
    expect(again.status).toBe(201);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(again.body.registration.userId).toBe(a);
  });

  test('at the same time: one is carried out, and the others are refused for now', async () => {
    const eventId = await newEvent(5, true);
    const [a = ''] = await newUsers(1);
    const key = unique('key');
    const answers = await Promise.all([1, 2, 3].map(() => register(a, eventId, key)));
    const [won, ...others] = answers.sort((x, y) => x.status - y.status);
    expect(won?.status).toBe(201);
    for (const { status, body } of others) {
      expect(status).toBe(409);
      expect(body.title).toBe('KeyInFlightError');
    }
    expect((await register(a, eventId, key)).body).toEqual(won?.body);
  });

  test('does not harm other commands in its batch', async () => {
    const eventId = await newEvent(5, true);
    const users = await newUsers(4);
    const key = unique('key');
    const first = await register(users[0] ?? '', eventId, key);
    const answers = await Promise.all([
      register(users[1] ?? '', eventId, unique('key')),
      register(users[0] ?? '', eventId, key),
      register(users[2] ?? '', eventId, unique('key')),
      register(users[3] ?? '', eventId, unique('key')),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
    expectReplay(answers[1] as Answer, first);
    expect((await truth(eventId)).registered.sort()).toEqual([...users].sort());
  });
});

describe('the same key', () => {
  test('with a different request is refused with 422', async () => {
    const eventId = await newEvent(5, true);
    const [a = '', b = ''] = await newUsers(2);
    const key = unique('key');
    await register(a, eventId, key);
    for (const answer of [await register(b, eventId, key), await unregister(a, eventId, key)]) {
      expect(answer.status).toBe(422);
      expect(answer.body.title).toBe('KeyReusedError');
    }
    const userId = unique('user');
    const create = (name: string) =>
      api('POST', '/registration/users', { userId, name }, withKey(key));
    expect((await create('one')).status).toBe(201);
    expect((await create('two')).status).toBe(422);
  });

  test('for another event or user is another key', async () => {
    const [one, two] = [await newEvent(5, true), await newEvent(5, true)];
    const [a = ''] = await newUsers(1);
    const key = unique('key');
    expect((await register(a, one, key)).status).toBe(201);
    const other = await register(a, two, key);
    expect(other.status).toBe(201);
    expect(other.headers.get('idempotency-replayed')).toBeNull();
  });

  test('is new again when it has expired, even before DynamoDB deletes it', async () => {
    const eventId = await newEvent(5, true);
    const [a = ''] = await newUsers(1);
    const key = unique('key');
    const known = new Set((await storedKeys()).map(({ registrationId }) => registrationId));
    await register(a, eventId, key);
    const [record] = (await storedKeys()).filter((item) => !known.has(item.registrationId));
    await store.client.send(
      new UpdateCommand({
        TableName: store.tables.registrations,
        Key: { registrationId: record?.registrationId },
        UpdateExpression: 'SET expiresAt = :past',
        ExpressionAttributeValues: { ':past': Math.floor(Date.now() / 1_000) - 1 },
      }),
    );
    // The object remembers the outcome, which is right until the key expires.
    await evictDurableObject(env.EVENTS.getByName(eventId));
    const again = await register(a, eventId, key);
    expect(again.status).toBe(409);
    expect(again.headers.get('idempotency-replayed')).toBeNull();
  });

  test('is stored for a day, as a hash, and in no index', async () => {
    const eventId = await newEvent(5, true);
    const [a = ''] = await newUsers(1);
    const key = unique('secret');
    const known = new Set((await storedKeys()).map(({ registrationId }) => registrationId));
    await register(a, eventId, key);
    const fresh = (await storedKeys()).filter((item) => !known.has(item.registrationId));
    expect(fresh.length).toBe(1);
    const [record] = fresh;
    expect(Object.keys(record ?? {}).sort()).toEqual([
      'expiresAt',
      'fingerprint',
      'outcome',
      'receipt',
      'registrationId',
    ]);
    expect(JSON.stringify(record)).not.toContain(key);
    const lifetime = (record?.expiresAt as number) - Date.now() / 1_000;
    expect(Math.abs(lifetime - IDEMPOTENCY_TTL_SECONDS)).toBeLessThan(60);
  });

  test('is ignored by PATCH, which has If-Match, and a dry run writes nothing', async () => {
    const eventId = await newEvent(5, true);
    const before = (await storedKeys()).length;
    const path = `/registration/events/${eventId}`;
    const key = unique('key');
    await api('PATCH', `${path}?dryRun=true`, { capacity: 6 }, withKey(key));
    const changed = await api('PATCH', path, { capacity: 7 }, withKey(key));
    expect(changed.body.event.capacity).toBe(7);
    expect((await storedKeys()).length).toBe(before);
  });

  test('has 1 to 255 visible ASCII characters', async () => {
    const eventId = await newEvent(500, true);
    const [a = ''] = await newUsers(1);
    for (const key of ['x', '!~', 'k'.repeat(255)]) {
      expect((await register(a, eventId, key)).status).not.toBe(400);
    }
    for (const key of ['', 'a b', 'k'.repeat(256), 'caf\u00e9']) {
      const { status, body } = await register(a, eventId, key);
      expect(status).toBe(400);
      expect(body.errors[0].path).toBe('Idempotency-Key');
    }
  });
});
