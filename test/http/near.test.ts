import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { hexDigestOf } from '../../src/digest.ts';
import app from '../../src/http/app.ts';
import { NEAR_MAX_AGE_SECONDS } from '../../src/http-limits.ts';
import { sleep } from '../../src/sleep.ts';
import { api, newEvent, newUsers, register, unique } from '../support/desk.ts';

const EVENTS = '/registration/events';
const START = Date.now();

afterEach(() => {
  vi.restoreAllMocks();
});

/** Stops the clock of the service; what it gives sets it. */
function stoppedClock(): (ms: number) => void {
  let at = START;
  vi.spyOn(Date, 'now').mockImplementation(() => at);
  return (ms) => {
    at = START + ms;
  };
}

/** Watches the cache; the function waits until so many notes are laid down. */
function watchedCache() {
  const { mock } = vi.spyOn(Cache.prototype, 'put');
  const laid = (count: number) =>
    vi.waitFor(
      () =>
        expect(mock.settledResults.filter(({ type }) => type === 'fulfilled').length).toBe(count),
      {
        timeout: 10_000,
      },
    );
  return { laid, urls: () => mock.calls.map(([url]) => String(url)) };
}

/** An isolate of its own: it shares nothing with others but the objects and the cache. Counts calls to objects. */
function isolate(settings: Partial<Env> = {}) {
  const calls: number[] = [];
  const namespace = {
    getByName(...[name, options]: Parameters<Env['EVENTS']['getByName']>) {
      const stub = env.EVENTS.getByName(name, options);
      return {
        execute: (...args: Parameters<typeof stub.execute>) => {
          calls.push(Date.now());
          return stub.execute(...args);
        },
      };
    },
  };
  const own = { ...env, ...settings, EVENTS: namespace as unknown as Env['EVENTS'] };
  const get = async (
    path: string,
    headers: Record<string, string> = {},
    init: RequestInit = {},
  ) => {
    const url = path.startsWith('http') ? path : `http://desk.test${path}`;
    const response = await app.fetch(new Request(url, { headers, ...init }), own);
    const text = await response.text();
    // biome-ignore lint/suspicious/noExplicitAny: whatever the wire brings; the assertions check it
    const body: any = text ? JSON.parse(text) : undefined;
    return { status: response.status, headers: response.headers, body };
  };
  /** Reads how full an event is, from near. */
  const near = async (eventId: string, seconds: number | string = 1, host = 'http://desk.test') => {
    const path = `${host}${EVENTS}/${encodeURIComponent(eventId)}/capacity`;
    const { status, headers, body } = await get(path, { 'Cache-Control': `max-age=${seconds}` });
    return { status, age: headers.get('Age'), count: body.registeredCount, body };
  };
  return { calls, get, near };
}

/** An event in which somebody gets a seat when told. */
async function eventAndUsers(count = 3) {
  const eventId = await newEvent(100, true);
  const users = await newUsers(count);
  return { eventId, next: () => register(users.pop() ?? '', eventId) };
}

describe('a read with max-age', () => {
  test('may be so old, says how old it is, and a plain read never is', async () => {
    const { eventId, next } = await eventAndUsers();
    const { get, near } = isolate();
    const set = stoppedClock();
    expect(await near(eventId)).toMatchObject({ status: 200, age: null, count: 0 });
    await next();
    expect(await near(eventId)).toMatchObject({ status: 200, age: '0', count: 0 });
    set(1);
    expect(await near(eventId)).toMatchObject({ age: '1', count: 0 });
    set(1_000);
    expect(await near(eventId)).toMatchObject({ age: '1', count: 0 });
    const plain = await get(`${EVENTS}/${eventId}/capacity`);
    expect([plain.body.registeredCount, plain.headers.get('Age')]).toEqual([1, null]);
    set(1_001);
    expect(await near(eventId, 2)).toMatchObject({ age: '2', count: 0 });
    expect(await near(eventId)).toMatchObject({ age: null, count: 1 });
  });

  test('comes from the cache of the place in another isolate, up to the last second', async () => {
    const { eventId, next } = await eventAndUsers();
    const [one, other, third] = [isolate(), isolate(), isolate()];
    const set = stoppedClock();
    const { laid } = watchedCache();
    await one.near(eventId);
    // The lease, and the answer.
    await laid(2);
    await next();
    set(NEAR_MAX_AGE_SECONDS * 1_000);
    expect(await other.near(eventId, NEAR_MAX_AGE_SECONDS)).toMatchObject({
      age: String(NEAR_MAX_AGE_SECONDS),
      count: 0,
    });
    expect(other.calls).toEqual([]);
    set(NEAR_MAX_AGE_SECONDS * 1_000 + 1);
    expect(await third.near(eventId, NEAR_MAX_AGE_SECONDS)).toMatchObject({ age: null, count: 1 });
  });

  test.each(['0', '61', 'x', '5, max-age=5', '5, no-cache'])(
    'of %s is a plain one',
    async (value) => {
      const { eventId, next } = await eventAndUsers();
      const { near } = isolate();
      await near(eventId, 60);
      await next();
      expect(await near(eventId, 60)).toMatchObject({ count: 0 });
      expect(await near(eventId, value)).toMatchObject({ age: null, count: 1 });
    },
  );

  test('of the event itself shares the answer, and its ETag', async () => {
    const { eventId } = await eventAndUsers();
    const { get, near } = isolate();
    await near(eventId);
    const headers = { 'Cache-Control': 'max-age=60' };
    const first = await get(`${EVENTS}/${eventId}`, headers);
    expect(first.body).toMatchObject({ eventId, name: 'An event' });
    expect([first.headers.get('ETag'), first.headers.get('Age')]).toEqual([
      '"1"',
      expect.any(String),
    ]);
    await api('PATCH', `${EVENTS}/${eventId}`, { name: 'Another' });
    const known = await get(`${EVENTS}/${eventId}`, { ...headers, 'If-None-Match': '"1"' });
    expect([known.status, known.headers.get('Age')]).toEqual([304, expect.any(String)]);
    expect((await get(`${EVENTS}/${eventId}`, headers)).body.name).toBe('An event');
    const fresh = await get(`${EVENTS}/${eventId}`, { 'If-None-Match': '"1"' });
    expect([fresh.status, fresh.body.name, fresh.headers.get('Age')]).toEqual([
      200,
      'Another',
      null,
    ]);
  });

  test('tells browsers and what is between to keep nothing, and has no receipt', async () => {
    const { eventId } = await eventAndUsers();
    const { get } = isolate();
    for (let i = 0; i < 2; i++) {
      const { headers } = await get(`${EVENTS}/${eventId}`, { 'Cache-Control': 'max-age=9' });
      expect(headers.get('Cache-Control')).toBe('no-store');
      expect(headers.get('Registration-Receipt')).toBeNull();
    }
  });

  test('of an event that is not there keeps nothing', async () => {
    const eventId = unique('later');
    const { near } = isolate();
    const set = stoppedClock();
    const missing = await near(eventId, 60);
    expect([missing.status, missing.age, missing.body.title]).toEqual([404, null, 'NotFoundError']);
    await api('POST', EVENTS, { eventId, name: 'Later', capacity: 1 });
    set(1_500);
    expect(await near(eventId, 60)).toMatchObject({ status: 200, age: null });
  });
});

describe('what is kept', () => {
  test('of one event is never given for another, however alike their ids are', async () => {
    const tag = unique('like');
    const ids = [`${tag}/a`, `${tag}%2Fa`, `${tag}%252Fa`, `${tag.toUpperCase()}/A`, `${tag}?a`];
    ids.push(
      `${tag}#a`,
      `../${tag}`,
      `${tag}&a=b`,
      `${tag}"a`,
      `${tag}é`,
      `${tag}${'🎪'.repeat(80)}`,
    );
    const isolates = [isolate(), isolate()];
    for (const eventId of ids) {
      const created = await api('POST', EVENTS, {
        eventId,
        name: eventId.slice(0, 9),
        capacity: 1,
      });
      expect(created.status, eventId).toBe(201);
    }
    const { laid } = watchedCache();
    for (const { near } of [...isolates, ...isolates]) {
      for (const eventId of ids) {
        expect(await near(eventId, 60)).toMatchObject({ status: 200, body: { eventId } });
      }
      await laid(2 * ids.length);
    }
    expect(isolates.map(({ calls }) => calls.length)).toEqual([ids.length, 0]);
  });

  test('is the same whatever query, method, host, Accept and encoding a request has', async () => {
    const { eventId, next } = await eventAndUsers();
    const { calls, get, near } = isolate();
    await near(eventId);
    await next();
    const path = `${EVENTS}/${eventId}/capacity`;
    const headers = { 'Cache-Control': 'max-age=60' };
    const expected = (await get(path, headers)).body;
    expect(expected.registeredCount).toBe(0);
    for (const [url, more] of [
      [`${path}?eventId=other&x`, {}],
      [`http://other.test${path}`, {}],
      [path, { Accept: 'text/csv' }],
      [path, { 'Accept-Encoding': 'br', 'X-Forwarded-Host': 'evil.test', Range: 'bytes=0-1' }],
    ] as const) {
      const { status, body } = await get(url, { ...headers, ...more });
      expect([status, body]).toEqual([200, expected]);
    }
    const head = await get(path, headers, { method: 'HEAD' });
    expect([head.status, head.body, head.headers.has('Age')]).toEqual([200, undefined, true]);
    expect(calls.length).toBe(1);
  });

  test('cannot be read or laid down by a request', async () => {
    const { eventId } = await eventAndUsers();
    const { laid, urls } = watchedCache();
    await isolate().near(eventId);
    await laid(2);
    const url = new URL(urls()[0] ?? '');
    expect(await (await caches.open('near')).match(url)).toBeDefined();
    expect(await caches.default.match(url)).toBeUndefined();
    const { get } = isolate();
    for (const method of ['GET', 'PUT', 'POST', 'DELETE', 'PURGE']) {
      expect((await get(url.href, {}, { method })).status, method).toBe(404);
    }
  });

  test('is not needed: without a cache the object answers', async () => {
    const { eventId, next } = await eventAndUsers();
    const opened = vi.spyOn(caches, 'open');
    opened.mockRejectedValue(new Error('No Cache was configured'));
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const { near } = isolate();
    expect(await near(eventId)).toMatchObject({ status: 200, age: null, count: 0 });
    await next();
    expect(await near(eventId, 60)).toMatchObject({ status: 200, count: 0 });
    // Once, not for each call.
    await vi.waitFor(() => expect(opened.mock.calls.length).toBeGreaterThanOrEqual(4));
    expect(warned.mock.calls).toEqual([[expect.stringContaining('no cache in this place')]]);
  });
});

describe('rights', () => {
  const KEYS = { organiser: 'rdk_organiser', service: 'rdk_service' };
  const SECRET = 'a secret of links that has 32 bytes';

  async function guarded(settings: Partial<Env> = {}) {
    return {
      AUTH_MODE: 'key,link',
      LINK_SECRET: SECRET,
      API_KEYS: JSON.stringify([
        { name: 'organiser', roles: ['organiser'], sha256: await hexDigestOf(KEYS.organiser) },
        { name: 'service', roles: ['service'], sha256: await hexDigestOf(KEYS.service) },
      ]),
      ...settings,
    };
  }

  async function linkFor(settings: Partial<Env>, eventId: string): Promise<string> {
    const request = new Request('http://desk.test/registration/links', {
      method: 'POST',
      headers: { Authorization: `Bearer ${KEYS.service}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ userId: 'ada', eventId }),
    });
    const { url } = (await (await app.fetch(request, { ...env, ...settings })).json()) as {
      url: string;
    };
    return new URL(url).hash.replace('#token=', '');
  }

  test('come before what is kept, and the answer is the same for all who may have it', async () => {
    const settings = await guarded();
    const { eventId } = await eventAndUsers();
    const { calls, get } = isolate(settings);
    const attendee = await linkFor(settings, eventId);
    const stranger = await linkFor(settings, await newEvent(1, false));
    for (const path of [`${EVENTS}/${eventId}`, `${EVENTS}/${eventId}/capacity`]) {
      const read = (bearer: string | null) =>
        get(path, {
          'Cache-Control': 'max-age=60',
          ...(bearer === null ? {} : { Authorization: `Bearer ${bearer}` }),
        });
      const { status, body } = await read(KEYS.organiser);
      expect(status).toBe(200);
      for (const bearer of [KEYS.service, attendee]) {
        const same = await read(bearer);
        expect([same.status, same.body, same.headers.has('Age')]).toEqual([200, body, true]);
      }
      for (const [bearer, refused] of [
        [null, 401],
        ['rdk_nobody', 401],
        [stranger, 403],
      ] as const) {
        const answer = await read(bearer);
        expect([answer.status, answer.headers.get('Age')]).toEqual([refused, null]);
      }
    }
    expect(calls.length).toBe(1);
  });

  test('and limits of calls do too', async () => {
    const { TWO_A_MINUTE } = env as unknown as { TWO_A_MINUTE: RateLimit };
    const { eventId } = await eventAndUsers();
    const { get } = isolate(await guarded({ CALLER_LIMIT: TWO_A_MINUTE }));
    const statuses: number[] = [];
    for (let i = 0; i < 3; i++) {
      const headers = { 'Cache-Control': 'max-age=60', Authorization: `Bearer ${KEYS.service}` };
      statuses.push((await get(`${EVENTS}/${eventId}`, headers)).status);
    }
    expect(statuses).toEqual([200, 200, 429]);
  });
});

describe('a crowd', () => {
  test('of a thousand at the same moment costs the object one call', async () => {
    const { eventId } = await eventAndUsers();
    const { calls, near } = isolate();
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => near(eventId, 60)));
    expect(calls.length).toBe(1);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  });

  test('in two isolates costs it two calls a second at most, and sees nothing older than a second', async () => {
    const { eventId, next } = await eventAndUsers(40);
    const isolates = [isolate(), isolate()];
    /** How many had a seat, and until when that was so. */
    const ends: number[] = [];
    let isOver = false;
    const began = Date.now();
    const reader = async ({ near }: ReturnType<typeof isolate>) => {
      while (!isOver) {
        const before = Date.now();
        const { count } = await near(eventId);
        // There was a later state already more than a second before this was asked for.
        expect(ends[count] ?? Number.POSITIVE_INFINITY).toBeGreaterThanOrEqual(before - 1_000);
        await sleep(50);
      }
    };
    const readers = isolates.flatMap((each) => Array.from({ length: 20 }, () => reader(each)));
    for (let i = 0; i < 30; i++) {
      await next();
      ends[i] = Date.now();
      await sleep(100);
    }
    isOver = true;
    await Promise.all(readers);
    const seconds = (Date.now() - began) / 1_000;
    const calls = isolates.flatMap((each) => each.calls).length;
    expect(calls).toBeGreaterThanOrEqual(3);
    expect(calls).toBeLessThanOrEqual(2 * Math.ceil(seconds));
  });
});
