import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import { ACCESS } from '../../src/auth/access.ts';
import { openLinks } from '../../src/auth/links.ts';
import { hexDigestOf } from '../../src/digest.ts';
import app from '../../src/http/app.ts';
import { linkSchema } from '../../src/http/schemas.ts';
import { LINK_DEFAULT_SECONDS, LINK_MAX_SECONDS } from '../../src/http-limits.ts';
import { newEvent, newUsers, register, unique } from '../support/desk.ts';
import { askForSocket, watch } from '../support/watching.ts';

const SECRET = 'the first secret of links has 32 bytes';
const OTHER = 'another secret of links has 32 bytes';
const KEYS = { organiser: 'rdk_organiser', service: 'rdk_service' };
const guarded: Env = {
  ...env,
  AUTH_MODE: 'key,link',
  LINK_SECRET: SECRET,
  API_KEYS: JSON.stringify([
    { name: 'organiser', roles: ['organiser'], sha256: await hexDigestOf(KEYS.organiser) },
    { name: 'service', roles: ['service'], sha256: await hexDigestOf(KEYS.service) },
  ]),
};

async function call(
  method: string,
  path: string,
  bearer: string | null,
  body?: unknown,
  on: Env = guarded,
) {
  const headers = {
    ...(bearer === null ? {} : { Authorization: `Bearer ${bearer}` }),
    ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
  };
  const content = body === undefined ? {} : { body: JSON.stringify(body) };
  const request = new Request(`https://desk.test${path}`, { method, headers, ...content });
  const response = await app.fetch(request, on);
  const text = await response.text();
  // biome-ignore lint/suspicious/noExplicitAny: whatever the wire brings; the assertions check it
  const answer: any = text ? JSON.parse(text) : undefined;
  return { status: response.status, body: answer, headers: response.headers };
}

const makeLink = (body: object, bearer: string | null = KEYS.service, on = guarded) =>
  call('POST', '/registration/links', bearer, body, on);

/** The token of a new link. */
async function linkFor(userId: string, eventId?: string, on = guarded): Promise<string> {
  const { status, body } = await makeLink({ userId, eventId }, KEYS.service, on);
  expect(status).toBe(201);
  return new URL(body.url).hash.replace('#token=', '');
}

const standing = (bearer: string, userId: string, eventId: string, on = guarded) =>
  call(
    'GET',
    `/registration/registrations?userId=${userId}&eventId=${eventId}`,
    bearer,
    undefined,
    on,
  );

describe('a link', () => {
  test('is made by a service and an organiser, for the page of the event or of all', async () => {
    const before = Date.now();
    const one = await makeLink({ userId: 'ada', eventId: 'gala 1/2', expiresInSeconds: 60 });
    expect(one.status).toBe(201);
    expect(linkSchema.parse(one.body)).toEqual(one.body);
    expect(one.body.url).toMatch(
      /^https:\/\/desk\.test\/e\/gala%201%2F2#token=rdl1_[\w-]+\.[\w-]{43}$/,
    );
    const late = Date.parse(one.body.expiresAt) - before;
    expect(late).toBeGreaterThan(58_000);
    expect(late).toBeLessThanOrEqual(60_500);
    expect(one.headers.get('Cache-Control')).toBe('no-store');
    const all = await makeLink({ userId: 'ada' }, KEYS.organiser);
    expect(all.body.url).toMatch(/^https:\/\/desk\.test\/#token=rdl1_/);
    const usual = Date.parse(all.body.expiresAt) - before;
    expect(Math.round(usual / 1_000 / 60)).toBe(LINK_DEFAULT_SECONDS / 60);
  });

  test('leads to PUBLIC_URL where that is set, whatever host the call was made to', async () => {
    const on: Env = { ...guarded, PUBLIC_URL: 'https://tickets.example' };
    const { body } = await makeLink({ userId: 'ada', eventId: 'gala' }, KEYS.service, on);
    expect(body.url).toMatch(/^https:\/\/tickets\.example\/e\/gala#token=rdl1_/);
  });

  test('is made by nobody else, and with nothing else', async () => {
    expect((await makeLink({ userId: 'ada' }, null)).status).toBe(401);
    expect((await makeLink({ userId: 'ada' }, await linkFor('ada'))).status).toBe(403);
    for (const body of [
      { userId: ' ' },
      {},
      { userId: 'ada', eventId: '' },
      { userId: 'ada', expiresInSeconds: 59 },
      { userId: 'ada', expiresInSeconds: LINK_MAX_SECONDS + 1 },
      { userId: 'ada', expiresInSeconds: 60.5 },
      { userId: 'ada', roles: ['organiser'] },
    ]) {
      expect((await makeLink(body)).status, JSON.stringify(body)).toBe(400);
    }
    const longest = await makeLink({ userId: 'ada', expiresInSeconds: LINK_MAX_SECONDS });
    expect(longest.status).toBe(201);
  });

  test('is a 404 where AUTH_MODE does not have it, and its token a 401', async () => {
    const token = await linkFor('ada');
    const on: Env = { ...guarded, AUTH_MODE: 'key' };
    expect((await makeLink({ userId: 'ada' }, KEYS.service, on)).status).toBe(404);
    expect((await call('GET', '/registration/events', token, undefined, on)).status).toBe(401);
  });

  test('lets its holder act as that attendee, whoever that is by name, and as nobody else', async () => {
    const eventId = await newEvent(5, true);
    const [other = ''] = await newUsers(1);
    const me = `${unique('ümläut')} 会😀`;
    const token = await linkFor(me);
    const created = await call('POST', '/registration/users', token, { userId: me, name: 'Me' });
    expect(created.status).toBe(201);
    const placed = await call('POST', '/registration/registrations', token, {
      userId: me,
      eventId,
    });
    expect(placed.status).toBe(201);
    const { body: mine } = await standing(token, encodeURIComponent(me), eventId);
    expect(mine).toMatchObject({ status: 'ACTIVE' });
    expect((await call('GET', '/registration/events', token)).status).toBe(200);
    expect((await standing(token, other, eventId)).status).toBe(403);
    const theirs = { userId: other, eventId };
    expect((await call('POST', '/registration/registrations', token, theirs)).status).toBe(403);
    const past = { userId: me, eventId, override: { reason: 'me' } };
    expect((await call('POST', '/registration/registrations', token, past)).status).toBe(403);
    const event = { name: 'Mine', capacity: 1 };
    expect((await call('POST', '/registration/events', token, event)).status).toBe(403);
    const log = await call('GET', `/registration/events/${eventId}/log`, KEYS.organiser);
    expect(log.body.items.at(-1).actor).toBe(`user:${me}`);
    const seen = await call('GET', `/registration/events/${eventId}/log`, token);
    expect(JSON.stringify(seen.body)).not.toContain('user:');
  });

  test('for one event opens no other, and nothing that is about no event', async () => {
    const [eventId, elsewhere] = [await newEvent(5, true), await newEvent(5, true)];
    const [me = ''] = await newUsers(1);
    const token = await linkFor(me, eventId);
    for (const route of Object.keys(ACCESS)) {
      if (ACCESS[route] === 'public') continue;
      const [method = '', pattern = ''] = route.split(' ');
      const about = (where: string) => {
        const path = pattern.replace(':eventId', where).replace(':userId', me).replace(/:\w+/, 'x');
        const isPlace = /registration\/(registrations|waitlist)$/.test(pattern);
        if (method === 'POST') return call(method, path, token, { userId: me, eventId: where });
        const query = isPlace ? `?userId=${me}&eventId=${where}` : '';
        return call(method, path + query, token, method === 'PATCH' ? {} : undefined);
      };
      expect((await about(elsewhere)).status, `${route} elsewhere`).toBe(403);
      const rule = ACCESS[route];
      const isOpen =
        (pattern.includes(':eventId') || /registrations$|waitlist$/.test(pattern)) &&
        rule?.attendee !== 'no';
      const { status } = await about(eventId);
      if (isOpen) expect([401, 403], route).not.toContain(status);
      else expect(status, route).toBe(403);
    }
    const body = { userId: me, eventId: ` ${elsewhere} ` };
    expect((await call('POST', '/registration/registrations', token, body)).status).toBe(403);
  });

  test('opens a socket of its event, and of no other', async () => {
    const [eventId, elsewhere] = [await newEvent(5, true), await newEvent(5, true)];
    const [me = ''] = await newUsers(1);
    const token = await linkFor(me, eventId);
    const options = {
      userId: me,
      on: guarded,
      protocols: ['registration.live.v1', `bearer.${token}`],
    };
    using watching = await watch(eventId, options);
    await register(me, eventId);
    await watching.until(({ places }) => places.at(-1)?.status === 'ACTIVE');
    expect((await askForSocket(elsewhere, options)).status).toBe(403);
  });
});

describe('the token of a link', () => {
  const read = (token: string, on = guarded) =>
    call('GET', '/registration/events', token, undefined, on);

  test('works to the last second, and then is a 401 that says so', async () => {
    let now = 1_000_000_000;
    const links = openLinks([SECRET], () => now);
    const token = await links.sign({ userId: 'ada', eventId: null, endsAt: 1_000_001 });
    now = 1_000_000_999;
    expect(await links.verify(token)).toMatchObject({ userId: 'ada', endsAt: 1_000_001_000 });
    now = 1_000_001_000;
    expect(await links.verify(token)).toBe('expired');
    const { status, body } = await read(token);
    expect([status, body.title]).toEqual([401, 'UnauthenticatedError']);
    expect(body.detail).toContain('expired');
  });

  test('of which any character is changed, or a part is missing or added, is a 401', async () => {
    const token = await linkFor('ada', 'gala');
    const links = openLinks([SECRET]);
    expect(await links.verify(token)).not.toBeNull();
    for (let i = 0; i < token.length; i++) {
      // Another letter, and the one next to it, whose spare bits may stand for the same bytes.
      for (const other of ['A', 'B', String.fromCharCode(token.charCodeAt(i) + 1)]) {
        if (token[i] === other) continue;
        const changed = token.slice(0, i) + other + token.slice(i + 1);
        expect(await links.verify(changed), `${i} ${other}`).toBeNull();
      }
    }
    const [signed = '', signature = ''] = token.split('.');
    for (const bad of [
      '',
      'rdl1_',
      'rdl1_.',
      signed,
      `${signed}.`,
      `.${signature}`,
      `rdl1_.${signature}`,
      `${token}A`,
      `${token}=`,
      `${token}.${signature}`,
      ` ${token}`,
      `rdl2_${token.slice(5)}`,
    ]) {
      expect(await links.verify(bad), bad).toBeNull();
    }
    expect((await read(`${token}A`)).status).toBe(401);
    expect((await read('rdl1_x.y')).status).toBe(401);
  });

  test('is accepted while its secret is the second, and not any more when it is gone', async () => {
    const token = await linkFor('ada');
    const rotating: Env = { ...guarded, LINK_SECRET: `${OTHER}, ${SECRET}` };
    expect((await read(token, rotating)).status).toBe(200);
    const newer = await linkFor('ada', undefined, rotating);
    const rotated: Env = { ...guarded, LINK_SECRET: OTHER };
    expect((await read(newer, rotated)).status).toBe(200);
    expect((await read(token, rotated)).status).toBe(401);
    expect((await read(newer)).status).toBe(401);
  });

  test('is no token of an issuer, and works beside one', async () => {
    const on: Env = {
      ...guarded,
      AUTH_MODE: 'jwt,key,link',
      JWT_ISSUER: 'https://issuer.test',
      JWT_AUDIENCE: 'desk',
      JWT_JWKS_URL: 'https://issuer.test/keys',
    };
    expect((await read(await linkFor('ada'), on)).status).toBe(200);
  });
});
