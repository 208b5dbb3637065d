import { env } from 'cloudflare:workers';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { digestOf } from '../../src/digest.ts';
import app from '../../src/http/app.ts';
import { leftSchema, userExportSchema } from '../../src/http/schemas.ts';
import { newEvent, newUsers, register, unique } from '../support/desk.ts';

const ISSUER = 'https://privacy.test';
const PLACES = '/registration/registrations';
const SERVICE = 'rdk_service';

const pair = await generateKeyPair('ES256');
const published = { ...(await exportJWK(pair.publicKey)), kid: 'k1', alg: 'ES256' };
const digest = Array.from(await digestOf(SERVICE), (byte) => byte.toString(16).padStart(2, '0'));
const guarded: Env = {
  ...env,
  AUTH_MODE: 'jwt,key',
  JWT_ISSUER: ISSUER,
  JWT_AUDIENCE: 'registration-desk',
  JWT_JWKS_URL: `${ISSUER}/keys`,
  API_KEYS: JSON.stringify([{ name: 'service', roles: ['service'], sha256: digest.join('') }]),
};

/** The issuer's key set, in place of the network. */
const original = globalThis.fetch;
beforeAll(() => {
  globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    return request.url.startsWith(ISSUER)
      ? Response.json({ keys: [published] })
      : original(request);
  };
});
afterAll(() => {
  globalThis.fetch = original;
});

const tokenOf = (userId: string, roles: string[] = []) =>
  new SignJWT({ roles })
    .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
    .setIssuer(ISSUER)
    .setAudience('registration-desk')
    .setSubject(userId)
    .setExpirationTime('5m')
    .sign(pair.privateKey);

async function call(
  bearer: string | null,
  method: string,
  path: string,
  { body, key }: { body?: unknown; key?: string } = {},
) {
  const request = new Request(`http://desk.test${path}`, {
    method,
    headers: {
      ...(bearer === null ? {} : { Authorization: `Bearer ${bearer}` }),
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...(key === undefined ? {} : { 'Idempotency-Key': key }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const response = await app.fetch(request, bearer === null ? env : guarded);
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** A full event with one seat, the user who has it, and the one who waits. */
async function full() {
  const eventId = await newEvent(1, true);
  const [seated = '', waiting = ''] = await newUsers(2);
  await register(seated, eventId);
  await register(waiting, eventId);
  return { eventId, seated, waiting, path: `${PLACES}?userId=${seated}&eventId=${eventId}` };
}

test('an attendee who leaves is not told who took the seat, not even by a replay', async () => {
  const { eventId, seated, waiting, path } = await full();
  const bearer = await tokenOf(seated);
  const key = unique('key');
  const first = await call(bearer, 'DELETE', path, { key });
  const again = await call(bearer, 'DELETE', path, { key });
  expect(again.headers.get('Idempotency-Replayed')).toBe('true');
  for (const { status, text } of [first, again]) {
    expect(status).toBe(200);
    expect(text).not.toContain(waiting);
    const left = leftSchema.parse(JSON.parse(text));
    expect(left).toEqual({
      success: true,
      message: `User ${seated} has left event ${eventId}.`,
      promoted: null,
      offered: null,
    });
  }
  const stands = await call(await tokenOf(waiting), 'GET', path.replaceAll(seated, waiting));
  expect(JSON.parse(stands.text).status).toBe('ACTIVE');
});

test('an attendee who leaves is not told who is offered the seat; an organiser is', async () => {
  const { eventId, seated, waiting, path } = await full();
  const change = { body: { offerSeconds: 60 } };
  await call(null, 'PATCH', `/registration/events/${eventId}`, change);
  const key = unique('key');
  const own = await call(await tokenOf(seated), 'DELETE', path, { key });
  expect(own.text).not.toContain(waiting);
  expect(leftSchema.parse(JSON.parse(own.text))).toMatchObject({ promoted: null, offered: null });
  const organiser = await tokenOf(seated, ['organiser']);
  const { offered } = leftSchema.parse(
    JSON.parse((await call(organiser, 'DELETE', path, { key })).text),
  );
  expect(offered?.userId).toBe(waiting);
  // Nobody but who is offered the seat may take it or decline it.
  const theirs = path.replaceAll(seated, waiting).replace(PLACES, '/registration/waitlist');
  expect((await call(await tokenOf(seated), 'DELETE', theirs)).status).toBe(403);
  expect((await call(await tokenOf(waiting), 'DELETE', theirs)).status).toBe(200);
  const list = `/registration/events/${eventId}/offers`;
  expect((await call(await tokenOf(waiting), 'GET', list)).status).toBe(403);
});

test('the same caller sees more with more rights, even in a replay of the same request', async () => {
  const { seated, waiting, path } = await full();
  const key = unique('key');
  await call(await tokenOf(seated), 'DELETE', path, { key });
  // The whole outcome is stored for the key; only the answer leaves something out.
  const asOrganiser = await call(await tokenOf(seated, ['organiser']), 'DELETE', path, { key });
  expect(asOrganiser.headers.get('Idempotency-Replayed')).toBe('true');
  expect(leftSchema.parse(JSON.parse(asOrganiser.text)).promoted?.userId).toBe(waiting);
  const asAttendee = await call(await tokenOf(seated), 'DELETE', path, { key });
  expect(asAttendee.text).not.toContain(waiting);
});

test.for([
  ['an attendee who also organises', (userId: string) => tokenOf(userId, ['organiser'])],
  ['an attendee who is also a service', (userId: string) => tokenOf(userId, ['service'])],
  ['a service', () => SERVICE],
  ['anybody, where authentication is off', () => null],
] as const)('%s is told who took the seat', async ([, bearerOf]) => {
  const { seated, waiting, path } = await full();
  const { text } = await call(await bearerOf(seated), 'DELETE', path);
  const left = leftSchema.parse(JSON.parse(text));
  expect(left.promoted?.userId).toBe(waiting);
  expect(left.message).toContain(waiting);
});

test('an export has what its user has done to others, and not to whom', async () => {
  const [host = '', guest = ''] = await newUsers(2);
  const eventId = await newEvent(2, true);
  const asOrganiser = await tokenOf(host, ['organiser']);
  await call(asOrganiser, 'POST', PLACES, { body: { userId: guest, eventId } });
  await call(await tokenOf(host), 'POST', PLACES, { body: { userId: host, eventId } });
  const { text } = await call(await tokenOf(host), 'GET', `/registration/users/${host}/export`);
  expect(text).not.toContain(guest);
  const { log } = userExportSchema.parse(JSON.parse(text));
  expect(log.items.map(({ isAbout, isBy }) => [isAbout, isBy])).toEqual([
    [false, true],
    [true, true],
  ]);
  const about = await call(SERVICE, 'GET', `/registration/users/${guest}/export`);
  expect(about.text).not.toContain(host);
});

test('nobody but they themselves, and services, may change, see all of, or erase a user', async () => {
  const [me = '', other = ''] = await newUsers(2);
  const calls = (userId: string) =>
    [
      ['PATCH', `/registration/users/${userId}`, { body: { name: 'x' } }],
      ['GET', `/registration/users/${userId}/places`, {}],
      ['GET', `/registration/users/${userId}/export`, {}],
      ['DELETE', `/registration/users/${userId}`, {}],
    ] as const;
  const bearers = [await tokenOf(me), await tokenOf(me, ['organiser'])];
  for (const bearer of bearers) {
    for (const [method, path, options] of calls(other)) {
      expect((await call(bearer, method, path, options)).status).toBe(403);
    }
  }
  for (const [bearer, userId] of [
    [await tokenOf(me), me],
    [SERVICE, other],
  ] as const) {
    const statuses: number[] = [];
    for (const [method, path, options] of calls(userId)) {
      statuses.push((await call(bearer, method, path, options)).status);
    }
    expect(statuses).toEqual([200, 200, 200, 202]);
  }
});

test('no other answer to an attendee names anybody else', async () => {
  const { eventId, seated, waiting } = await full();
  const [me = ''] = await newUsers(1);
  const bearer = await tokenOf(me);
  const events = '/registration/events';
  const about = `?userId=${me}&eventId=${eventId}`;
  const post = { body: { userId: me, eventId } };
  const answers = [
    await call(bearer, 'POST', PLACES, post),
    await call(bearer, 'POST', PLACES, post),
    await call(bearer, 'GET', `${PLACES}${about}`),
    await call(bearer, 'DELETE', `${PLACES}${about}`),
    await call(bearer, 'DELETE', `/registration/waitlist${about}`),
    await call(bearer, 'GET', `${events}/${eventId}`),
    await call(bearer, 'GET', `${events}/${eventId}/capacity`),
    await call(bearer, 'GET', `${events}/${eventId}/registrations`),
    await call(bearer, 'GET', `${events}/${eventId}/waitlist`),
    await call(bearer, 'PATCH', `${events}/${eventId}?dryRun=true`, { body: { capacity: 9 } }),
    await call(bearer, 'GET', `/registration/users/${me}`),
    await call(bearer, 'GET', `/registration/users/${me}/events`),
    await call(bearer, 'GET', `/registration/users/${me}/places`),
    await call(bearer, 'GET', `/registration/users/${me}/export`),
    await call(bearer, 'PATCH', `/registration/users/${me}`, { body: { name: 'Me' } }),
    await call(bearer, 'DELETE', `/registration/users/${me}`),
  ];
  expect(answers.map(({ status }) => status)).toEqual([
    ...[201, 409, 200, 404, 200, 200, 200, 403, 403, 403, 200, 200],
    ...[200, 200, 200, 202],
  ]);
  for (const { text } of answers) {
    expect(text).not.toContain(seated);
    expect(text).not.toContain(waiting);
  }
});
