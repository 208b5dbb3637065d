import { evictDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import {
  DeleteCommand,
  GetCommand,
  PutCommand,
  ScanCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { describe, expect, test } from 'vitest';
import { ERASURE_MAX_LISTED, ERASURE_WAIT_MS } from '../../src/limits.ts';
import {
  api,
  capacityOf,
  movedClock,
  newEvent,
  newUsers,
  onDynamo,
  register,
  store,
  truth,
  unique,
  unregister,
} from '../support/desk.ts';
import { drop, fault, refusal } from '../support/faults.ts';

const USERS = '/registration/users';
const of = (userId: string) => `${USERS}/${encodeURIComponent(userId)}`;
const erase = (userId: string) => api('DELETE', of(userId));

/** A user as the service creates them. */
async function newUser(name = 'Ada Lovelace'): Promise<string> {
  const userId = unique('ada');
  expect((await api('POST', USERS, { userId, name })).status).toBe(201);
  return userId;
}

/** An event that is full, with one more who waits; the first has the seat. */
async function full(...userIds: string[]) {
  const eventId = await newEvent(1, true);
  for (const userId of userIds) expect((await register(userId, eventId)).status).toBe(201);
  return eventId;
}

/** An event that offers its only seat to the first of these; the others wait. */
async function offering(...userIds: string[]) {
  const [before = ''] = await newUsers(1);
  const eventId = await full(before, ...userIds);
  const patched = await api('PATCH', `/registration/events/${eventId}`, { offerSeconds: 3_600 });
  expect(patched.status).toBe(200);
  const { body } = await unregister(before, eventId);
  expect(body.offered.userId).toBe(userIds[0]);
  return { eventId, offer: body.offered };
}

/** Lets the time pass after which an erasure can be finished. */
const passTime = (userId: string) =>
  store.client.send(
    new UpdateCommand({
      TableName: store.tables.users,
      Key: { userId },
      UpdateExpression: 'SET erasedAt = :at',
      ConditionExpression: 'attribute_exists(erasedAt)',
      ExpressionAttributeValues: { ':at': new Date(Date.now() - ERASURE_WAIT_MS).toISOString() },
    }),
  );

/** Erases a user to the end. */
async function eraseWholly(userId: string) {
  expect((await erase(userId)).status).toBe(202);
  await passTime(userId);
  return erase(userId);
}

type Row = Record<string, unknown>;

/** All items of all tables that have a text somewhere, past the service. */
async function itemsWith(text: string): Promise<Row[]> {
  const found: Row[] = [];
  for (const TableName of Object.values(store.tables)) {
    let ExclusiveStartKey: Row | undefined;
    do {
      const page = await store.client.send(
        new ScanCommand({ TableName, ConsistentRead: true, ExclusiveStartKey }),
      );
      found.push(...(page.Items ?? []).filter((item) => JSON.stringify(item).includes(text)));
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey);
  }
  return found;
}

const isLog = ({ registrationId }: Row) => String(registrationId).startsWith('log#');
const isKey = ({ registrationId }: Row) => String(registrationId).startsWith('key#');

const rowOf = async (userId: string) =>
  (
    await store.client.send(
      new GetCommand({ TableName: store.tables.users, Key: { userId }, ConsistentRead: true }),
    )
  ).Item;

/** The index of a table by user answers as it did before, for so many queries. */
function lagging(table: string, pages: string[]) {
  return onDynamo(async ({ operation, request, send }) => {
    if (operation !== 'Query' || pages.length === 0) return send();
    const { TableName, IndexName } = (await request.clone().json()) as Record<string, string>;
    if (TableName !== table || IndexName !== 'UserIdIndex') return send();
    return new Response(pages.shift());
  });
}

const NOTHING = JSON.stringify({ Items: [], Count: 0, ScannedCount: 0 });

describe('another name', () => {
  test('is answered, read and listed from then on; the rest stays', async () => {
    const userId = await newUser();
    const before = (await api('GET', of(userId))).body;
    const eventId = await full(userId);
    const renamed = await api('PATCH', of(userId), { name: ' Countess of Lovelace ' });
    expect(renamed.status).toBe(200);
    expect(renamed.body).toEqual({ ...before, name: 'Countess of Lovelace' });
    expect((await api('GET', of(userId))).body).toEqual(renamed.body);
    const list = await api('GET', `/registration/events/${eventId}/registrations`);
    expect(list.body.items[0].name).toBe('Countess of Lovelace');
  });

  test('is refused for nobody, when it is none, and with anything beside it', async () => {
    const userId = await newUser();
    expect((await api('PATCH', of(unique('nobody')), { name: 'x' })).status).toBe(404);
    for (const body of [{}, { name: ' ' }, { name: 'x'.repeat(201) }, { name: 'x', userId: 'y' }]) {
      expect((await api('PATCH', of(userId), body)).status).toBe(400);
    }
    expect((await api('GET', of(userId))).body.name).toBe('Ada Lovelace');
  });

  test('stands when the answer to it was lost, and a late copy of it changes nothing', async () => {
    const userId = await newUser();
    const late: (() => Promise<Response>)[] = [];
    {
      using _ = fault('TransactWriteItems', 1, async ({ request, send }) => {
        const copy = (await request.clone().json()) as object;
        late.push(() => send(copy));
        return drop();
      });
      expect((await api('PATCH', of(userId), { name: 'First' })).status).toBe(200);
    }
    expect((await api('PATCH', of(userId), { name: 'Second' })).status).toBe(200);
    await late[0]?.();
    expect((await api('GET', of(userId))).body.name).toBe('Second');
  });
});

describe('the places of a user', () => {
  const placesOf = async (userId: string, query = '') =>
    (await api('GET', `${of(userId)}/places${query}`)).body;

  test('are seats and places in line, oldest first, with their events', async () => {
    const [userId = '', other = ''] = await newUsers(2);
    const first = await full(other, userId);
    const second = await full(userId);
    const { items, nextCursor } = await placesOf(userId);
    expect(nextCursor).toBeNull();
    expect(items).toEqual([
      {
        status: 'WAITLISTED',
        event: (await api('GET', `/registration/events/${first}`)).body,
        registration: null,
        waitlistEntry: expect.objectContaining({ userId, eventId: first, position: 1 }),
        offer: null,
      },
      {
        status: 'ACTIVE',
        event: (await api('GET', `/registration/events/${second}`)).body,
        registration: expect.objectContaining({ userId, eventId: second, status: 'ACTIVE' }),
        waitlistEntry: null,
        offer: null,
      },
    ]);
    expect(Object.keys(items[1].registration)).not.toContain('seq');
    await unregister(other, first);
    const statuses = (await placesOf(userId)).items.map((each: Row) => each.status);
    expect(statuses).toEqual(['ACTIVE', 'ACTIVE']);
  });

  test('are offers too, until they are over, though their events have not ended them', async () => {
    const [userId = ''] = await newUsers(1);
    const { eventId, offer } = await offering(userId);
    const event = (await api('GET', `/registration/events/${eventId}`)).body;
    expect((await placesOf(userId)).items).toEqual([
      { status: 'OFFERED', event, registration: null, offer, waitlistEntry: null },
    ]);
    expect((await api('GET', `${of(userId)}/events`)).body).toEqual([]);
    // The line ends a moment before the offer would: that is when the offer is shown to end.
    const promotesUntil = new Date(Date.parse(offer.expiresAt) - 1).toISOString();
    await api('PATCH', `/registration/events/${eventId}`, { promotesUntil });
    expect((await placesOf(userId)).items[0].offer.expiresAt).toBe(promotesUntil);
    {
      using clock = movedClock();
      clock.late = Date.parse(promotesUntil) - Date.now() - 1_000;
      expect((await placesOf(userId)).items).toHaveLength(1);
      clock.late += 1_000;
      expect((await placesOf(userId)).items).toEqual([]);
    }
    expect((await register(userId, eventId)).body.registration.userId).toBe(userId);
    expect((await placesOf(userId)).items.map((each: Row) => each.status)).toEqual(['ACTIVE']);
  });

  test('are none for a user without one, and 404 for nobody', async () => {
    const [userId = ''] = await newUsers(1);
    expect(await placesOf(userId)).toEqual({ items: [], nextCursor: null });
    expect((await api('GET', `${of(unique('nobody'))}/places`)).status).toBe(404);
  });

  test('come in pages, each place once, with a cursor of this list and user alone', async () => {
    const [userId = '', other = ''] = await newUsers(2);
    const events: string[] = [];
    for (let i = 0; i < 5; i++) events.push(await full(...(i % 2 ? [other, userId] : [userId])));
    const seen: string[] = [];
    let cursor: string | null = null;
    let pages = 0;
    do {
      const query = cursor === null ? '?limit=2' : `?limit=2&cursor=${cursor}`;
      const page: { items: { event: { eventId: string } }[]; nextCursor: string | null } =
        await placesOf(userId, query);
      seen.push(...page.items.map(({ event }) => event.eventId));
      cursor = page.nextCursor;
      pages++;
    } while (cursor !== null);
    expect(seen).toEqual(events);
    expect(pages).toBe(3);
    const { nextCursor } = await placesOf(userId, '?limit=2');
    for (const path of [`${of(other)}/places`, `${of(userId)}/events`]) {
      expect((await api('GET', `${path}?cursor=${nextCursor}`)).status).toBe(400);
    }
  });

  test('never have one that was given up, though both indexes still show it', async () => {
    const [userId = '', other = ''] = await newUsers(2);
    const waits = await full(other, userId);
    const sits = await full(userId);
    const pages: Record<string, string> = {};
    {
      using _ = onDynamo(async ({ operation, request, send }) => {
        if (operation !== 'Query') return send();
        const { TableName = '' } = (await request.clone().json()) as { TableName?: string };
        const response = await send();
        pages[TableName] = await response.clone().text();
        return response;
      });
      expect((await placesOf(userId)).items.length).toBe(2);
    }
    await api('DELETE', `/registration/waitlist?userId=${userId}&eventId=${waits}`);
    await unregister(userId, sits);
    using _ = onDynamo(async ({ operation, request, send }) => {
      if (operation !== 'Query') return send();
      const { TableName = '' } = (await request.clone().json()) as { TableName?: string };
      return new Response(pages[TableName]);
    });
    expect((await placesOf(userId)).items).toEqual([]);
  });
});

describe('an export', () => {
  test('has the user, their places with reasons, and what the logs have of them; nobody else', async () => {
    const [other = ''] = await newUsers(1);
    const userId = await newUser();
    const waits = await full(other, userId);
    const sits = await full(other);
    const override = { reason: 'Speaker' };
    await api('POST', '/registration/registrations', { userId, eventId: sits, override });
    const gone = await full(userId);
    await unregister(userId, gone);
    await api('DELETE', `/registration/waitlist?userId=${userId}&eventId=${waits}`);
    await register(userId, waits);
    const { status, headers, body } = await api('GET', `${of(userId)}/export`);
    expect(status).toBe(200);
    expect(headers.get('content-disposition')).toContain('attachment');
    expect(body.user).toEqual((await api('GET', of(userId))).body);
    expect(body.places.isWhole).toBe(true);
    expect(body.places.items.map((each: Row) => each.status)).toEqual(['ACTIVE', 'WAITLISTED']);
    expect(body.places.items[0].registration.overrideReason).toBe('Speaker');
    const told = body.log.items.map(({ eventId, change }: { eventId: string; change: Row }) => [
      eventId,
      change.type,
    ]);
    expect(told).toEqual([
      [sits, 'registration.created'],
      [waits, 'waitlist.joined'],
      [waits, 'waitlist.left'],
      [waits, 'waitlist.joined'],
    ]);
    expect(body.log.items.every((each: Row) => each.isAbout && !each.isBy)).toBe(true);
    expect(body.log.unread).toEqual([]);
    expect(JSON.stringify(body)).not.toContain(other);
    // Said rather than left out: what cannot be found by person.
    expect(JSON.stringify(body)).not.toContain(gone);
    expect(body.notes.join(' ')).toMatch(/30 days.*24 hours.*Back-ups/);
  });

  test('has offers, and when they were made', async () => {
    const [userId = '', other = ''] = await newUsers(2);
    const { eventId, offer } = await offering(userId, other);
    const { body } = await api('GET', `${of(userId)}/export`);
    expect(body.places.items).toMatchObject([{ status: 'OFFERED', offer }]);
    expect(body.log.items).toMatchObject([
      { eventId, isAbout: true, change: { type: 'waitlist.joined', userId } },
      { eventId, isAbout: true, change: { type: 'offer.made', userId, offerId: offer.offerId } },
    ]);
    expect(JSON.stringify(body)).not.toContain(other);
  });

  test('is 404 for nobody', async () => {
    expect((await api('GET', `${of(unique('nobody'))}/export`)).status).toBe(404);
  });
});

describe('an erasure', () => {
  test('gives up all places, promotes who waits, and takes the name at once', async () => {
    const userId = await newUser('A name to be forgotten');
    const [first = '', next = ''] = await newUsers(2);
    const sits = await full(userId, next);
    const waits = await full(first, userId);
    const begun = Date.now();
    const { status, body } = await erase(userId);
    expect(status).toBe(202);
    expect(body.status).toBe('ERASING');
    expect(body.left).toEqual(
      expect.arrayContaining([
        { eventId: sits, status: 'ACTIVE' },
        { eventId: waits, status: 'WAITLISTED' },
      ]),
    );
    expect(body.left.length).toBe(2);
    expect(Date.parse(body.finishAfter) - begun).toBeGreaterThan(ERASURE_WAIT_MS - 1_000);
    expect(Date.parse(body.finishAfter) - Date.now()).toBeLessThanOrEqual(60_000);
    expect(await truth(sits)).toMatchObject({ registered: [next], line: [] });
    expect(await truth(waits)).toMatchObject({ registered: [first], line: [] });
    expect(await itemsWith('A name to be forgotten')).toEqual([]);
  });

  test('declines offers: they go to the next, and nothing is left', async () => {
    const userId = await newUser();
    const [next = ''] = await newUsers(1);
    const { eventId, offer } = await offering(userId, next);
    const { status, body } = await erase(userId);
    expect([status, body.left]).toEqual([202, [{ eventId, status: 'OFFERED' }]]);
    expect(await truth(eventId)).toMatchObject({ registered: [], offered: [next], line: [] });
    const { items } = (await api('GET', `/registration/events/${eventId}/log`)).body;
    expect(items.at(-1).changes).toMatchObject([
      { type: 'offer.declined', userId, offerId: offer.offerId },
      { type: 'offer.made', userId: next },
    ]);
    await passTime(userId);
    expect((await erase(userId)).body).toEqual({
      status: 'ERASED',
      left: [{ eventId, status: 'OFFERED' }],
    });
    expect((await itemsWith(userId)).filter((item) => !isLog(item))).toEqual([]);
  });

  test('takes with its second look an offer that was made of an entry, and says what it was last', async () => {
    const userId = await newUser();
    const [first = ''] = await newUsers(1);
    const eventId = await full(first, userId);
    await api('PATCH', `/registration/events/${eventId}`, { offerSeconds: 3_600 });
    {
      // The first look is shown nothing: the entry becomes an offer meanwhile.
      using _ = lagging(store.tables.waitlist, [NOTHING, NOTHING]);
      expect((await erase(userId)).body.left).toEqual([]);
    }
    await unregister(first, eventId);
    expect(await truth(eventId)).toMatchObject({ offered: [userId], line: [] });
    await passTime(userId);
    const { status, body } = await erase(userId);
    expect([status, body.left]).toEqual([200, [{ eventId, status: 'OFFERED' }]]);
    expect(await truth(eventId)).toMatchObject({ registered: [], offered: [], line: [] });
  });

  test('leaves nobody to be found from the first answer on, and nobody who can register', async () => {
    const userId = await newUser();
    const eventId = await newEvent(5, true);
    const other = await full(userId);
    await erase(userId);
    for (const path of ['', '/events', '/places', '/export']) {
      expect((await api('GET', `${of(userId)}${path}`)).status, path).toBe(404);
    }
    expect((await api('PATCH', of(userId), { name: 'Again' })).status).toBe(404);
    expect((await register(userId, eventId)).status).toBe(404);
    expect((await register(userId, other)).status).toBe(404);
    const override = { reason: 'Speaker' };
    const seated = await api('POST', '/registration/registrations', { userId, eventId, override });
    expect(seated.status).toBe(404);
    const bulk = await api('POST', `/registration/events/${eventId}/registrations`, {
      userIds: [userId],
    });
    expect(bulk.body.results[0].problem.status).toBe(404);
    const query = `?userId=${userId}&eventId=${eventId}`;
    expect((await api('GET', `/registration/registrations${query}`)).status).toBe(404);
    expect((await unregister(userId, other)).status).toBe(404);
    const again = await api('POST', USERS, { userId, name: 'Somebody else' });
    expect([again.status, again.body.title]).toEqual([409, 'DuplicateError']);
    expect((await rowOf(userId))?.name).toBeUndefined();
    expect((await capacityOf(eventId)).body.registeredCount).toBe(0);
  });

  test('is the same while it is not over, and says where the places were', async () => {
    const userId = await newUser();
    const eventId = await full(userId);
    const first = await erase(userId);
    const again = await erase(userId);
    expect(again.status).toBe(202);
    expect(again.body).toEqual(first.body);
    expect(again.body.left).toEqual([{ eventId, status: 'ACTIVE' }]);
  });

  test('is over by the same call after finishAfter; the id is free, and a new user is new', async () => {
    const userId = await newUser();
    const eventId = await full(userId);
    const { status, body } = await eraseWholly(userId);
    expect(status).toBe(200);
    expect(body).toEqual({ status: 'ERASED', left: [{ eventId, status: 'ACTIVE' }] });
    expect(await rowOf(userId)).toBeUndefined();
    expect((await erase(userId)).status).toBe(404);
    const created = await api('POST', USERS, { userId, name: 'Somebody else' });
    expect(created.status).toBe(201);
    expect((await api('GET', `${of(userId)}/places`)).body.items).toEqual([]);
    expect((await register(userId, eventId)).status).toBe(201);
  });

  test('leaves the id in entries of logs alone, looked for in all tables', async () => {
    const userId = await newUser();
    const [other = ''] = await newUsers(1);
    await full(userId, other);
    await full(other, userId);
    const cancelled = await full(userId);
    await api('DELETE', `/registration/events/${cancelled}`);
    const past = await full(userId);
    const over = { registrationClosesAt: '2020-01-01T00:00:00Z', status: 'CLOSED' };
    expect((await api('PATCH', `/registration/events/${past}`, over)).status).toBe(200);
    const { body } = await eraseWholly(userId);
    expect(body.left.length).toBe(4);
    const items = await itemsWith(userId);
    expect(items.length).toBeGreaterThan(0);
    expect(items.filter((item) => !isLog(item))).toEqual([]);
    for (const item of items) expect(Number(item.expiresAt)).toBeGreaterThan(Date.now() / 1_000);
    expect((await truth(past)).registered).toEqual([]);
  });

  test('leaves id and name in no outcome of a key, whatever was asked with one', async () => {
    const userId = unique('ada');
    const name = unique('A name');
    const [other = '', next = ''] = await newUsers(2);
    const places = '/registration/registrations';
    const about = (who: string, eventId: string) => `?userId=${who}&eventId=${eventId}`;
    const asked: [method: string, path: string, body: object | undefined, key: string][] = [];
    const answers: Row[] = [];
    /** Sends a request with a key of its own. */
    const keyed = async (method: string, path: string, body?: object) => {
      const key = unique('key');
      asked.push([method, path, body, key]);
      const answer = await api(method, path, body, { 'Idempotency-Key': key });
      answers.push(answer.body);
      return answer;
    };
    await keyed('POST', USERS, { userId, name });
    await keyed('POST', USERS, { userId, name: `Another ${name}` });
    const [sits, lined, given, offered, many, seated] = await Promise.all([
      newEvent(1, true),
      newEvent(1, true),
      newEvent(1, true),
      newEvent(1, true),
      newEvent(5, true),
      newEvent(1, true),
    ]);
    // A seat, a refusal, and leaving it to somebody else.
    await keyed('POST', places, { userId, eventId: sits });
    await keyed('POST', places, { userId, eventId: sits });
    await register(next, sits);
    const left = await keyed('DELETE', `${places}${about(userId, sits)}`);
    expect(left.body.promoted.userId).toBe(next);
    // A place in line, and leaving it.
    for (const eventId of [lined, given, offered]) await register(other, eventId);
    for (const eventId of [lined, given, offered]) await keyed('POST', places, { userId, eventId });
    await keyed('DELETE', `/registration/waitlist${about(userId, lined)}`);
    // Seats of somebody else that they get, and are offered and decline.
    const promoted = await keyed('DELETE', `${places}${about(other, given)}`);
    expect(promoted.body.promoted.userId).toBe(userId);
    await api('PATCH', `/registration/events/${offered}`, { offerSeconds: 600 });
    const made = await keyed('DELETE', `${places}${about(other, offered)}`);
    expect(made.body.offered.userId).toBe(userId);
    await keyed('DELETE', `/registration/waitlist${about(userId, offered)}`);
    // Many at once, and an override with a reason that names them, which they leave.
    await keyed('POST', `/registration/events/${many}/registrations`, {
      userIds: [other, userId, next],
    });
    const override = { reason: `It is ${name}` };
    await keyed('POST', places, { userId, eventId: seated, override });
    await keyed('DELETE', `${places}${about(userId, seated)}`);

    const inKeys = async () =>
      [...(await itemsWith(userId)), ...(await itemsWith(name))].filter(isKey);
    expect(await inKeys()).toEqual([]);
    for (const isCold of [false, true]) {
      if (isCold) {
        const events = [sits, lined, given, offered, many, seated];
        for (const id of events) await evictDurableObject(env.EVENTS.getByName(id));
      }
      for (const [i, [method, path, body, key]] of asked.entries()) {
        const again = await api(method, path, body, { 'Idempotency-Key': key });
        expect(JSON.stringify(again.body), `${method} ${path}`).toBe(JSON.stringify(answers[i]));
        expect(again.headers.get('Idempotency-Replayed'), `${method} ${path}`).toBe('true');
      }
    }
    const { body } = await eraseWholly(userId);
    expect(body.status).toBe('ERASED');
    expect(await itemsWith(name)).toEqual([]);
    expect((await itemsWith(userId)).filter((item) => !isLog(item))).toEqual([]);
    // Who got the seat is read from the log, which keeps the id for as long as it is kept.
    const [, path, , key] = asked.find(([, each]) => each.endsWith(about(other, given))) ?? [];
    const told = await api('DELETE', path ?? '', undefined, { 'Idempotency-Key': key ?? '' });
    expect(told.body).toEqual(promoted.body);
  });

  test('breaks no repetition of a request whose outcome names others, as an earlier release kept it', async () => {
    const [other = '', next = ''] = await newUsers(2);
    const eventId = await full(other, next);
    const key = unique('key');
    const path = `/registration/registrations?userId=${other}&eventId=${eventId}`;
    const first = await api('DELETE', path, undefined, { 'Idempotency-Key': key });
    const [{ registrationId = '' } = {}] = (
      await itemsWith(first.body.promoted.registrationId)
    ).filter(isKey);
    const { promoted } = first.body;
    const outcome = {
      type: 'unregistered',
      registration: { ...promoted, userId: other },
      promoted,
    };
    await store.client.send(
      new UpdateCommand({
        TableName: store.tables.registrations,
        Key: { registrationId },
        UpdateExpression: 'SET outcome = :outcome',
        ExpressionAttributeValues: { ':outcome': JSON.stringify(outcome) },
      }),
    );
    await evictDurableObject(env.EVENTS.getByName(eventId));
    const again = await api('DELETE', path, undefined, { 'Idempotency-Key': key });
    expect([again.status, again.body]).toEqual([200, first.body]);
  });

  test('is told by the log and so by webhooks, place by place', async () => {
    const userId = await newUser();
    const [other = ''] = await newUsers(1);
    const eventId = await full(userId, other);
    await erase(userId);
    const { items } = (await api('GET', `/registration/events/${eventId}/log`)).body;
    expect(items.at(-1).changes).toMatchObject([
      { type: 'registration.cancelled', userId },
      { type: 'registration.promoted', userId: other },
    ]);
  });

  test('is 404 for nobody', async () => {
    expect((await erase(unique('nobody'))).status).toBe(404);
  });

  test('takes what stands under an id that is no user any more: of the seed system, or left behind', async () => {
    const [userId = ''] = await newUsers(1);
    const eventId = await full(userId);
    await store.client.send(new DeleteCommand({ TableName: store.tables.users, Key: { userId } }));
    const { status, body } = await erase(userId);
    expect([status, body]).toEqual([
      200,
      { status: 'ERASED', left: [{ eventId, status: 'ACTIVE' }] },
    ]);
    expect((await truth(eventId)).registered).toEqual([]);
    expect((await erase(userId)).status).toBe(404);
  });

  test('deletes rows of events that do not exist, and of no others', async () => {
    const userId = await newUser();
    const createdAt = new Date().toISOString();
    const eventId = unique('gone');
    const seat = {
      registrationId: crypto.randomUUID(),
      userId,
      eventId,
      status: 'ACTIVE',
      createdAt,
    };
    const other = unique('gone');
    const entry = { entryId: crypto.randomUUID(), userId, eventId: other, position: 1, createdAt };
    const { registrations, waitlist } = store.tables;
    await store.client.send(new PutCommand({ TableName: registrations, Item: seat }));
    await store.client.send(new PutCommand({ TableName: waitlist, Item: entry }));
    const { body } = await erase(userId);
    expect(body.left).toEqual(
      expect.arrayContaining([
        { eventId, status: 'ACTIVE' },
        { eventId: other, status: 'WAITLISTED' },
      ]),
    );
    expect((await itemsWith(userId)).map((item) => Object.keys(item))).toEqual([
      expect.arrayContaining(['erasedAt']),
    ]);
  });
});

describe('an erasure that is cut short', () => {
  /** Where it is cut: by the number of the call to DynamoDB that fails for good. */
  async function cutAt(userId: string, n: number) {
    let calls = 0;
    let isCut = false;
    using _ = onDynamo(async ({ send }) => {
      if (isCut || ++calls === n) {
        isCut = true;
        return refusal(400, 'AccessDeniedException');
      }
      return send();
    });
    const { status } = await erase(userId);
    return { status, isCut };
  }

  test('anywhere goes on with the next call', async () => {
    const [other = ''] = await newUsers(1);
    for (let n = 1; ; n++) {
      const userId = await newUser();
      const events = [await full(userId, other), await full(other, userId)];
      const { status, isCut } = await cutAt(userId, n);
      expect(status).toBe(isCut ? 503 : 202);
      const { body } = await erase(userId);
      expect(body.status, `cut at call ${n}`).toBe('ERASING');
      const left = body.left.map(({ eventId }: { eventId: string }) => eventId);
      expect(left.sort(), `cut at call ${n}`).toEqual([...events].sort());
      for (const eventId of events) expect((await truth(eventId)).registered).toEqual([other]);
      if (!isCut) return expect(n).toBeGreaterThan(8);
    }
  }, 60_000);

  test('anywhere at its end, ends with the next call', async () => {
    const userId = await newUser();
    const [other = ''] = await newUsers(1);
    const events = [await full(userId, other), await full(other, userId)];
    {
      using _ = lagging(store.tables.registrations, [NOTHING, NOTHING]);
      using __ = lagging(store.tables.waitlist, [NOTHING, NOTHING]);
      await erase(userId);
    }
    await passTime(userId);
    let cuts = 0;
    while ((await cutAt(userId, cuts + 1)).isCut) cuts++;
    expect(cuts).toBeGreaterThan(3);
    expect((await itemsWith(userId)).filter((item) => !isLog(item))).toEqual([]);
    for (const eventId of events) expect((await truth(eventId)).registered).toEqual([other]);
  }, 60_000);

  test('because one event cannot be reached gives up all others, and says which', async () => {
    const userId = await newUser();
    const fine = await full(userId);
    const eventId = unique('old');
    const item = { eventId, name: 'x', capacity: 1, hasWaitlist: true };
    const seat = { registrationId: crypto.randomUUID(), userId, eventId, status: 'ACTIVE' };
    const createdAt = new Date().toISOString();
    await store.client.send(
      new PutCommand({ TableName: store.tables.events, Item: { ...item, createdAt } }),
    );
    await store.client.send(
      new PutCommand({ TableName: store.tables.registrations, Item: { ...seat, createdAt } }),
    );
    const { status, body } = await erase(userId);
    expect(status).toBe(503);
    expect(body.detail).toContain(eventId);
    expect(body.detail).toContain('npm run adopt');
    expect((await truth(fine)).registered).toEqual([]);
    expect((await api('GET', of(userId))).status).toBe(404);
    await passTime(userId);
    expect((await erase(userId)).status).toBe(503);
    // Nothing is freed before nothing is left.
    expect(await rowOf(userId)).toBeDefined();
  });

  test('lists some of very many places, and gives up all of them', async () => {
    const userId = await newUser();
    const eventId = await full(userId);
    const others = Array.from({ length: ERASURE_MAX_LISTED }, (_, i) => `${i}${'🎉'.repeat(97)}`);
    const texts = others.map((each) => JSON.stringify([each, 'ACTIVE']));
    await store.client.send(
      new UpdateCommand({
        TableName: store.tables.users,
        Key: { userId },
        UpdateExpression: 'SET erasedAt = :at, #left = :left REMOVE #name, createdAt',
        ExpressionAttributeNames: { '#left': 'left', '#name': 'name' },
        ExpressionAttributeValues: { ':at': new Date().toISOString(), ':left': new Set(texts) },
      }),
    );
    const { status, body } = await erase(userId);
    expect([status, body.left.length]).toEqual([202, ERASURE_MAX_LISTED]);
    expect((await truth(eventId)).registered).toEqual([]);
    await passTime(userId);
    expect((await erase(userId)).body.left.length).toBe(ERASURE_MAX_LISTED);
  });
});

describe('an erasure and an index that is behind', () => {
  test('takes with the second look what the first was not shown', async () => {
    const userId = await newUser();
    const [other = ''] = await newUsers(1);
    const sits = await full(userId);
    const waits = await full(other, userId);
    {
      using _ = lagging(store.tables.registrations, [NOTHING, NOTHING]);
      using __ = lagging(store.tables.waitlist, [NOTHING, NOTHING]);
      expect((await erase(userId)).body.left).toEqual([]);
    }
    expect((await truth(sits)).registered).toEqual([userId]);
    await passTime(userId);
    const { status, body } = await erase(userId);
    expect(status).toBe(200);
    expect(body.left.length).toBe(2);
    expect((await truth(sits)).registered).toEqual([]);
    expect((await truth(waits)).line).toEqual([]);
    expect((await itemsWith(userId)).filter((item) => !isLog(item))).toEqual([]);
  });

  test('gives no place for another one that was not given up yet', async () => {
    const userId = await newUser();
    const [missed, seen] = [await full(userId), await full(userId)];
    {
      // The index shows one of the two, twice: before the erasure begins, and then.
      using _ = onDynamo(async ({ operation, send }) => {
        const response = await send();
        if (operation !== 'Query') return response;
        const page = (await response.json()) as { Items: { eventId: { S: string } }[] };
        return Response.json({
          ...page,
          Items: page.Items.filter(({ eventId }) => eventId.S !== missed),
        });
      });
      expect((await erase(userId)).body.left).toEqual([{ eventId: seen, status: 'ACTIVE' }]);
    }
    const override = { reason: 'Speaker' };
    const body = { userId, eventId: missed, override };
    expect((await register(userId, missed)).status).toBe(404);
    expect((await api('POST', '/registration/registrations', body)).status).toBe(404);
  });

  test('sees a place that is promoted between the two indexes', async () => {
    const userId = await newUser();
    const [other = ''] = await newUsers(1);
    const eventId = await full(other, userId);
    {
      using _ = lagging(store.tables.waitlist, [NOTHING, NOTHING]);
      await erase(userId);
    }
    await passTime(userId);
    let isPromoted = false;
    using _ = onDynamo(async ({ operation, request, send }) => {
      if (operation !== 'Query' || isPromoted) return send();
      const { TableName } = (await request.clone().json()) as { TableName: string };
      if (TableName !== store.tables.waitlist) return send();
      // It was read, and nobody has seen the answer yet: as if it were behind.
      isPromoted = true;
      await unregister(other, eventId);
      return new Response(NOTHING);
    });
    expect((await erase(userId)).body).toMatchObject({
      status: 'ERASED',
      left: [{ eventId, status: 'ACTIVE' }],
    });
    expect((await truth(eventId)).registered).toEqual([]);
  });

  test('counts a place once that an index still shows though it was given up', async () => {
    const userId = await newUser();
    const eventId = await full(userId);
    let page = '';
    {
      using _ = onDynamo(async ({ operation, request, send }) => {
        if (operation !== 'Query') return send();
        const { TableName } = (await request.clone().json()) as { TableName: string };
        const response = await send();
        if (TableName === store.tables.registrations) page = await response.clone().text();
        return response;
      });
      await api('GET', `${of(userId)}/places`);
    }
    await unregister(userId, eventId);
    using _ = lagging(store.tables.registrations, [page, page]);
    expect((await erase(userId)).body.left).toEqual([]);
  });
});

describe('an erasure and registrations that race with it', () => {
  test('whatever comes in which order, nothing is left, and no event is hurt', async () => {
    for (let round = 0; round < 5; round++) {
      const userId = await newUser();
      const others = await newUsers(3);
      const events = [
        await full(...others),
        await full(userId, ...others),
        await newEvent(3, true),
      ];
      const races = events.flatMap((eventId) => [
        register(userId, eventId),
        unregister(userId, eventId),
        register(userId, eventId),
      ]);
      await Promise.all([...races.slice(0, 4), erase(userId), ...races.slice(4), erase(userId)]);
      await passTime(userId);
      expect((await erase(userId)).status).toBe(200);
      expect((await itemsWith(userId)).filter((item) => !isLog(item))).toEqual([]);
      for (const eventId of events) await truth(eventId);
    }
  });

  test('one that an isolate lets in which still believes in the user is taken away by the second look', async () => {
    const userId = await newUser();
    const eventId = await newEvent(1, true);
    await erase(userId);
    {
      // As an isolate whose look-up was answered just before.
      using _ = onDynamo(async ({ operation, send }) =>
        operation === 'BatchGetItem'
          ? Response.json({ Responses: { [store.tables.users]: [{ userId: { S: userId } }] } })
          : send(),
      );
      expect((await register(userId, eventId)).status).toBe(201);
    }
    await passTime(userId);
    const { status, body } = await erase(userId);
    expect([status, body]).toEqual([
      200,
      { status: 'ERASED', left: [{ eventId, status: 'ACTIVE' }] },
    ]);
    expect((await truth(eventId)).registered).toEqual([]);
  });

  test('two at the same time are one', async () => {
    const userId = await newUser();
    const eventId = await full(userId);
    const begun = await Promise.all([erase(userId), erase(userId)]);
    for (const { status, body } of begun) {
      expect([status, body.left]).toEqual([202, [{ eventId, status: 'ACTIVE' }]]);
    }
    await passTime(userId);
    const done = await Promise.all([erase(userId), erase(userId)]);
    for (const { status } of done) expect([200, 404]).toContain(status);
    expect(done.some(({ status }) => status === 200)).toBe(true);
    expect((await itemsWith(userId)).filter((item) => !isLog(item))).toEqual([]);
  });

  test('a rename that comes late renames nobody else', async () => {
    const userId = await newUser();
    let send: (() => Promise<Response>) | undefined;
    {
      using _ = fault('TransactWriteItems', 1, async (call) => {
        const copy = (await call.request.clone().json()) as object;
        send = () => call.send({ ...copy, ClientRequestToken: crypto.randomUUID() });
        return drop();
      });
      await api('PATCH', of(userId), { name: 'Late' });
    }
    await eraseWholly(userId);
    await api('POST', USERS, { userId, name: 'Somebody else' });
    await send?.();
    expect((await api('GET', of(userId))).body.name).toBe('Somebody else');
  });
});

describe('a deployment without the index by user of the waitlist', () => {
  /** What DynamoDB says, when the table lacks it and while it is being filled. */
  test.for([
    'The table does not have the specified index: UserIdIndex',
    'Cannot read from backfilling global secondary index: UserIdIndex',
  ])('answers 503 that names the command, where it is needed alone: %s', async (message) => {
    const userId = await newUser();
    const eventId = await full(userId);
    using _ = onDynamo(async ({ operation, request, send }) => {
      if (operation !== 'Query') return send();
      const query = (await request.clone().json()) as Record<string, string>;
      if (query.TableName !== store.tables.waitlist || query.IndexName !== 'UserIdIndex') {
        return send();
      }
      const __type = 'com.amazon.coral.validate#ValidationException';
      return Response.json({ __type, message }, { status: 400 });
    });
    for (const [method, path] of [
      ['GET', `${of(userId)}/places`],
      ['GET', `${of(userId)}/export`],
      ['DELETE', of(userId)],
    ] as const) {
      const { status, body, headers } = await api(method, path);
      expect(status, `${method} ${path}`).toBe(503);
      expect(body.detail).toContain('npm run tables');
      expect(headers.get('retry-after')).toBeTruthy();
    }
    // Nothing was begun that could not be finished.
    expect((await api('GET', of(userId))).status).toBe(200);
    expect((await api('PATCH', of(userId), { name: 'Ada' })).status).toBe(200);
    expect((await api('GET', `${of(userId)}/events`)).body.length).toBe(1);
    expect((await unregister(userId, eventId)).status).toBe(200);
    expect((await register(userId, eventId)).status).toBe(201);
  });
});
