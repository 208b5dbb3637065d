import { env } from 'cloudflare:workers';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ACCESS, type Right, type Role } from '../../src/auth/access.ts';
import { hexDigestOf } from '../../src/digest.ts';
import { chainOf } from '../../src/event/log.ts';
import app from '../../src/http/app.ts';
import { LIVE_MAX_SOCKETS_OF_PERSON } from '../../src/http-limits.ts';
import { LIVE_PROTOCOL } from '../../src/live-protocol.ts';
import { newEvent, newUsers, register, unique } from '../support/desk.ts';
import { askForSocket, watch } from '../support/watching.ts';

const ISSUER = 'https://issuer.test';
const AUDIENCE = 'registration-desk';
const JWKS_URL = 'https://issuer.test/keys';
const KEYS = { organiser: 'rdk_organiser', service: 'rdk_service', both: 'rdk_both' };

/** A pair of keys of which the issuer publishes one half; and one that is nobody's. */
const pair = await generateKeyPair('ES256');
const stranger = await generateKeyPair('ES256');
const published = { ...(await exportJWK(pair.publicKey)), kid: 'k1', alg: 'ES256' };

const guarded: Env = {
  ...env,
  AUTH_MODE: 'jwt,key,link',
  LINK_SECRET: 'a secret of links that has 32 bytes',
  JWT_ISSUER: ISSUER,
  JWT_AUDIENCE: AUDIENCE,
  JWT_JWKS_URL: JWKS_URL,
  API_KEYS: JSON.stringify([
    { name: 'organiser', roles: ['organiser'], sha256: await hexDigestOf(KEYS.organiser) },
    { name: 'service', roles: ['service'], sha256: await hexDigestOf(KEYS.service) },
    { name: 'both', roles: ['organiser', 'service'], sha256: await hexDigestOf(KEYS.both) },
  ]),
};

/** The issuer's key set instead of the network; null: the issuer does not answer. */
let keySet: object | null = { keys: [published] };
let keySetReads = 0;
const original = globalThis.fetch;
beforeAll(() => {
  globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    if (!request.url.startsWith(ISSUER)) return original(request);
    keySetReads += 1;
    return keySet ? Response.json(keySet) : new Response('no', { status: 500 });
  };
});
afterAll(() => {
  globalThis.fetch = original;
});

interface TokenOptions {
  claims?: JWTPayload;
  issuer?: string;
  audience?: string;
  expires?: string | null;
  key?: CryptoKey;
  type?: unknown;
}

function token(subject: string | null, options: TokenOptions = {}): Promise<string> {
  const { claims = {}, issuer = ISSUER, audience = AUDIENCE, expires = '5m' } = options;
  const jwt = new SignJWT(claims)
    .setProtectedHeader({
      alg: 'ES256',
      kid: 'k1',
      ...('type' in options ? { typ: options.type as string } : {}),
    })
    .setIssuer(issuer)
    .setAudience(audience);
  if (subject !== null) jwt.setSubject(subject);
  if (expires !== null) jwt.setExpirationTime(expires);
  return jwt.sign(options.key ?? pair.privateKey);
}

async function call(
  method: string,
  path: string,
  {
    bearer,
    body,
    headers = {},
    on = guarded,
  }: { bearer?: string; body?: unknown; headers?: Record<string, string>; on?: Env } = {},
) {
  const response = await app.fetch(
    new Request(`http://desk.test${path}`, {
      method,
      headers: {
        ...(bearer === undefined ? {} : { Authorization: `Bearer ${bearer}` }),
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }),
    on,
  );
  const text = await response.text();
  const isJson = response.headers.get('Content-Type')?.includes('json');
  return {
    status: response.status,
    headers: response.headers,
    body: isJson ? JSON.parse(text) : text,
  };
}

const ROUTES = app.routes
  .filter(({ method, path }) => method !== 'ALL' && !path.endsWith('*'))
  .map(({ method, path }) => `${method} ${path}`);

describe('the table of routes and roles', () => {
  test('has exactly the routes of the service', () => {
    expect(Object.keys(ACCESS).sort()).toEqual([...new Set(ROUTES)].sort());
  });

  /** A valid request for a route, about a user. */
  function requestFor(route: string, eventId: string, userId: string) {
    const [method = '', pattern = ''] = route.split(' ');
    const isPlace = /registration\/(registrations|waitlist)$/.test(pattern);
    const isLive = pattern.endsWith('/live');
    const query =
      isPlace && method !== 'POST'
        ? `?userId=${userId}&eventId=${eventId}`
        : isLive
          ? `?userId=${userId}`
          : '';
    const path = pattern
      .replace(':eventId', eventId)
      .replace(':userId', userId)
      .replace(':file', 'start.js');
    const bodies: Record<string, unknown> = {
      'POST /registration/users': { userId, name: 'Somebody' },
      'POST /registration/links': { userId, eventId },
      'PATCH /registration/users/:userId': { name: 'Another name' },
      'POST /registration/events': { eventId: unique('event'), name: 'An event', capacity: 1 },
      'PATCH /registration/events/:eventId': { name: 'Another name' },
      'POST /registration/events/:eventId/registrations': { userIds: [userId] },
      'POST /registration/registrations': { userId, eventId },
    };
    return { method, path: path + query, body: bodies[route] };
  }

  const callers: { who: string; role: Role; isSelf?: boolean }[] = [
    { who: 'an attendee about themselves', role: 'attendee', isSelf: true },
    { who: 'an attendee about somebody else', role: 'attendee', isSelf: false },
    { who: 'an organiser', role: 'organiser' },
    { who: 'a service', role: 'service' },
  ];

  for (const [route, rule] of Object.entries(ACCESS)) {
    test(`${route} lets in whom it says, and nobody else`, async () => {
      const eventId = await newEvent(5, true);
      const [me = '', other = ''] = await newUsers(2);
      const about = (userId: string) => {
        const { method, path, body } = requestFor(route, eventId, userId);
        return (bearer?: string) =>
          call(method, path, { body, ...(bearer === undefined ? {} : { bearer }) });
      };
      const nobody = await about(other)();
      if (rule === 'public') {
        expect([401, 403]).not.toContain(nobody.status);
        return;
      }
      expect(nobody.status).toBe(401);
      expect(nobody.headers.get('WWW-Authenticate')).toBe('Bearer realm="registration"');
      expect((await about(other)('rdk_wrong')).status).toBe(401);
      for (const { who, role, isSelf } of callers) {
        const bearer = role === 'attendee' ? await token(me) : KEYS[role];
        const { status, body } = await about(isSelf ? me : other)(bearer);
        const right: Right = rule[role];
        const isLetIn = right === 'any' || (right === 'self' && isSelf);
        if (isLetIn) expect([401, 403], `${who}: ${JSON.stringify(body)}`).not.toContain(status);
        else expect(status, who).toBe(403);
      }
    });
  }

  test('a refusal does not tell whether somebody exists', async () => {
    const [me = '', other = ''] = await newUsers(2);
    const bearer = await token(me);
    const { body: there } = await call('GET', `/registration/users/${other}`, { bearer });
    const { body: absent } = await call('GET', `/registration/users/${unique('x')}`, { bearer });
    expect(there).toEqual(absent);
  });

  test('an override is refused for a service and for an attendee', async () => {
    const eventId = await newEvent(1, false);
    const [me = ''] = await newUsers(1);
    const body = { userId: me, eventId, override: { reason: 'a guest of honour' } };
    const post = (bearer: string) => call('POST', '/registration/registrations', { bearer, body });
    expect((await post(await token(me))).status).toBe(403);
    expect((await post(KEYS.service)).status).toBe(403);
    expect((await post(KEYS.organiser)).status).toBe(201);
  });

  test('unknown paths and methods are reported to everybody', async () => {
    expect((await call('GET', '/nowhere')).status).toBe(404);
    expect((await call('PUT', '/registration/users')).status).toBe(405);
  });

  test('roles in a token count, other words in the claim do not', async () => {
    const event = { name: 'An event', capacity: 1 };
    const post = async (roles: unknown) => {
      const bearer = await token('somebody', { claims: { roles } });
      return (await call('POST', '/registration/events', { bearer, body: event })).status;
    };
    expect(await post(['organiser'])).toBe(201);
    expect(await post('reader organiser')).toBe(201);
    expect(await post(['organisers', 'admin'])).toBe(403);
    expect(await post({ organiser: true })).toBe(403);
  });
});

describe('a token', () => {
  const read = (bearer: string, on = guarded) =>
    call('GET', '/registration/events', { bearer, on });

  test('that is valid is accepted', async () => {
    expect((await read(await token('me'))).status).toBe(200);
  });

  test('that has expired is a 401 that says so, after a tolerance', async () => {
    const late = await token('me', { expires: '31 seconds ago' });
    const { status, headers, body } = await read(late);
    expect(status).toBe(401);
    expect(headers.get('WWW-Authenticate')).toContain('error="invalid_token"');
    expect(body.detail).toContain('expired');
    expect((await read(await token('me', { expires: '10 seconds ago' }))).status).toBe(200);
  });

  test.each([
    ['of another issuer', { issuer: 'https://other.test' }],
    ['for another audience', { audience: 'other' }],
    ['without an expiry', { expires: null }],
    ['signed by somebody else', { key: stranger.privateKey }],
  ] as [string, TokenOptions][])('%s is a 401', async (_, options) => {
    const { status, body } = await read(await token('me', options));
    expect(status).toBe(401);
    expect(body.title).toBe('UnauthenticatedError');
  });

  test("without a subject, or with one that can't be a user id, is a 401", async () => {
    expect((await read(await token(null))).status).toBe(401);
    expect((await read(await token('x'.repeat(101)))).status).toBe(401);
    expect((await read(await token(' padded '))).status).toBe(401);
  });

  test('that is unsigned, or signed with a shared secret, is a 401', async () => {
    const part = (value: object) => btoa(JSON.stringify(value)).replaceAll('=', '');
    const exp = Math.floor(Date.now() / 1_000) + 60;
    const claims = { iss: ISSUER, aud: AUDIENCE, sub: 'me', exp };
    expect((await read(`${part({ alg: 'none' })}.${part(claims)}.`)).status).toBe(401);
    const shared = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256', kid: 'k1' })
      .sign(new TextEncoder().encode(JSON.stringify(published)));
    expect((await read(shared)).status).toBe(401);
  });

  test.each(['JWT', 'jwt', 'at+jwt', 'AT+JWT', 'application/at+jwt', 'application/jwt'])(
    'of type %s is taken',
    async (type) => {
      expect((await read(await token('me', { type }))).status).toBe(200);
    },
  );

  test.each(['logout+jwt', 'dpop+jwt', 'secevent+jwt', 'application/logout+jwt', 'xat+jwt', '', 7])(
    'of type %s is a 401, and no reason to read the key set',
    async (type) => {
      const fresh: Env = { ...guarded };
      const before = keySetReads;
      expect((await read(await token('me', { type }), fresh)).status).toBe(401);
      expect(keySetReads).toBe(before);
    },
  );

  test.each([
    ['is bound to a key', { cnf: { jkt: 'x' } }],
    ['is bound to a certificate', { cnf: { 'x5t#S256': 'x' } }],
    ['is bound to nothing that makes sense', { cnf: null }],
    [
      'tells of a log-out',
      { events: { 'http://schemas.openid.net/event/backchannel-logout': {} } },
    ],
  ])('that %s is a 401', async (_, claims) => {
    expect(
      (await read(await token('me', { claims: claims as unknown as JWTPayload }))).status,
    ).toBe(401);
  });

  test('is a 503 while there is no key set, and the issuer is asked once', async () => {
    const fresh: Env = { ...guarded };
    const bearer = await token('me');
    const { keys } = keySet as { keys: object[] };
    keySet = null;
    const before = keySetReads;
    const { status, headers } = await read(bearer, fresh);
    keySet = { keys };
    expect(status).toBe(503);
    expect(headers.get('Retry-After')).not.toBeNull();
    expect((await read(bearer, fresh)).status).toBe(503);
    expect(keySetReads - before).toBe(1);
    expect((await read(bearer, { ...guarded })).status).toBe(200);
  });

  test('longer than the bound is a 401', async () => {
    expect((await read('x'.repeat(9_000))).status).toBe(401);
  });
});

describe('a socket', () => {
  const asked = (bearer: string, options: { userId?: string; on?: Env } = {}) => ({
    on: guarded,
    protocols: [LIVE_PROTOCOL, `bearer.${bearer}`],
    ...options,
  });

  test('shows its token as a subprotocol or as a header, and tells nobody the place of another', async () => {
    const eventId = await newEvent(1, true);
    const [me = '', other = ''] = await newUsers(2);
    const mine = await token(me);
    const open = async (...args: Parameters<typeof askForSocket>) => {
      const answer = await askForSocket(...args);
      answer.webSocket?.accept();
      answer.webSocket?.close();
      return answer.status;
    };
    expect(await open(eventId, { on: guarded })).toBe(401);
    expect(await open(eventId, asked('rdk_wrong'))).toBe(401);
    expect(await open(eventId, asked(''))).toBe(401);
    expect(await open(eventId, asked(mine))).toBe(101);
    expect(await open(eventId, asked(mine, { userId: me }))).toBe(101);
    expect(await open(eventId, asked(mine, { userId: other }))).toBe(403);
    expect(await open(eventId, asked(KEYS.organiser, { userId: other }))).toBe(101);
    expect(await open(eventId, asked(KEYS.service, { userId: other }))).toBe(101);
    const headers = { Authorization: `Bearer ${mine}` };
    expect(await open(eventId, { on: guarded, headers, userId: me })).toBe(101);
    expect(await open(eventId, { on: guarded, headers, userId: other })).toBe(403);
  });

  test('shows no token that way for another call', async () => {
    const headers = { 'Sec-WebSocket-Protocol': `bearer.${KEYS.organiser}` };
    expect((await call('GET', '/registration/events', { headers })).status).toBe(401);
  });

  test('tells nothing any more when the token has expired, and is closed then', async () => {
    const on: Env = { ...guarded, JWT_CLOCK_TOLERANCE_SECONDS: '0' };
    const eventId = await newEvent(2, true);
    const [me = ''] = await newUsers(1);
    const brief = await token(me, { expires: '1s' });
    using watching = await watch(eventId, asked(brief, { userId: me, on }));
    using kept = await watch(eventId, asked(await token(me), { userId: me, on }));
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const before = watching.texts.length;
    await register(me, eventId);
    await watching.until(({ closed }) => closed !== null);
    expect(watching.closed).toEqual({ code: 4401, reason: 'the token has expired' });
    expect(watching.texts.length).toBe(before);
    await kept.until(({ places }) => places.at(-1)?.status === 'ACTIVE');
  });

  test('too many of a person closes the oldest of theirs', async () => {
    const eventId = await newEvent(1, true);
    const [me = '', other = ''] = await newUsers(2);
    const mine = await token(me);
    using others = await watch(eventId, asked(await token(other)));
    const all = [await watch(eventId, asked(mine))];
    await new Promise((resolve) => setTimeout(resolve, 2));
    for (let i = 1; i < LIVE_MAX_SOCKETS_OF_PERSON; i++) {
      all.push(await watch(eventId, asked(mine)));
    }
    expect(all.filter(({ closed }) => closed !== null)).toEqual([]);
    all.push(await watch(eventId, asked(mine)));
    await all[0]?.until(({ closed }) => closed !== null);
    expect(all[0]?.closed?.code).toBe(4429);
    expect([others, ...all.slice(1)].filter(({ closed }) => closed !== null)).toEqual([]);
    for (const each of all) each[Symbol.dispose]();
  });

  test('counts against the limit of the caller', async () => {
    const eventId = await newEvent(1, true);
    let calls = 0;
    const limit = async () => ({ success: ++calls <= 1 });
    const on: Env = { ...guarded, CALLER_LIMIT: { limit } as RateLimit };
    using watching = await watch(eventId, asked(KEYS.service, { on }));
    expect(watching.texts.length).toBe(1);
    expect((await askForSocket(eventId, asked(KEYS.service, { on }))).status).toBe(429);
  });

  test('works beside answers to other origins, whose headers it gets too', async () => {
    const eventId = await newEvent(1, true);
    const on: Env = { ...guarded, CORS_ORIGINS: 'https://page.test' };
    const headers = { Origin: 'https://page.test' };
    using watching = await watch(eventId, { ...asked(KEYS.service, { on }), headers });
    expect(watching.texts.length).toBe(1);
  });
});

describe('an idempotency key', () => {
  test('of one caller does not replay the outcome of another', async () => {
    const headers = { 'Idempotency-Key': unique('key') };
    const body = { name: 'An event', capacity: 1 };
    const post = (bearer: string) =>
      call('POST', '/registration/events', { bearer, body, headers });
    const first = await post(KEYS.organiser);
    const again = await post(KEYS.organiser);
    const other = await post(KEYS.both);
    expect(again.body.eventId).toBe(first.body.eventId);
    expect(again.headers.get('Idempotency-Replayed')).toBe('true');
    expect(other.status).toBe(201);
    expect(other.body.eventId).not.toBe(first.body.eventId);
  });
});

describe('the log of an event', () => {
  /** Registers a user as an organiser and somebody as themselves, and gives the log as each sees it. */
  async function seenBy() {
    const eventId = unique('logged');
    const [first = '', second = ''] = await newUsers(2);
    const mine = await token(second);
    const bodies = [
      {
        path: 'events',
        bearer: KEYS.both,
        body: { eventId, name: 'Logged', capacity: 1, hasWaitlist: true },
      },
      { path: 'registrations', bearer: KEYS.organiser, body: { userId: first, eventId } },
      { path: 'registrations', bearer: mine, body: { userId: second, eventId } },
    ];
    for (const { path, bearer, body } of bodies) {
      expect((await call('POST', `/registration/${path}`, { bearer, body })).status).toBe(201);
    }
    const place = `/registration/registrations?userId=${first}&eventId=${eventId}`;
    expect((await call('DELETE', place, { bearer: KEYS.service })).status).toBe(200);
    const read = async (bearer?: string) =>
      call('GET', `/registration/events/${eventId}/log`, bearer === undefined ? {} : { bearer });
    return { first, second, mine, read };
  }

  test('tells organisers and services who had which place, and who made each change', async () => {
    const { first, second, read } = await seenBy();
    for (const bearer of [KEYS.organiser, KEYS.service, KEYS.both]) {
      const { items } = (await read(bearer)).body;
      const users = items.map(({ changes }: { changes: { userId?: string }[] }) =>
        changes.map(({ userId }) => userId),
      );
      expect(users).toEqual([[undefined], [first], [second], [first, second]]);
      expect(items.map(({ actor }: { actor: string }) => actor)).toEqual([
        'key:both',
        'key:organiser',
        `user:${second}`,
        'key:service',
      ]);
      expect(items[3].actors).toEqual(['key:service', 'key:service']);
    }
  });

  test('tells an attendee neither, not even of their own place, and the same chain', async () => {
    const { first, second, mine, read } = await seenBy();
    const { items } = (await read(mine)).body;
    const told = JSON.stringify(items);
    for (const secret of [first, second, 'userId', 'actor', 'key:', 'user:']) {
      expect(told).not.toContain(secret);
    }
    expect(items.at(-1).changes).toMatchObject([
      { type: 'registration.cancelled' },
      { type: 'registration.promoted', position: 1 },
    ]);
    let chain = '';
    for (const entry of items) {
      chain = await chainOf(chain, entry, hexDigestOf);
      expect(entry.chain).toBe(chain);
    }
    const { items: all } = (await read(KEYS.organiser)).body;
    expect(all.at(-1).chain).toBe(chain);
  });

  test('is nothing for somebody without a token or key', async () => {
    const { read } = await seenBy();
    expect((await read()).status).toBe(401);
  });
});

describe('in development', () => {
  const local: Env = { ...env, ENVIRONMENT: 'development', ALLOW_UNAUTHENTICATED: 'no' };
  const ask = (host: string, path: string, on = local) =>
    app.fetch(new Request(`http://${host}${path}`), on);

  test.each(['localhost', 'localhost:8787', '127.0.0.1:8787', '127.8.9.10', '[::1]:8787'])(
    '%s is answered',
    async (host) => {
      expect((await ask(host, '/registration/events')).status).toBe(200);
    },
  );

  test.each([
    'evil.test',
    'localhost.evil.test',
    '127.0.0.1.evil.test',
    '192.168.0.7',
    '[::2]',
    '0.0.0.0',
  ])('%s is a 421, whatever is asked', async (host) => {
    for (const path of ['/registration/events', '/health/ready', '/docs', '/nowhere']) {
      const response = await ask(host, path);
      expect(response.status, path).toBe(421);
      expect(response.headers.get('Content-Type')).toBe('application/problem+json');
      expect(await response.json()).toMatchObject({
        title: 'MisdirectedError',
        detail: expect.stringContaining('ALLOW_UNAUTHENTICATED'),
      });
    }
  });

  test('every host is answered with ALLOW_UNAUTHENTICATED, and outside development', async () => {
    const open: Env = { ...local, ALLOW_UNAUTHENTICATED: 'yes' };
    expect((await ask('evil.test', '/registration/events', open)).status).toBe(200);
    const dev: Env = { ...guarded, ENVIRONMENT: 'dev', ALLOW_UNAUTHENTICATED: 'no' };
    expect((await ask('desk.test', '/registration/events', dev)).status).toBe(401);
  });

  test('without settings, a 503 gives advice for this machine only on this machine', async () => {
    const { ENVIRONMENT: _, AUTH_MODE: __, ...rest } = env;
    const bare = rest as Env;
    const here = await ask('localhost:8787', '/registration/events', bare);
    expect(here.status).toBe(503);
    const { detail } = (await here.json()) as { detail: string };
    expect(detail).toContain('AUTH_MODE must be one of');
    expect(detail).toContain('`npm start`');
    const elsewhere = await ask('desk.test', '/registration/events', bare);
    expect(elsewhere.status).toBe(503);
    expect(await elsewhere.text()).not.toContain('npm start');
  });
});

describe('limits', () => {
  /** A limit like the runtime's binding, for one test. */
  const limitOf = (most: number) => {
    const counts = new Map<string, number>();
    return {
      async limit({ key }: { key: string }) {
        counts.set(key, (counts.get(key) ?? 0) + 1);
        return { success: (counts.get(key) ?? 0) <= most };
      },
    } as RateLimit;
  };

  test('past the limit of a caller is a 429 with Retry-After; other callers go on', async () => {
    const limited: Env = { ...guarded, CALLER_LIMIT: limitOf(2) };
    const read = async (userId: string) =>
      call('GET', '/registration/events', { bearer: await token(userId), on: limited });
    expect([(await read('a')).status, (await read('a')).status]).toEqual([200, 200]);
    const refused = await read('a');
    expect(refused.status).toBe(429);
    expect(refused.headers.get('Retry-After')).toBe('60');
    expect(refused.headers.get('RateLimit')).toBe('"caller";r=0;t=60');
    expect(refused.headers.get('RateLimit-Policy')).toBe('"caller";q=600;w=60');
    expect((await read('b')).status).toBe(200);
  });

  test('an address that guesses keys is refused before they are checked', async () => {
    const limited: Env = { ...guarded, ADDRESS_LIMIT: limitOf(1) };
    const guess = (address: string) =>
      call('GET', '/registration/events', {
        bearer: 'rdk_guess',
        headers: { 'cf-connecting-ip': address },
        on: limited,
      });
    expect((await guess('192.0.2.1')).status).toBe(401);
    const refused = await guess('192.0.2.1');
    expect(refused.status).toBe(429);
    expect(refused.headers.get('RateLimit')).toBe('"address";r=0;t=60');
    expect(refused.headers.get('RateLimit-Policy')).toBe('"address";q=6000;w=60');
    expect((await guess('192.0.2.2')).status).toBe(401);
  });

  test.each(['/health', '/health/ready', '/openapi.json', '/docs', '/docs/start.js', '/nowhere'])(
    '%s counts against the address too, though everybody may ask for it',
    async (path) => {
      const limited: Env = { ...guarded, ADDRESS_LIMIT: limitOf(1) };
      expect((await call('GET', path, { on: limited })).status).not.toBe(429);
      expect((await call('GET', path, { on: limited })).status).toBe(429);
    },
  );

  test.each([
    ['a preflight of a configured origin', 'OPTIONS', '/registration/events', 204],
    ['OPTIONS of a path that is not there', 'OPTIONS', '/nowhere', 204],
    ['a URL that is too long', 'GET', `/registration/events?x=${'x'.repeat(9_000)}`, 414],
    ['a broken percent-encoding', 'GET', '/registration/users/%ff', 400],
    ['a method that is not allowed', 'PUT', '/registration/users', 405],
  ] as const)('%s counts before anything is done for it', async (_, method, path, status) => {
    const limited: Env = {
      ...guarded,
      CORS_ORIGINS: 'https://desk.example',
      ADDRESS_LIMIT: limitOf(1),
    };
    const headers = { Origin: 'https://desk.example' };
    expect((await call(method, path, { headers, on: limited })).status).toBe(status);
    const refused = await call(method, path, { headers, on: limited });
    expect(refused.status).toBe(429);
    expect(refused.headers.get('X-Content-Type-Options')).toBe('nosniff');
    // A page can read the 429 of a call, but never the answer to a preflight.
    const allowed = method === 'OPTIONS' ? null : 'https://desk.example';
    expect(refused.headers.get('Access-Control-Allow-Origin')).toBe(allowed);
  });

  test('OPTIONS counts once without configured origins, as every call does', async () => {
    const limited: Env = { ...guarded, ADDRESS_LIMIT: limitOf(2) };
    const ask = async (method: string) => (await call(method, '/health', { on: limited })).status;
    expect([await ask('OPTIONS'), await ask('GET'), await ask('GET')]).toEqual([405, 200, 429]);
  });

  test('the addresses of one /64 count together, and an IPv4 address alone', async () => {
    const limited: Env = { ...guarded, ADDRESS_LIMIT: limitOf(1) };
    const ask = async (address: string) => {
      const headers = { 'cf-connecting-ip': address };
      return (await call('GET', '/health', { headers, on: limited })).status;
    };
    expect(await ask('2001:db8:1:2::1')).toBe(200);
    expect(await ask('2001:DB8:1:2:ffff::2')).toBe(429);
    expect(await ask('2001:db8:1:3::1')).toBe(200);
    expect(await ask('192.0.2.1')).toBe(200);
    expect(await ask('192.0.2.2')).toBe(200);
    expect(await ask('::ffff:192.0.2.2')).toBe(429);
  });

  test("the runtime's own binding counts each address and each caller for itself", async () => {
    const { TWO_A_MINUTE } = env as unknown as { TWO_A_MINUTE: RateLimit };
    /** The answers to so many calls. Two are let in, or four if a new minute begins meanwhile. */
    const answers = async (once: () => Promise<{ status: number }>) => {
      const statuses: number[] = [];
      for (let i = 0; i < 5; i++) statuses.push((await once()).status);
      return statuses;
    };
    const userId = unique('caller');
    const byCaller: Env = { ...guarded, CALLER_LIMIT: TWO_A_MINUTE };
    const bearer = await token(userId);
    const mine = await answers(() => call('GET', '/registration/events', { bearer, on: byCaller }));
    expect(mine.slice(0, 2)).toEqual([200, 200]);
    expect(mine).toContain(429);
    const other = await token(unique('caller'));
    const theirs = await call('GET', '/registration/events', { bearer: other, on: byCaller });
    expect(theirs.status).toBe(200);

    const byAddress: Env = { ...guarded, ADDRESS_LIMIT: TWO_A_MINUTE };
    const headers = { 'cf-connecting-ip': unique('192.0.2.1') };
    const anybodys = await answers(() => call('GET', '/health', { headers, on: byAddress }));
    expect(anybodys.slice(0, 2)).toEqual([200, 200]);
    expect(anybodys).toContain(429);
  });
});
