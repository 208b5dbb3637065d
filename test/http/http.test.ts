import { env } from 'cloudflare:workers';
import { encodeBase64Url } from 'hono/utils/encode';
import { describe, expect, test } from 'vitest';
import app from '../../src/http/app.ts';
import { readIfMatch } from '../../src/http/entity-tags.ts';
import { URL_MAX_CHARS } from '../../src/http-limits.ts';
import { api, countDynamo, newEvent, newUsers, register } from '../support/desk.ts';

const EVENTS = '/registration/events';
const ORIGIN = 'https://desk.example';

const call = (path: string, init: RequestInit = {}, more: object = {}) =>
  app.fetch(new Request(`http://desk.test${path}`, init), {
    ...env,
    CORS_ORIGINS: ORIGIN,
    ...more,
  });

describe('a list', () => {
  const typeOf = async (path: string, accept?: string) => {
    const { headers, body } = await call(path, accept === undefined ? {} : { headers: { accept } });
    await body?.cancel();
    expect(headers.get('Vary')?.split(', ')).toContain('Accept');
    return headers.get('Content-Type')?.split(';')[0];
  };

  test.for([
    [undefined, 'json'],
    ['', 'json'],
    ['*/*', 'json'],
    ['text/csv', 'csv'],
    ['TEXT/CSV', 'csv'],
    ['text/csv; header=present', 'csv'],
    ['text/csv;q=0', 'json'],
    ['text/csv;q=0.0, */*', 'json'],
    ['text/csv;q=0, text/*', 'json'],
    ['text/*', 'csv'],
    ['application/*', 'json'],
    ['text/csvx', 'json'],
    ['xtext/csv', 'json'],
    ['application/vnd.text/csv', 'json'],
    ['application/json;note="text/csv"', 'json'],
    ['application/json, text/csv;q=0.9', 'json'],
    ['application/json;q=0.5, text/csv;q=0.6', 'csv'],
    ['*/*, text/csv;q=0.1', 'json'],
    ['*/*;q=0.1, text/csv', 'csv'],
    ['text/csv, */*', 'csv'],
    ['application/json;q=0, */*', 'csv'],
    ['application/json, text/csv', 'json'],
    ['text/csv, application/json', 'csv'],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'json'],
    ['image/png', 'json'],
  ] as const)('asked for by %s is %s', async ([accept, type]) => {
    const eventId = await newEvent(1, true);
    const expected = type === 'csv' ? 'text/csv' : 'application/json';
    for (const list of ['registrations', 'waitlist']) {
      expect(await typeOf(`${EVENTS}/${eventId}/${list}`, accept)).toBe(expected);
    }
  });
});

describe('an event that is read again', () => {
  const read = (eventId: string, tags: string, method = 'GET') =>
    call(`${EVENTS}/${eventId}`, {
      method,
      headers: { 'If-None-Match': tags, Origin: ORIGIN },
    });

  test.for(['"1"', 'W/"1"', '"0", "1"', '"a,b" , W/"1"', '*', ' * ', '"9",,"1",', ',"1"'])(
    'is not sent to a caller who has it: %s',
    async (tags) => {
      const eventId = await newEvent(1, false);
      for (const method of ['GET', 'HEAD']) {
        const answer = await read(eventId, tags, method);
        expect([answer.status, await answer.text()]).toEqual([304, '']);
        expect(answer.headers.get('ETag')).toBe('"1"');
        expect(answer.headers.get('Content-Type')).toBeNull();
        expect(answer.headers.get('Cache-Control')).toBe('no-store');
        expect(answer.headers.get('X-Content-Type-Options')).toBe('nosniff');
        expect(answer.headers.get('Access-Control-Allow-Origin')).toBe(ORIGIN);
        expect(answer.headers.get('X-Request-Id')).toBeTruthy();
      }
    },
  );

  test.for([
    '"2"',
    '"01"',
    '1',
    '"1',
    '""',
    '',
    '" 1"',
    'w/"1"',
    '"a,"1"',
    '"1" "2"',
    '"1", *',
    'x, "1"',
  ])('is sent to a caller who has another revision: %s', async (tags) => {
    const eventId = await newEvent(1, false);
    const answer = await read(eventId, tags);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ eventId });
  });

  test('is sent when it has changed, with an answer as described', async () => {
    const eventId = await newEvent(1, false);
    const headers = { 'If-None-Match': '"1"' };
    expect((await api('GET', `${EVENTS}/${eventId}`, undefined, headers)).status).toBe(304);
    await api('PATCH', `${EVENTS}/${eventId}`, { name: 'Other' });
    const { status, body } = await api('GET', `${EVENTS}/${eventId}`, undefined, headers);
    expect([status, body.name]).toEqual([200, 'Other']);
  });

  test('and does not exist is a 404, whatever tags the caller has', async () => {
    expect((await read('nowhere', '*')).status).toBe(404);
  });
});

describe('a change of an event as it was', () => {
  const change = async (eventId: string, tags: string, method = 'PATCH') => {
    const body = method === 'PATCH' ? { capacity: 2 } : undefined;
    return (await api(method, `${EVENTS}/${eventId}`, body, { 'If-Match': tags })).status;
  };

  test('is refused for no tag at all', () => {
    expect([readIfMatch(''), readIfMatch(' , '), readIfMatch(undefined)]).toEqual([[], [], null]);
  });

  test.for([
    '"02"',
    '"2.0"',
    '"2e0"',
    '"0x2"',
    '" 2"',
    'W/"2"',
    '2',
    '"2',
    '"2" "3"',
    '"1,2"',
    '"1", *',
  ])('is refused for %s, which is no tag of revision 2', async (tags) => {
    const eventId = await newEvent(1, false);
    await api('PATCH', `${EVENTS}/${eventId}`, { name: 'Second' });
    expect(await change(eventId, tags)).toBe(412);
    expect(await change(eventId, tags, 'DELETE')).toBe(412);
  });

  test.for(['"2"', '"a,b", "2"', 'W/"2", "2"', '"1","2"', '*'])('is made for %s', async (tags) => {
    const eventId = await newEvent(1, false);
    await api('PATCH', `${EVENTS}/${eventId}`, { name: 'Second' });
    expect(await change(eventId, tags)).toBe(200);
  });
});

describe('a change with a misspelt name', () => {
  test.for([
    [{ capacityy: 5 }, ['capacityy']],
    [{ capacity: 5, Name: 'x', waitlist: true }, ['Name', 'waitlist']],
    [{ capacity: 0, nam: 'x' }, ['capacity', 'nam']],
    [{ '': 1 }, ['']],
    ['{"__proto__":{"capacity":5}}', ['__proto__']],
    [{ constructor: 1 }, ['constructor']],
  ] as const)('%j is told which', async ([body, paths]) => {
    const eventId = await newEvent(1, false);
    const answer = await api('PATCH', `${EVENTS}/${eventId}`, body);
    expect(answer.status).toBe(400);
    expect(answer.body.errors.map(({ path }: { path: string }) => path)).toEqual(paths);
  });

  test('is not made either when `dryRun` is misspelt', async () => {
    const eventId = await newEvent(1, false);
    for (const query of ['dryrun=true', 'dryRun=true&dry_run=true', 'dry-run']) {
      const answer = await api('PATCH', `${EVENTS}/${eventId}?${query}`, { capacity: 5 });
      expect(answer.status).toBe(400);
      expect(answer.body.errors[0].path).toMatch(/^dry/);
    }
    expect((await api('GET', `${EVENTS}/${eventId}`)).body.capacity).toBe(1);
  });
});

describe('a cursor', () => {
  const encode = (text: string) => encodeBase64Url(new TextEncoder().encode(text).buffer);
  const raw = (...bytes: number[]) => encodeBase64Url(Uint8Array.from(bytes).buffer);

  /** A cursor of a list of people, with one part changed. */
  const forPeople = (list: string, eventId: string) => {
    const of = (...parts: unknown[]) => encode(JSON.stringify(parts));
    const last = [
      '1.5',
      '-1',
      '1e400',
      '1e309',
      '9007199254740993',
      'null',
      '"1"',
      'true',
      '[1]',
      '{}',
      '-0',
      '1.0',
    ];
    return [
      ...last.map((text) => encode(`["${list}","${eventId}",${text}]`)),
      of(list, eventId),
      of(list, eventId, 1, 2),
      of(list, 'other', 1),
      of('events', eventId, 1),
      of('events', '', eventId),
      of(list, [eventId], 1),
      of([list, eventId, 1]),
      encode(`{"0":"${list}","1":"${eventId}","2":1,"length":3}`),
      encode(` ["${list}","${eventId}",1]`),
      encode(`["${list}","${eventId}",1] `),
      encode(`["${list}","${eventId}",1`),
      encode('null'),
      encode(''),
      '',
      'a',
      '====',
      '!!!!',
      raw(0xff, 0xfe),
      raw(0x5b, 0xff, 0x5d),
    ];
  };

  test('of a list of people with a forged part is a 400', async () => {
    const eventId = await newEvent(1, true);
    for (const user of await newUsers(3)) await register(user, eventId);
    for (const list of ['registrations', 'waitlist']) {
      for (const cursor of forPeople(list, eventId)) {
        const path = `${EVENTS}/${eventId}/${list}?cursor=${encodeURIComponent(cursor)}`;
        const { status, body } = await api('GET', path);
        expect([status, body.errors?.[0].path], cursor).toEqual([400, 'cursor']);
      }
    }
  });

  test("of the events that can't be valid never reaches the table", async () => {
    const of = (last: unknown) => encode(JSON.stringify(['events', '', last]));
    const cursors = [
      ...[
        '',
        'x'.repeat(101),
        'x'.repeat(3_000),
        '\ud800',
        1,
        null,
        ['e'],
        { eventId: 'e' },
        true,
      ].map(of),
      encode('["events","","e","f"]'),
      encode('["events","e","e"]'),
      encode('["events","","\\u0065"]'),
      encode('["events","","e" ]'),
      encode('["registrations","","e"]'),
      raw(...[...'["events","","'].map((c) => c.charCodeAt(0)), 0xff, 0x22, 0x5d),
      `${of('ee')}=`,
      of('e').replace(/=+$/, ''),
      of('ee').replace(/.$/, '%3D%3D'),
    ];
    using calls = countDynamo();
    for (const cursor of cursors) {
      const { status, body } = await api('GET', `${EVENTS}?cursor=${cursor}`);
      expect([status, body.errors?.[0].path], cursor).toEqual([400, 'cursor']);
    }
    expect(calls.operations).toEqual([]);
  });

  test('given twice is a 400', async () => {
    const { status, body } = await api('GET', `${EVENTS}?cursor=a&cursor=b`);
    expect([status, body.errors?.[0].path]).toEqual([400, 'cursor']);
  });

  test("of an event that is gone, or whose id breaks today's rules, goes on from there", async () => {
    for (const id of ['gone', 'old\u200b\u202e', 'tab\there', '🎉'.repeat(100)]) {
      const cursor = encode(JSON.stringify(['events', '', id]));
      expect((await api('GET', `${EVENTS}?limit=1&cursor=${cursor}`)).status).toBe(200);
    }
  });
});

describe('every answer has its headers', () => {
  const long = `${EVENTS}?cursor=${'x'.repeat(URL_MAX_CHARS)}`;
  test.for([
    ['200', 'GET', '/health', {}],
    ['200 of a page', 'GET', '/docs', {}],
    ['200 of a file', 'GET', '/docs/start.js', {}],
    ['200 of the description', 'GET', '/openapi.json', {}],
    ['400', 'GET', `${EVENTS}?limit=0`, {}],
    ['400 for a broken URL', 'GET', '/registration/users/%FF', {}],
    ['400 for a broken URL of a change', 'DELETE', '/registration/waitlist?userId=%zz', {}],
    ['401', 'GET', EVENTS, { AUTH_MODE: 'key' }],
    ['404 of a path', 'GET', '/nowhere', {}],
    ['404 of an event', 'GET', `${EVENTS}/nowhere`, {}],
    ['405', 'PUT', EVENTS, {}],
    ['405 of an unknown method', 'PROPFIND', EVENTS, {}],
    ['413', 'POST', '/registration/users', { body: ' '.repeat(70_000) }],
    ['414', 'GET', long, {}],
    ['414 of a change', 'DELETE', long, {}],
    ['415', 'POST', '/registration/users', { type: 'text/plain' }],
    ['429', 'GET', '/health', { limit: true }],
    ['503', 'GET', EVENTS, { AUTH_MODE: 'nonsense' }],
  ] as const)('%s', async ([name, method, path, more]) => {
    const { AUTH_MODE, body, type, limit } = { AUTH_MODE: env.AUTH_MODE, ...more } as {
      AUTH_MODE: string;
      body?: string;
      type?: string;
      limit?: boolean;
    };
    const refuses = { limit: async () => ({ success: false }) };
    const keys = [{ name: 'k', roles: ['organiser'], sha256: '0'.repeat(64) }];
    const { status, headers } = await call(
      path,
      {
        method,
        headers: { Origin: ORIGIN, 'Content-Type': type ?? 'application/json' },
        ...(body === undefined ? {} : { body }),
      },
      {
        AUTH_MODE,
        ASSETS: { fetch: async () => new Response('a file') },
        API_KEYS: JSON.stringify(keys),
        ...(limit ? { ADDRESS_LIMIT: refuses } : {}),
      },
    );
    expect(String(status)).toBe(name.slice(0, 3));
    expect(headers.get('X-Request-Id')).toBeTruthy();
    expect(headers.get('Cache-Control')).toBe('no-store');
    expect(headers.get('Content-Security-Policy')).toContain("default-src 'none'");
    expect(headers.get('Referrer-Policy')).toBe('no-referrer');
    expect(headers.get('Strict-Transport-Security')).toContain('max-age=');
    expect(headers.get('X-Content-Type-Options')).toBe('nosniff');
    expect(headers.get('Access-Control-Allow-Origin')).toBe(ORIGIN);
    expect(headers.get('Access-Control-Expose-Headers')).toContain('ETag');
    expect(headers.get('Vary')?.split(', ')).toContain('Origin');
  });

  test('a preflight too, which allows all that a call can send', async () => {
    for (const path of [EVENTS, `${EVENTS}/a`, '/nowhere', long, '/registration/users/%FF']) {
      const { status, headers } = await call(path, {
        method: 'OPTIONS',
        headers: { Origin: ORIGIN, 'Access-Control-Request-Method': 'PATCH' },
      });
      expect(status).toBe(204);
      expect(headers.get('Access-Control-Allow-Origin')).toBe(ORIGIN);
      for (const name of ['Idempotency-Key', 'If-Match', 'If-None-Match']) {
        expect(headers.get('Access-Control-Allow-Headers')?.split(',')).toContain(name);
      }
      expect(headers.get('Access-Control-Allow-Methods')).toContain('PATCH');
      expect(headers.get('X-Content-Type-Options')).toBe('nosniff');
    }
  });
});
