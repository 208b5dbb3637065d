import { evictDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import {
  api,
  capacityOf,
  countDynamo,
  newEvent,
  newUsers,
  onDynamo,
  register,
  truth,
  unique,
  unregister,
} from '../support/desk.ts';

const statuses = (answers: { status: number }[]) =>
  answers.reduce<Record<number, number>>((counts, { status }) => {
    counts[status] = (counts[status] ?? 0) + 1;
    return counts;
  }, {});

describe('the first scenario of the seed', () => {
  test('two seats and a waitlist: the third waits, and is promoted when the first leaves', async () => {
    const eventId = await newEvent(2, true);
    const [a = '', b = '', c = ''] = await newUsers(3);
    const available = async () => (await capacityOf(eventId)).body.availableCapacity;
    expect(await available()).toBe(2);
    expect((await register(a, eventId)).body.registration.status).toBe('ACTIVE');
    expect(await available()).toBe(1);
    expect((await register(b, eventId)).status).toBe(201);
    expect(await available()).toBe(0);
    const third = await register(c, eventId);
    expect(third.status).toBe(201);
    expect(third.body.registration).toBeNull();
    expect(third.body.waitlistEntry).toMatchObject({ userId: c, eventId, position: 1 });
    expect(await available()).toBe(0);
    const left = await unregister(a, eventId);
    expect(left.body.promoted).toMatchObject({ userId: c, eventId, status: 'ACTIVE' });
    expect(await available()).toBe(0);
    expect((await truth(eventId)).registered.sort()).toEqual([b, c].sort());
  });

  test('two seats and no waitlist: the third is refused, and gets the seat once it is free', async () => {
    const eventId = await newEvent(2, false);
    const [a = '', b = '', c = ''] = await newUsers(3);
    await register(a, eventId);
    await register(b, eventId);
    const third = await register(c, eventId);
    expect(third.status).toBe(409);
    expect(third.body.title).toBe('CapacityError');
    const left = await unregister(a, eventId);
    expect(left.body.promoted).toBeNull();
    expect((await capacityOf(eventId)).body.availableCapacity).toBe(1);
    expect((await register(c, eventId)).status).toBe(201);
    expect((await truth(eventId)).registered.sort()).toEqual([b, c].sort());
  });
});

describe('the whole town at once', () => {
  test('500 people for 100 seats with a waitlist: 100 seats, positions 1 to 400', async () => {
    const eventId = await newEvent(100, true);
    const users = await newUsers(500);
    const answers = await Promise.all(users.map((userId) => register(userId, eventId)));
    expect(statuses(answers)).toEqual({ 201: 500 });
    const seated = answers.filter(({ body }) => body.registration);
    expect(seated.length).toBe(100);
    const told = answers.flatMap(({ body }) => body.waitlistEntry?.position ?? []);
    expect(told.sort((x, y) => x - y)).toEqual(Array.from({ length: 400 }, (_, i) => i + 1));
    const { registered, line, positions } = await truth(eventId);
    expect(registered.length).toBe(100);
    expect(positions).toEqual(Array.from({ length: 400 }, (_, i) => i + 1));
    expect(new Set([...registered, ...line])).toEqual(new Set(users));
  });

  test('500 people for 100 seats without one: 100 seats, 400 refusals', async () => {
    const eventId = await newEvent(100, false);
    const users = await newUsers(500);
    const answers = await Promise.all(users.map((userId) => register(userId, eventId)));
    expect(statuses(answers)).toEqual({ 201: 100, 409: 400 });
    const { registered, line } = await truth(eventId);
    expect(registered.length).toBe(100);
    expect(line).toEqual([]);
  });

  test('the same user twenty times at once: one success, nineteen refusals', async () => {
    const eventId = await newEvent(10, true);
    const [user = ''] = await newUsers(1);
    const answers = await Promise.all(Array.from({ length: 20 }, () => register(user, eventId)));
    expect(statuses(answers)).toEqual({ 201: 1, 409: 19 });
    expect((await truth(eventId)).registered).toEqual([user]);
  });

  test('leaving and registering race for the last seat: no user is lost or there twice', async () => {
    for (let round = 0; round < 10; round++) {
      const eventId = await newEvent(1, round % 2 === 0);
      const [holder = '', ...rivals] = await newUsers(4);
      await register(holder, eventId);
      const [left, ...answers] = await Promise.all([
        unregister(holder, eventId),
        ...rivals.map((userId) => register(userId, eventId)),
      ]);
      expect(left?.status).toBe(200);
      const { registered, line } = await truth(eventId);
      if (round % 2 === 0) {
        expect([...registered, ...line].sort()).toEqual([...rivals].sort());
      } else {
        const winners = rivals.filter((_, i) => answers[i]?.status === 201);
        expect(registered).toEqual(winners);
        expect(winners.length).toBeLessThanOrEqual(1);
      }
    }
  });

  test('many leave at once: as many are promoted, in order', async () => {
    const eventId = await newEvent(60, true);
    const users = await newUsers(120);
    for (const userId of users.slice(0, 60)) await register(userId, eventId);
    const waiters = users.slice(60);
    for (const userId of waiters) await register(userId, eventId);
    // 40 leaves are 120 rows: more than one transaction takes.
    const leavers = users.slice(0, 40);
    const answers = await Promise.all(leavers.map((userId) => unregister(userId, eventId)));
    const promoted = answers.map(({ body }) => body.promoted.userId);
    expect(promoted.sort()).toEqual(waiters.slice(0, 40).sort());
    const { registered, line } = await truth(eventId);
    expect(registered.sort()).toEqual([...users.slice(40, 60), ...waiters.slice(0, 40)].sort());
    expect(line).toEqual(waiters.slice(40));
  });

  test('a user who joins the line and is promoted in one batch has a seat, and no entry', async () => {
    const eventId = await newEvent(1, true);
    const [a = '', b = '', c = ''] = await newUsers(3);
    await register(a, eventId);
    // The object knows the users, so that the two commands reach the queue in this order.
    await register(b, eventId);
    await unregister(a, eventId);
    await register(a, eventId);
    // While this commit is in flight, the other two commands form one batch.
    const first = register(c, eventId);
    const [, left, joined] = await Promise.all([
      first,
      unregister(b, eventId),
      register(b, eventId),
    ]);
    expect(left.body.promoted.userId).toBe(a);
    expect(joined.status).toBe(201);
    const { registered, line } = await truth(eventId);
    expect(registered).toEqual([a]);
    expect(line.sort()).toEqual([b, c].sort());
  });
});

describe('what a registration costs', () => {
  test('a warm one is one DynamoDB call', async () => {
    const eventId = await newEvent(10, true);
    const [user = ''] = await newUsers(1);
    await register(user, eventId);
    await unregister(user, eventId);
    using calls = countDynamo();
    expect((await register(user, eventId)).status).toBe(201);
    expect(calls.operations).toEqual(['TransactWriteItems']);
  });

  test('64 warm ones at once are at most a few', async () => {
    const eventId = await newEvent(100, true);
    const users = await newUsers(64);
    await Promise.all(users.map((userId) => register(userId, eventId)));
    await Promise.all(users.map((userId) => unregister(userId, eventId)));
    using calls = countDynamo();
    const answers = await Promise.all(users.map((userId) => register(userId, eventId)));
    expect(statuses(answers)).toEqual({ 201: 64 });
    expect(calls.operations.length).toBeLessThanOrEqual(4);
    expect(new Set(calls.operations)).toEqual(new Set(['TransactWriteItems']));
  });

  test('unknown users who arrive together share their look-ups', async () => {
    const eventId = await newEvent(100, true);
    const users = await newUsers(64);
    using calls = countDynamo();
    await Promise.all(users.map((userId) => register(userId, eventId)));
    const lookUps = calls.operations.filter((operation) => operation === 'BatchGetItem');
    expect(lookUps.length).toBeLessThanOrEqual(6);
  });

  test('reads of a warm event are none', async () => {
    const eventId = await newEvent(10, true);
    using calls = countDynamo();
    expect((await capacityOf(eventId)).status).toBe(200);
    expect((await api('GET', `/registration/events/${eventId}`)).status).toBe(200);
    expect(calls.operations).toEqual([]);
  });
});

describe('what the platform allows and nothing here enforces', () => {
  test('an object never waits for more than six answers, even in a cold load under load', async () => {
    const eventId = await newEvent(100, true);
    const [known, strangers] = [await newUsers(100), await newUsers(400)];
    await Promise.all(known.map((userId) => register(userId, eventId)));
    await evictDurableObject(env.EVENTS.getByName(eventId));
    let inFlight = 0;
    let most = 0;
    using _ = onDynamo(async ({ send }) => {
      most = Math.max(most, ++inFlight);
      try {
        // Long enough for all calls that may be sent beside it.
        await new Promise((resolve) => setTimeout(resolve, 20));
        return await send();
      } finally {
        inFlight--;
      }
    });
    const answers = await Promise.all([
      ...strangers.map((userId) => register(userId, eventId)),
      ...known.map((userId) => unregister(userId, eventId)),
      ...known.map(() => capacityOf(eventId)),
    ]);
    expect(answers.filter(({ status }) => status >= 300).length).toBe(0);
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(6);
  });
});

describe('an event that does not exist', () => {
  test('costs a call or two, is remembered for a moment, and exists once it is created', async () => {
    const eventId = unique('event');
    const [user = ''] = await newUsers(1);
    {
      using calls = countDynamo();
      for (let i = 0; i < 5; i++) {
        expect((await capacityOf(eventId)).status).toBe(404);
        expect((await register(unique('nobody'), eventId)).status).toBe(404);
        expect((await register(user, eventId)).status).toBe(404);
      }
      expect(calls.operations.length).toBeLessThanOrEqual(3);
    }
    const body = { eventId, name: 'E', capacity: 1 };
    expect((await api('POST', '/registration/events', body)).status).toBe(201);
    expect((await register(user, eventId)).status).toBe(201);
  });

  test('refuses a bulk registration, whatever the ids', async () => {
    const path = `/registration/events/${unique('event')}/registrations`;
    for (const userIds of [
      ['a', 'b'],
      [' ', 7, null],
    ]) {
      expect((await api('POST', path, { userIds })).status).toBe(404);
    }
  });
});
