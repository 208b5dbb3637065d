import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import {
  LIVE_MAX_SOCKETS,
  LIVE_MAX_SOCKETS_OF_PROGRAM,
  LIVE_UNANSWERED_FACTOR,
} from '../../src/http-limits.ts';
import { LIVE_PROTOCOL } from '../../src/live-protocol.ts';
import {
  api,
  countDynamo,
  newEvent,
  newUsers,
  onDynamo,
  register,
  unique,
  unregister,
} from '../support/desk.ts';
import { askForSocket, watch } from '../support/watching.ts';

const ofEvent = (eventId: string) => env.EVENTS.getByName(eventId);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('a socket', () => {
  test('tells at once what the event is, and how a commit changes it', async () => {
    const eventId = await newEvent(2, true);
    const [a = ''] = await newUsers(1);
    using watching = await watch(eventId);
    expect(watching.messages).toEqual([
      {
        type: 'occupancy',
        now: expect.any(String),
        version: 1,
        revision: 1,
        ...{ eventId, totalCapacity: 2, availableCapacity: 2, registeredCount: 0, offeredCount: 0 },
        ...{ waitlistCount: 0, status: 'OPEN' },
      },
    ]);
    const placed = await register(a, eventId);
    await watching.until(({ texts }) => texts.length >= 2);
    const told = watching.occupancies[1];
    expect(told).toMatchObject({ availableCapacity: 1, registeredCount: 1, revision: 1 });
    expect(`${told?.version}`).toBe(placed.headers.get('Registration-Receipt')?.split('.')[0]);
  });

  test('tells a change of the event itself, with its new revision', async () => {
    const eventId = await newEvent(2, true);
    using watching = await watch(eventId);
    await api('PATCH', `/registration/events/${eventId}`, { name: 'Another name' });
    await watching.until(({ texts }) => texts.length >= 2);
    expect(watching.occupancies.at(-1)).toMatchObject({ revision: 2, totalCapacity: 2 });
  });

  test('tells whose place it is where they stand, and only when that has changed', async () => {
    const eventId = await newEvent(1, true);
    const [a = '', b = '', c = '', d = ''] = await newUsers(4);
    await register(a, eventId);
    const entry = (await register(b, eventId)).body.waitlistEntry;
    using watching = await watch(eventId, { userId: c });
    using first = await watch(eventId, { userId: b });
    expect(first.places).toEqual([
      {
        type: 'place',
        status: 'WAITLISTED',
        ahead: 0,
        registration: null,
        waitlistEntry: entry,
        offer: null,
      },
    ]);
    const nothing = { registration: null, waitlistEntry: null, ahead: null, offer: null };
    expect(watching.places).toEqual([{ type: 'place', status: 'NONE', ...nothing }]);
    await register(c, eventId);
    await watching.until(({ places }) => places.length >= 2);
    expect(watching.places[1]).toMatchObject({ status: 'WAITLISTED', ahead: 1 });
    // Somebody behind them comes and goes: the counts change, their place does not.
    await register(d, eventId);
    await watching.until(({ occupancies }) => occupancies.at(-1)?.waitlistCount === 3);
    expect(watching.places.length).toBe(2);
    await unregister(a, eventId);
    await watching.until(({ places }) => places.length >= 3);
    expect(watching.places[2]).toMatchObject({ status: 'WAITLISTED', ahead: 0 });
    await first.until(({ places }) => places.length >= 2);
    expect(first.places[1]).toMatchObject({ status: 'ACTIVE', registration: { userId: b } });
    // Nobody else is named, to either.
    expect(watching.texts.join()).not.toContain(b);
    expect(first.texts.join()).not.toContain(c);
  });

  test('tells the last state of a storm, in few messages', async () => {
    const eventId = await newEvent(100, true);
    const users = await newUsers(150);
    using watching = await watch(eventId, { userId: users[149] ?? '' });
    const began = Date.now();
    await Promise.all(users.map((userId) => register(userId, eventId)));
    await watching.until(({ occupancies }) => occupancies.at(-1)?.waitlistCount === 50);
    await watching.until(({ places }) => places.length >= 2);
    const rounds = (Date.now() - began) / 250 + 2;
    expect(watching.occupancies.length).toBeLessThanOrEqual(rounds);
    expect(watching.occupancies.at(-1)).toMatchObject({ registeredCount: 100 });
  });

  test('costs no call while the event is in memory', async () => {
    const eventId = await newEvent(5, true);
    using calls = countDynamo();
    using watching = await watch(eventId);
    expect(watching.messages.length).toBe(1);
    expect(calls.operations).toEqual([]);
  });
});

describe('while the object sleeps', () => {
  test('pings are answered without waking it, and a commit afterwards reaches the socket', async () => {
    const eventId = await newEvent(1, true);
    const [a = '', b = ''] = await newUsers(2);
    await register(a, eventId);
    using watching = await watch(eventId, { userId: b });
    await evictDurableObject(ofEvent(eventId), { webSockets: 'hibernate' });
    {
      using calls = countDynamo();
      watching.socket.send('ping');
      await watching.until(({ texts }) => texts.at(-1) === 'pong');
      await pause(300);
      expect(calls.operations).toEqual([]);
    }
    // Had the ping woken the object, this would find one that runs.
    await expect(evictDurableObject(ofEvent(eventId))).rejects.toThrow();
    const before = watching.messages.length;
    await register(b, eventId);
    await watching.until(({ messages }) => messages.length >= before + 2);
    // What they knew before is not told again.
    expect(watching.messages.slice(before)).toMatchObject([
      { type: 'occupancy', waitlistCount: 1 },
      { type: 'place', status: 'WAITLISTED', ahead: 0 },
    ]);
  });

  test('it falls asleep by itself, some seconds after the last change', {
    timeout: 40_000,
  }, async () => {
    const eventId = await newEvent(1, true);
    const [a = ''] = await newUsers(1);
    using watching = await watch(eventId, { userId: a });
    await register(a, eventId);
    await watching.until(({ places }) => places.length >= 2);
    // The platform waits for ten seconds, and less than that after a timer.
    await pause(15_000);
    await expect(evictDurableObject(ofEvent(eventId))).rejects.toThrow();
    expect(watching.closed).toBeNull();
    await unregister(a, eventId);
    await watching.until(({ places }) => places.at(-1)?.status === 'NONE');
  });

  test('nothing that it left behind keeps it awake', async () => {
    const eventId = await newEvent(1, true);
    const [a = ''] = await newUsers(1);
    using watching = await watch(eventId, { userId: a });
    await register(a, eventId);
    await watching.until(({ places }) => places.length >= 2);
    // An eviction waits for what is under way; it would not be over in time.
    const began = Date.now();
    await evictDurableObject(ofEvent(eventId));
    expect(Date.now() - began).toBeLessThan(1_000);
    expect(watching.closed).toBeNull();
    await unregister(a, eventId);
    await watching.until(({ places }) => places.at(-1)?.status === 'NONE');
  });
});

describe('a commit of which nobody knows whether it was applied', () => {
  test('is told once it is known', async () => {
    const eventId = await newEvent(2, true);
    const [a = ''] = await newUsers(1);
    using watching = await watch(eventId);
    {
      using _ = onDynamo(async ({ operation, send }) => {
        const answer = await send();
        if (operation !== 'TransactWriteItems') return answer;
        throw new TypeError('the connection was lost');
      });
      expect((await register(a, eventId)).status).toBe(503);
    }
    // Nobody asks again.
    await watching.until(({ occupancies }) => occupancies.at(-1)?.registeredCount === 1);
  });
});

describe('who may not watch', () => {
  test('is told why: no such event, no such user, no socket, no subprotocol, another page', async () => {
    const eventId = await newEvent(1, true);
    const path = `/registration/events/${eventId}/live`;
    const plain = await api('GET', path);
    expect([plain.status, plain.body.title]).toEqual([426, 'UpgradeRequiredError']);
    expect(plain.headers.get('Upgrade')).toBe('websocket');
    const status = async (...asked: Parameters<typeof askForSocket>) => {
      const answer = await askForSocket(...asked);
      answer.webSocket?.accept();
      answer.webSocket?.close();
      return answer.status;
    };
    expect(await status(unique('event'))).toBe(404);
    expect(await status(eventId, { userId: unique('nobody') })).toBe(404);
    expect(await status(eventId, { userId: ' ' })).toBe(400);
    expect(await status(eventId, { protocols: [] })).toBe(400);
    expect(await status(eventId, { protocols: ['registration.live.v2', 'x'] })).toBe(400);
    expect(await status(eventId, { headers: { Origin: 'https://evil.test' } })).toBe(403);
    expect(await status(eventId, { headers: { Origin: 'null' } })).toBe(403);
    expect(await status(eventId, { headers: { Origin: 'http://desk.test' } })).toBe(101);
    const headers = { Origin: 'https://page.test' };
    const on: Env = { ...env, CORS_ORIGINS: 'https://page.test' };
    expect(await status(eventId, { headers, on })).toBe(101);
  });

  test('a socket that says anything but ping is closed', async () => {
    const eventId = await newEvent(1, true);
    for (const message of ['Ping', 'ping ', '{}', 'x'.repeat(100_000), new Uint8Array(4)]) {
      using watching = await watch(eventId);
      watching.socket.send(message);
      await watching.until(({ closed }) => closed !== null);
      expect(watching.closed?.code).toBe(1008);
    }
  });

  test('one socket too many closes the oldest of the same address, and no other', async () => {
    const eventId = await newEvent(1, true);
    const from = (address: string) => ({ headers: { 'cf-connecting-ip': address } });
    using other = await watch(eventId, from('192.0.2.2'));
    const all = [];
    for (let i = 0; i < LIVE_MAX_SOCKETS_OF_PROGRAM; i++) {
      all.push(await watch(eventId, from('192.0.2.1')));
      if (i === 0) await pause(2);
    }
    expect(all.filter(({ closed }) => closed !== null)).toEqual([]);
    all.push(await watch(eventId, from('192.0.2.1')));
    const [oldest, ...rest] = all;
    await oldest?.until(({ closed }) => closed !== null);
    expect(oldest?.closed?.code).toBe(4429);
    expect([other, ...rest].filter(({ closed }) => closed !== null)).toEqual([]);
    for (const each of all) each[Symbol.dispose]();
  });

  test('a caller who answers no close gets no more sockets, and loses none; another one does', async () => {
    const eventId = await newEvent(1, true);
    const from = (address: string) => ({ headers: { 'cf-connecting-ip': address } });
    // Nobody accepts these, so nobody answers when they are closed.
    const silent: Response[] = [];
    for (let i = 0; i < LIVE_UNANSWERED_FACTOR * LIVE_MAX_SOCKETS_OF_PROGRAM; i++) {
      silent.push(await askForSocket(eventId, from('192.0.2.1')));
    }
    expect(silent.filter(({ status }) => status !== 101)).toEqual([]);
    const open = () =>
      runInDurableObject(
        ofEvent(eventId),
        (_, ctx) =>
          ctx.getWebSockets().filter(({ readyState }) => readyState === WebSocket.OPEN).length,
      );
    expect(await open()).toBe(LIVE_MAX_SOCKETS_OF_PROGRAM);
    expect((await askForSocket(eventId, from('192.0.2.1'))).status).toBe(503);
    expect(await open()).toBe(LIVE_MAX_SOCKETS_OF_PROGRAM);
    using other = await watch(eventId, from('192.0.2.2'));
    expect(other.occupancies).toHaveLength(1);
  });

  test('one watcher more than an event takes is a 503, until another goes', async () => {
    const eventId = await newEvent(1, true);
    const status = async () => {
      const answer = await askForSocket(eventId);
      if (answer.webSocket) return answer.status;
      return [answer.status, ((await answer.json()) as { detail: string }).detail];
    };
    using first = await watch(eventId);
    await runInDurableObject(ofEvent(eventId), (_, ctx) => {
      const watcher = { userId: null, openedAt: 0, endsAt: Number.MAX_SAFE_INTEGER };
      for (let i = 1; i < LIVE_MAX_SOCKETS; i++) {
        const { 1: server } = new WebSocketPair();
        ctx.acceptWebSocket(server, ['somebody']);
        server.serializeAttachment({ watcher, told: { occupancy: '', place: '' } });
      }
    });
    const detail = expect.stringContaining('as many watchers as it takes');
    expect(await status()).toEqual([503, detail]);
    first.socket.close();
    await first.until(({ closed }) => closed !== null);
    expect(await status()).toBe(101);
    expect(await status()).toEqual([503, detail]);
  });

  test('the answer has the one subprotocol, and nothing of the token', async () => {
    const eventId = await newEvent(1, true);
    const answer = await askForSocket(eventId, { protocols: ['bearer.secret', LIVE_PROTOCOL] });
    expect(answer.status).toBe(101);
    expect(answer.headers.get('Sec-WebSocket-Protocol')).toBe(LIVE_PROTOCOL);
    expect(JSON.stringify([...answer.headers])).not.toContain('secret');
    answer.webSocket?.accept();
    answer.webSocket?.close();
  });
});
