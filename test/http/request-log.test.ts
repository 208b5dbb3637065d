import { evictDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { describe, expect, test, vi } from 'vitest';
import { digestOf, hexDigestOf } from '../../src/digest.ts';
import app from '../../src/http/app.ts';
import { LIVE_PROTOCOL } from '../../src/live-protocol.ts';
import { api, newEvent, newUsers, register, unique } from '../support/desk.ts';

/** Makes calls with the log on, and returns its lines. */
async function logged(
  method: string,
  path: string,
  body?: unknown,
  on: Partial<Env> = {},
  headers: Record<string, string> = {},
) {
  const written = vi.spyOn(console, 'log').mockImplementation(() => {});
  const init = {
    method,
    headers: { 'Content-Type': 'application/json', 'X-Request-Id': 'request-1', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
  const logging = { ...env, LOG_REQUESTS: 'yes', ...on };
  await app.fetch(new Request(`http://desk.test${path}`, init), logging);
  const lines = written.mock.calls.map(([line]) => JSON.parse(String(line)));
  written.mockRestore();
  return lines;
}

describe('the log of requests', () => {
  test('has a line with the outcome of a registration, and its times', async () => {
    const [userId = ''] = await newUsers(1);
    const eventId = await newEvent(1, true);
    const lines = await logged('POST', '/registration/registrations', { userId, eventId });
    expect(lines).toEqual([
      {
        requestId: 'request-1',
        method: 'POST',
        route: '/registration/registrations',
        status: 201,
        outcome: 'ACTIVE',
        totalMs: expect.any(Number),
        queueMs: expect.any(Number),
        commitMs: expect.any(Number),
        batch: 1,
        attempts: 1,
      },
    ]);
  });

  test('has the same for a refusal by the rules, which may rest on no commit', async () => {
    const [a = '', b = ''] = await newUsers(2);
    const eventId = await newEvent(1, false);
    await register(a, eventId);
    const body = { userId: b, eventId };
    expect(await logged('POST', '/registration/registrations', body)).toEqual([
      {
        requestId: 'request-1',
        method: 'POST',
        route: '/registration/registrations',
        status: 409,
        outcome: 'CapacityError',
        totalMs: expect.any(Number),
        queueMs: expect.any(Number),
        commitMs: 0,
        batch: 0,
        attempts: 0,
      },
    ]);
  });

  test('has a line for a socket, without its token and whose place it tells', async () => {
    const [userId = ''] = await newUsers(1);
    const eventId = await newEvent(1, true);
    const key = 'rdk_SeCrEt';
    const sha256 = await hexDigestOf(key);
    const keyed = {
      AUTH_MODE: 'key',
      API_KEYS: JSON.stringify([{ name: 'crm', roles: ['service'], sha256 }]),
    };
    const path = `/registration/events/${eventId}/live?userId=${userId}`;
    const ask = (bearer: string) =>
      logged('GET', path, undefined, keyed, {
        Upgrade: 'websocket',
        'Sec-WebSocket-Protocol': `${LIVE_PROTOCOL}, bearer.${bearer}`,
      });
    const route = '/registration/events/:eventId/live';
    const line = { requestId: 'request-1', method: 'GET', route, totalMs: expect.any(Number) };
    const refused = { caller: null, reason: 'invalid', outcome: 'UnauthenticatedError' };
    expect(await ask(key)).toEqual([{ ...line, status: 101, outcome: 'watching' }]);
    expect(await ask('rdk_other')).toEqual([{ ...line, status: 401, ...refused }]);
  });

  test('distinguishes an entry, a refusal and an unknown path', async () => {
    const [a = '', b = ''] = await newUsers(2);
    const eventId = await newEvent(1, true);
    await register(a, eventId);
    const post = (userId: string) =>
      logged('POST', '/registration/registrations', { userId, eventId });
    expect(await post(b)).toMatchObject([{ status: 201, outcome: 'WAITLISTED' }]);
    expect(await post(b)).toMatchObject([{ status: 409, outcome: 'DuplicateError' }]);
    expect(await post('')).toMatchObject([{ status: 400, outcome: 'ValidationError' }]);
    expect(await post('nobody')).toMatchObject([{ status: 404, outcome: 'NotFoundError' }]);
  });

  test.each([
    ['GET', '/nowhere', 404, 'NotFoundError', null],
    ['PUT', '/registration/users', 405, 'MethodNotAllowedError', null],
    ['GET', '/health', 200, 'ok', '/health'],
    ['GET', '/registration/events', 200, 'ok', '/registration/events'],
    ['GET', '/registration/events/nowhere', 404, 'NotFoundError', '/registration/events/:eventId'],
    [
      'GET',
      `/registration/events?x=${'x'.repeat(9_000)}`,
      414,
      'UriTooLongError',
      '/registration/events',
    ],
    ['GET', '/registration/users/%ff', 400, 'ValidationError', '/registration/users/:userId'],
  ] as const)('has a line for %s %.40s', async (method, path, status, outcome, route) => {
    expect(await logged(method, path)).toMatchObject([{ status, outcome, route }]);
  });

  test('has a line for a caller without rights, and for one who calls too often', async () => {
    const route = '/registration/events';
    const asked = (on: Partial<Env>) => logged('GET', route, undefined, on);
    const key = { name: 'crm', roles: ['service'], sha256: 'a'.repeat(64) };
    const guarded = { AUTH_MODE: 'key', API_KEYS: JSON.stringify([key]) };
    expect(await asked(guarded)).toMatchObject([
      { status: 401, outcome: 'UnauthenticatedError', route },
    ]);
    const none = { limit: async () => ({ success: false }) } as RateLimit;
    expect(await asked({ ADDRESS_LIMIT: none })).toMatchObject([
      { status: 429, outcome: 'RateLimitedError', route },
    ]);
    expect(await asked({ AWS_REGION: 'nonsense' })).toMatchObject([
      { status: 503, outcome: 'ConfigurationError', route },
    ]);
  });

  test('has the first outcome for a repetition with a key, and its own times', async () => {
    const [userId = ''] = await newUsers(1);
    const eventId = await newEvent(1, true);
    const body = { userId, eventId };
    const once = () =>
      logged('POST', '/registration/registrations', body, {}, { 'Idempotency-Key': 'k' });
    const timing = { queueMs: expect.any(Number), commitMs: expect.any(Number), attempts: 1 };
    expect(await once()).toMatchObject([{ status: 201, outcome: 'ACTIVE', batch: 2, ...timing }]);
    // A key in memory costs no commit.
    const none = { commitMs: 0, batch: 0, attempts: 0 };
    expect(await once()).toMatchObject([{ status: 201, outcome: 'ACTIVE', ...none }]);
    // A used key that is not in memory is found by the commit.
    await evictDurableObject(env.EVENTS.getByName(eventId));
    expect(await once()).toMatchObject([{ status: 201, outcome: 'ACTIVE', ...timing }]);
  });

  test('counts the results of a bulk registration', async () => {
    const users = await newUsers(3);
    const eventId = await newEvent(2, true);
    const path = `/registration/events/${eventId}/registrations`;
    const lines = await logged('POST', path, { userIds: [...users, 'nobody', ''] });
    const results = { ACTIVE: 2, WAITLISTED: 1, NotFoundError: 1, ValidationError: 1 };
    expect(lines).toMatchObject([{ status: 200, outcome: 'ok', results }]);
  });

  test('has no id, name, token or key', async () => {
    const userId = unique('somebody');
    const lines = await logged('GET', `/registration/users/${userId}?x=${userId}`);
    expect(lines).toMatchObject([{ route: '/registration/users/:userId', status: 404 }]);
    expect(JSON.stringify(lines)).not.toContain(userId);
  });

  test('is not written unless asked for', async () => {
    expect(await logged('GET', '/health', undefined, { LOG_REQUESTS: '' })).toEqual([]);
  });
});

describe('who called, in the log of requests', async () => {
  const ISSUER = 'https://issuer.test';
  const pair = await generateKeyPair('ES256');
  const published = { ...(await exportJWK(pair.publicKey)), kid: 'k1', alg: 'ES256' };
  const sha256 = Array.from(await digestOf('rdk_crm'), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
  const guarded: Partial<Env> = {
    AUTH_MODE: 'jwt,key',
    JWT_ISSUER: ISSUER,
    JWT_AUDIENCE: 'desk',
    JWT_JWKS_URL: `${ISSUER}/keys`,
    API_KEYS: JSON.stringify([{ name: 'crm', roles: ['service'], sha256 }]),
  };

  const tokenOf = (userId: string, expires = '5m') =>
    new SignJWT()
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
      .setIssuer(ISSUER)
      .setAudience('desk')
      .setSubject(userId)
      .setExpirationTime(expires)
      .sign(pair.privateKey);

  /** Calls with a token or key, or none, where the issuer's key set can be had. */
  async function loggedAs(
    bearer: string | null,
    method: string,
    path: string,
    body?: unknown,
    on: Partial<Env> = {},
  ) {
    const original = globalThis.fetch;
    globalThis.fetch = async (input, init) => {
      const { url } = new Request(input, init);
      return url.startsWith(ISSUER)
        ? Response.json({ keys: [published] })
        : original(input as RequestInfo, init);
    };
    const headers: Record<string, string> = bearer ? { Authorization: `Bearer ${bearer}` } : {};
    try {
      return await logged(method, path, body, { ...guarded, ...on }, headers);
    } finally {
      globalThis.fetch = original;
    }
  }
  const person = expect.stringMatching(/^user:[0-9a-f]{16}$/);

  test("of a change is the name of a key, or a person's hash, which stays the same", async () => {
    const [userId = '', other = ''] = await newUsers(2);
    const eventId = await newEvent(5, true);
    const body = { userId, eventId };
    const path = '/registration/registrations';
    expect(await loggedAs('rdk_crm', 'POST', path, body)).toMatchObject([
      { status: 201, caller: 'key:crm' },
    ]);
    const query = `${path}?userId=${userId}&eventId=${eventId}`;
    const [left] = await loggedAs(await tokenOf(userId), 'DELETE', query);
    const [again] = await loggedAs(await tokenOf(userId), 'POST', path, body);
    const [third] = await loggedAs(await tokenOf(other), 'POST', path, { userId: other, eventId });
    expect(left).toMatchObject({ status: 200, caller: person });
    expect(again).toMatchObject({ status: 201, caller: left.caller });
    expect(third).toMatchObject({ status: 201, caller: person });
    expect(third.caller).not.toBe(left.caller);
    expect(JSON.stringify([left, again, third])).not.toContain(userId);
  });

  test('of a refused change is the same, whatever the reason', async () => {
    const path = '/registration/registrations';
    const body = { userId: unique('nobody'), eventId: unique('nowhere') };
    expect(await loggedAs('rdk_crm', 'POST', path, body)).toMatchObject([
      { status: 404, caller: 'key:crm' },
    ]);
    expect(await loggedAs('rdk_crm', 'POST', path, {})).toMatchObject([
      { status: 400, caller: 'key:crm' },
    ]);
  });

  test('of a 401 is missing, and the reason is there', async () => {
    const read = (bearer: string | null) => loggedAs(bearer, 'GET', '/registration/events');
    const refused = { status: 401, caller: null };
    expect(await read(null)).toMatchObject([{ ...refused, reason: 'missing' }]);
    expect(await read('rdk_wrong')).toMatchObject([{ ...refused, reason: 'invalid' }]);
    expect(await read(await tokenOf('me', '1h ago'))).toMatchObject([
      { ...refused, reason: 'expired' },
    ]);
  });

  test('of a 403 is the caller, for a forbidden call or a foreign user', async () => {
    const event = { name: 'An event', capacity: 1 };
    expect(await loggedAs('rdk_crm', 'POST', '/registration/events', event)).toMatchObject([
      { status: 403, caller: 'key:crm' },
    ]);
    const me = unique('me');
    const lines = await loggedAs(await tokenOf(me), 'GET', `/registration/users/${unique('you')}`);
    expect(lines).toMatchObject([{ status: 403, caller: person }]);
    expect(JSON.stringify(lines)).not.toContain(me);
  });

  test('of a 429 is the caller', async () => {
    const none = { limit: async () => ({ success: false }) } as RateLimit;
    const on = { CALLER_LIMIT: none };
    expect(await loggedAs('rdk_crm', 'GET', '/registration/events', undefined, on)).toMatchObject([
      { status: 429, caller: 'key:crm' },
    ]);
  });

  test('of a read that is answered is missing', async () => {
    const [line] = await loggedAs('rdk_crm', 'GET', '/registration/events');
    expect(line.status).toBe(200);
    expect(line).not.toHaveProperty('caller');
  });
});

describe('Server-Timing', () => {
  test('has the times of a change, also of a refusal after a commit, but not of a read', async () => {
    const [userId = ''] = await newUsers(1);
    const eventId = await newEvent(1, false);
    const { headers } = await register(userId, eventId);
    expect(headers.get('Server-Timing')).toMatch(/^queue;dur=\d+, commit;dur=\d+$/);
    const read = await api('GET', `/registration/events/${eventId}/capacity`);
    expect(read.headers.get('Server-Timing')).toBeNull();
  });

  test('is missing for a read that waited for the load together with a change', async () => {
    const [userId = ''] = await newUsers(1);
    // From here on the user is known without a look-up, so both only wait for the load.
    await register(userId, await newEvent(1, false));
    const eventId = await newEvent(1, false);
    await evictDurableObject(env.EVENTS.getByName(eventId));
    const [changed, read] = await Promise.all([
      register(userId, eventId),
      api('GET', `/registration/events/${eventId}/capacity`),
    ]);
    expect(changed.headers.get('Server-Timing')).not.toBeNull();
    expect(read.headers.get('Server-Timing')).toBeNull();
  });

  test('has the waiting time of a refusal without a commit', async () => {
    const [a = '', b = ''] = await newUsers(2);
    const eventId = await newEvent(1, false);
    await register(a, eventId);
    const { status, headers } = await register(b, eventId);
    expect(status).toBe(409);
    expect(headers.get('Server-Timing')).toMatch(/^queue;dur=\d+, commit;dur=0$/);
  });
});
