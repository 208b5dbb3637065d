import {
  abortAllDurableObjects,
  createScheduledController,
  runInDurableObject,
} from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { Webhook } from 'standardwebhooks';
import { describe, expect, test, vi } from 'vitest';
import worker from '../../src/index.ts';
import { ALARM_GRACE_MS, OUTBOX_MAX_OPEN, OVERDUE_MS } from '../../src/limits.ts';
import {
  api,
  newEvent,
  newUsers,
  onDynamo,
  register,
  truth,
  unique,
  unregister,
} from '../support/desk.ts';
import { fault, hang as hangCall } from '../support/faults.ts';
import { ENDPOINT_SECRET, hang, receive } from '../support/receiver.ts';

const objectOf = (eventId: string) => env.EVENTS.getByName(eventId);

const webhooksOf = async (eventId: string) => {
  const { body } = await api('GET', `/registration/events/${eventId}/webhooks`);
  const [all, few] = body;
  return { all, few };
};

const typesOf = (messages: { type: string }[]) => messages.map(({ type }) => type);

const WAIT = { timeout: 10_000, interval: 10 };

describe('webhooks', () => {
  test('tell each endpoint what it wants to know, signed, and nobody by name', async () => {
    using receiver = receive();
    const eventId = await newEvent(1, true);
    const [a = '', b = ''] = await newUsers(2);
    await register(a, eventId);
    await register(b, eventId);
    await unregister(a, eventId);
    const types = ['event.created', 'registration.created', 'waitlist.joined'];
    types.push('registration.cancelled', 'registration.promoted');
    await vi.waitFor(() => expect(typesOf(receiver.of(eventId))).toEqual(types), WAIT);
    await vi.waitFor(() => expect(receiver.of(eventId, 'few')).toHaveLength(1), WAIT);
    const [promoted] = receiver.of(eventId, 'few');
    if (!promoted) throw new Error('nobody was promoted');
    const verified = new Webhook(ENDPOINT_SECRET).verify(promoted.text, promoted.headers);
    const { items } = (await api('GET', `/registration/events/${eventId}/log`)).body;
    const entry = items.at(-1);
    expect(verified).toEqual({
      type: 'registration.promoted',
      timestamp: entry.at,
      data: { eventId, version: entry.version, index: 1, ...entry.changes[1], type: undefined },
    });
    const ids = receiver.of(eventId).map(({ headers }) => headers['webhook-id']);
    expect(new Set(ids).size).toBe(5);
    expect(promoted.headers['webhook-id']).toBe(ids[4]);
    expect(receiver.messages.every(({ text }) => !text.includes('An event'))).toBe(true);
    await vi.waitFor(async () => {
      const { all, few } = await webhooksOf(eventId);
      const done = { pending: 0, deliveredVersion: entry.version, nextAttemptAt: null };
      expect([all, few]).toMatchObject([done, done]);
    }, WAIT);
    expect((await truth(eventId)).item.dueAt).toBeNull();
  });

  test('tell of an erasure in each event where it gives up a place, whatever became of the event', async () => {
    using receiver = receive();
    const [ada = '', before = '', next = ''] = await newUsers(3);
    const [sits, waits, offered, cancelled, past, left] = await Promise.all([
      newEvent(1, true),
      newEvent(1, true),
      newEvent(1, true),
      newEvent(1, true),
      newEvent(1, true),
      newEvent(1, true),
    ]);
    for (const eventId of [sits, cancelled, past, left]) await register(ada, eventId);
    for (const eventId of [waits, offered]) await register(before, eventId);
    for (const eventId of [waits, offered]) await register(ada, eventId);
    await register(next, sits);
    const at = (eventId: string) => `/registration/events/${eventId}`;
    await api('PATCH', at(offered), { offerSeconds: 600 });
    await unregister(before, offered);
    await api('DELETE', at(cancelled));
    await api('PATCH', at(past), { startsAt: '2020-01-01T00:00:00.000Z' });
    await unregister(ada, left);
    expect((await api('DELETE', `/registration/users/${ada}`)).status).toBe(202);
    const given = {
      [sits]: ['registration.cancelled', 'registration.promoted', 'user.erased'],
      [waits]: ['waitlist.left', 'user.erased'],
      [offered]: ['offer.declined', 'user.erased'],
      [cancelled]: ['registration.cancelled', 'user.erased'],
      [past]: ['registration.cancelled', 'user.erased'],
    };
    for (const [eventId, types] of Object.entries(given)) {
      await vi.waitFor(() => {
        expect(typesOf(receiver.of(eventId)).slice(-types.length)).toEqual(types);
        expect(typesOf(receiver.of(eventId, 'few'))).toContain('user.erased');
      }, WAIT);
      const all = receiver.of(eventId);
      const told = all.at(-1);
      const { items } = (await api('GET', `${at(eventId)}/log`)).body;
      const { version, at: timestamp } = items.at(-1);
      const index = types.length - 1;
      expect(JSON.parse(told?.text ?? '')).toEqual({
        ...{ type: 'user.erased', timestamp },
        data: { eventId, version, index, userId: ada },
      });
      expect(all.at(-types.length)?.data).toMatchObject({ userId: ada, erased: true });
      expect(new Set(all.map(({ headers }) => headers['webhook-id'])).size).toBe(all.length);
    }
    // They had left it before: it has no place to give up.
    expect(typesOf(receiver.of(left))).not.toContain('user.erased');
  });

  test('of an erasure are sent again to an endpoint that failed, and by a replay', async () => {
    using receiver = receive(
      ({ type }) => new Response(null, { status: type === 'user.erased' ? 503 : 204 }),
    );
    const [ada = ''] = await newUsers(1);
    const eventId = await newEvent(1, true);
    await register(ada, eventId);
    await api('DELETE', `/registration/users/${ada}`);
    await vi.waitFor(async () => {
      expect((await webhooksOf(eventId)).all).toMatchObject({ pending: 1, lastError: 'HTTP 503' });
    }, WAIT);
    receiver.answer(() => new Response());
    await vi.waitFor(async () => {
      expect((await webhooksOf(eventId)).all).toMatchObject({ pending: 0, lastError: null });
    }, WAIT);
    const erasures = () => receiver.of(eventId).filter(({ type }) => type === 'user.erased');
    const count = erasures().length;
    expect(count).toBeGreaterThan(1);
    const path = `/registration/events/${eventId}/webhooks/all/replay`;
    expect((await api('POST', path, { after: 0 })).status).toBe(202);
    await vi.waitFor(() => expect(erasures().length).toBeGreaterThan(count), WAIT);
    expect(new Set(erasures().map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  });

  test('to an endpoint that fails are sent again; the other one gets its own meanwhile', async () => {
    using receiver = receive(({ endpoint }) =>
      endpoint === 'all'
        ? new Response('no', { status: 503, headers: { 'Retry-After': '6' } })
        : new Response(),
    );
    const eventId = await newEvent(1, true);
    const [a = '', b = ''] = await newUsers(2);
    for (const userId of [a, b]) await register(userId, eventId);
    await unregister(a, eventId);
    await vi.waitFor(() => expect(receiver.of(eventId, 'few')).toHaveLength(1), WAIT);
    await vi.waitFor(async () => {
      const { all } = await webhooksOf(eventId);
      expect(all).toMatchObject({ lastError: 'HTTP 503', deliveredVersion: 0, isEnded: false });
      expect(all.pending).toBeGreaterThan(0);
      expect(Date.parse(all.failingSince)).toBeLessThanOrEqual(Date.now());
      expect(Date.parse(all.nextAttemptAt) - Date.now()).toBeGreaterThan(1_000);
    }, WAIT);
    receiver.answer(() => new Response());
    // The object's own alarm, in its own time.
    await vi.waitFor(async () => {
      const { all } = await webhooksOf(eventId);
      expect(all).toMatchObject({ pending: 0, failingSince: null, lastError: null });
    }, WAIT);
    const taken = new Set(receiver.of(eventId).map(({ headers }) => headers['webhook-id']));
    expect(taken.size).toBe(5);
  });

  test('to an endpoint that is down are begun only so often, and none is lost', async () => {
    using receiver = receive(() => new Response(null, { status: 500 }));
    const eventId = await newEvent(50, true);
    const users = await newUsers(30);
    for (const userId of users) await register(userId, eventId);
    const { pointers } = await vi.waitFor(async () => {
      const outbox = JSON.parse((await truth(eventId)).item.outbox ?? '[]');
      expect(outbox[0].open).toHaveLength(OUTBOX_MAX_OPEN);
      return { pointers: outbox };
    }, WAIT);
    expect(receiver.of(eventId)).toHaveLength(OUTBOX_MAX_OPEN);
    expect(pointers[0].name).toBe('all');
    receiver.answer(() => new Response());
    await vi.waitFor(() => {
      const users = receiver.of(eventId).slice(OUTBOX_MAX_OPEN);
      expect(new Set(users.map(({ data }) => data.userId)).size).toBe(31);
    }, WAIT);
  });

  test('a crash between commit and message loses none', async () => {
    using receiver = receive(hang);
    const eventId = await newEvent(5, false);
    const [a = ''] = await newUsers(1);
    await register(a, eventId);
    await vi.waitFor(() => expect(receiver.of(eventId).length).toBeGreaterThan(0), WAIT);
    await abortAllDurableObjects();
    receiver.answer(() => new Response());
    const before = receiver.messages.length;
    await vi.waitFor(() => {
      const types = typesOf(receiver.of(eventId).slice(before));
      expect(types).toEqual(['event.created', 'registration.created']);
    }, WAIT);
  });

  test('a creation that lands after everybody has given it up is told', async () => {
    using receiver = receive();
    const eventId = unique('event');
    let land = () => Promise.reject<Response>(new Error('nothing was sent'));
    {
      using _ = fault('TransactWriteItems', 100, async (call) => {
        const body = JSON.parse(await call.request.clone().text());
        land = () => call.send(body);
        return hangCall(call);
      });
      const event = { eventId, name: 'An event', capacity: 5, hasWaitlist: false };
      const { status, body } = await api('POST', '/registration/events', event);
      expect(status).toBe(503);
      expect(body.detail).toContain('may or may not have been made');
    }
    // An alarm that comes as soon as for any other commit would find no event, and be the last.
    await new Promise((resolve) => setTimeout(resolve, ALARM_GRACE_MS / 2));
    expect((await land()).status).toBe(200);
    await vi.waitFor(() => expect(typesOf(receiver.of(eventId))).toEqual(['event.created']), WAIT);
  }, 20_000);

  test('an event that never comes to be has one alarm, and no other after it', async () => {
    const eventId = unique('event');
    {
      using _ = fault('TransactWriteItems', 100, hangCall);
      const event = { eventId, name: 'An event', capacity: 5, hasWaitlist: false };
      expect((await api('POST', '/registration/events', event)).status).toBe(503);
    }
    const alarm = () =>
      runInDurableObject(objectOf(eventId), (_, { storage }) => storage.getAlarm());
    expect(await alarm()).toBeGreaterThan(Date.now());
    await vi.waitFor(async () => expect(await alarm()).toBeNull(), WAIT);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await alarm()).toBeNull();
  }, 20_000);

  test('an alarm is set before the commit that makes something due', async () => {
    using _receiver = receive();
    const eventId = await newEvent(5, false);
    const [a = ''] = await newUsers(1);
    await vi.waitFor(async () => {
      expect((await webhooksOf(eventId)).all.pending).toBe(0);
    }, WAIT);
    const steps: string[] = [];
    await runInDurableObject(objectOf(eventId), async (object, { storage }) => {
      // Whatever alarm is still set has gone off.
      await object.alarm();
      const setAlarm = storage.setAlarm.bind(storage);
      vi.spyOn(storage, 'setAlarm').mockImplementation(async (at) => {
        await setAlarm(at);
        steps.push('alarm');
      });
      using _ = onDynamo(({ operation, send }) => {
        if (operation === 'TransactWriteItems') steps.push('commit');
        return send();
      });
      await object.execute({ type: 'register', userId: a });
    });
    expect(steps.slice(0, 2)).toEqual(['alarm', 'commit']);
  });

  test('a replay sends again what is after a version', async () => {
    using receiver = receive();
    const eventId = await newEvent(5, false);
    const users = await newUsers(3);
    for (const userId of users) await register(userId, eventId);
    await vi.waitFor(() => expect(receiver.of(eventId)).toHaveLength(4), WAIT);
    const { items } = (await api('GET', `/registration/events/${eventId}/log`)).body;
    const path = `/registration/events/${eventId}/webhooks/all/replay`;
    const { status, body } = await api('POST', path, { after: items[1].version });
    expect([status, body.name, body.deliveredVersion]).toEqual([202, 'all', items[1].version]);
    await vi.waitFor(() => expect(receiver.of(eventId)).toHaveLength(6), WAIT);
    const again = receiver.of(eventId).slice(4);
    expect(again.map(({ data }) => data.userId)).toEqual(users.slice(1));
    expect(again.map(({ headers }) => headers['webhook-id'])).toEqual(
      receiver
        .of(eventId)
        .slice(2, 4)
        .map(({ headers }) => headers['webhook-id']),
    );
    expect(receiver.of(eventId, 'few')).toEqual([]);
    for (const after of [-1, 1.5, 'x', undefined]) {
      expect((await api('POST', path, { after })).status).toBe(400);
    }
    const nobody = `/registration/events/${eventId}/webhooks/nobody/replay`;
    expect((await api('POST', nobody, { after: 0 })).status).toBe(404);
    const nowhere = `/registration/events/${unique('none')}/webhooks`;
    expect((await api('GET', nowhere)).status).toBe(404);
    expect((await api('POST', `${nowhere}/all/replay`, { after: 0 })).status).toBe(404);
  });

  test('an endpoint that answers 410 gets no more of this event, until a replay', async () => {
    using receiver = receive(() => new Response(null, { status: 410 }));
    const eventId = await newEvent(5, false);
    const [a = '', b = ''] = await newUsers(2);
    await vi.waitFor(async () => expect((await webhooksOf(eventId)).all.isEnded).toBe(true), WAIT);
    await register(a, eventId);
    await register(b, eventId);
    expect((await webhooksOf(eventId)).all).toMatchObject({ pending: 0, nextAttemptAt: null });
    expect(receiver.of(eventId)).toHaveLength(1);
    receiver.answer(() => new Response());
    const path = `/registration/events/${eventId}/webhooks/all/replay`;
    await api('POST', path, { after: 0 });
    await vi.waitFor(() => expect(receiver.of(eventId)).toHaveLength(4), WAIT);
  });

  test('the hourly look wakes an event whose alarm was lost', async () => {
    using receiver = receive(hang);
    const eventId = await newEvent(5, false);
    await vi.waitFor(() => expect(receiver.of(eventId).length).toBeGreaterThan(0), WAIT);
    // As after a restore: the tables say that something is due, and no alarm is set.
    await runInDurableObject(objectOf(eventId), (_, { storage }) => storage.deleteAlarm());
    await abortAllDurableObjects();
    receiver.answer(() => new Response());
    const before = receiver.messages.length;
    const tick = () => worker.scheduled(createScheduledController({ cron: '17 * * * *' }), env);
    await tick();
    expect(receiver.of(eventId).slice(before)).toEqual([]);
    vi.setSystemTime(Date.now() + OVERDUE_MS + 1_000);
    try {
      await tick();
      await vi.waitFor(() => {
        expect(typesOf(receiver.of(eventId).slice(before))).toEqual(['event.created']);
      }, WAIT);
    } finally {
      vi.useRealTimers();
    }
  });

  test('no commit waits for an endpoint, and the object keeps to six connections', async () => {
    using receiver = receive(hang);
    const events = await Promise.all([newEvent(500, true), newEvent(500, true)]);
    const users = await newUsers(300);
    await abortAllDurableObjects();
    const inFlight = new Map<string, number>();
    let most = 0;
    // Per event, since each has an object: what names none of them is a look-up of users.
    using _ = onDynamo(async ({ request, send }) => {
      const body = await request.clone().text();
      if (body.includes('log#')) return send();
      const eventId = events.find((each) => body.includes(each)) ?? 'users';
      const count = (inFlight.get(eventId) ?? 0) + 1;
      inFlight.set(eventId, count);
      most = Math.max(most, count + (eventId === 'users' ? 0 : (inFlight.get('users') ?? 0)));
      try {
        return await send();
      } finally {
        inFlight.set(eventId, (inFlight.get(eventId) ?? 0) - 1);
      }
    });
    const [first = ''] = events;
    const answers = await Promise.all(
      users.map(async (userId) => {
        const began = Date.now();
        const { status } = await register(userId, first);
        return { status, ms: Date.now() - began };
      }),
    );
    expect(answers.every(({ status }) => status === 201)).toBe(true);
    // An endpoint is waited for fifteen seconds.
    expect(Math.max(...answers.map(({ ms }) => ms))).toBeLessThan(10_000);
    expect(most).toBeLessThanOrEqual(6);
    expect(receiver.of(first).length).toBeGreaterThan(0);
  });
});
