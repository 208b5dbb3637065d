import { env, exports } from 'cloudflare:workers';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, test } from 'vitest';
import app from '../../src/http/app.ts';
import { toCsv } from '../../src/http/csv.ts';
import { BODY_MAX_BYTES, BULK_BODY_MAX_BYTES, FIELD_ERRORS_MAX } from '../../src/http-limits.ts';
import { api, newEvent, newUsers, register, store, unique } from '../support/desk.ts';

const USERS = '/registration/users';
const EVENTS = '/registration/events';
const REGISTRATIONS = '/registration/registrations';

/** Posts exactly these bytes. */
async function post(path: string, body: BodyInit, headers: Record<string, string> = {}) {
  const response = await exports.default.fetch(`http://desk.test${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body,
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

/** UTF-8, with the bytes in place of each `*`. */
function bytesOf(text: string, ...bytes: number[]): Uint8Array<ArrayBuffer> {
  const plain = new TextEncoder().encode(text);
  return Uint8Array.from([...plain].flatMap((byte) => (byte === 0x2a ? bytes : [byte])));
}

describe('a body', () => {
  test.for([
    ['a byte that is none of UTF-8', [0xff]],
    ['Latin-1', [0xe9]],
    ['a character that is cut off', [0xe2, 0x82]],
    ['an overlong form', [0xc0, 0x80]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['a character past the last', [0xf4, 0x90, 0x80, 0x80]],
  ] as const)('with %s is refused, in a value, a key or past the end', async ([, bytes]) => {
    const userId = unique('u');
    for (const text of [
      `{"userId":"${userId}*","name":"x"}`,
      `{"userId":"${userId}","name":"x","*":1}`,
      `{"userId":"${userId}","name":"x"}*`,
    ]) {
      const { status, body } = await post(USERS, bytesOf(text, ...bytes));
      expect([status, body]).toEqual([
        400,
        expect.objectContaining({ errors: [{ path: '', message: 'the body is not UTF-8' }] }),
      ]);
    }
    expect((await api('GET', `${USERS}/${userId}`)).status).toBe(404);
    const rows = bytesOf(`{"userIds":["${userId}*"]}`, ...bytes);
    expect((await post(`${EVENTS}/e/registrations`, rows)).status).toBe(400);
  });

  test('is read whole after one that was cut off within a character', async () => {
    const userId = unique('é');
    const whole = new TextEncoder().encode(JSON.stringify({ userId, name: 'x' }));
    expect((await post(USERS, Uint8Array.of(0x7b, 0xc3))).status).toBe(400);
    expect(await post(USERS, whole)).toMatchObject({ status: 201, body: { userId } });
  });

  test('in UTF-16 is refused', async () => {
    const units = [...JSON.stringify({ userId: unique('u'), name: 'x' })];
    const bytes = Uint8Array.from([0xff, 0xfe, ...units.flatMap((c) => [c.charCodeAt(0), 0])]);
    expect((await post(USERS, bytes)).status).toBe(400);
    expect((await post(USERS, bytes.slice(2))).status).toBe(400);
  });

  test('that is sent in pieces, within a character, is read as one', async () => {
    const userId = unique('é');
    const bytes = new TextEncoder().encode(JSON.stringify({ userId, name: '日本' }));
    const body = new ReadableStream({
      start(controller) {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
        controller.close();
      },
    });
    const answer = await post(USERS, body);
    expect([answer.status, answer.body]).toMatchObject([201, { userId, name: '日本' }]);
  });

  test('that is cut off is a 400, not a defect', async () => {
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('{"userId":"a",'));
      },
      pull(controller) {
        controller.error(new Error('gone'));
      },
    });
    const headers = { 'Content-Type': 'application/json' };
    const request = new Request(`http://desk.test${USERS}`, { method: 'POST', headers, body });
    expect((await app.fetch(request, env)).status).toBe(400);
  });

  test('with a byte order mark is read without it', async () => {
    const userId = unique('u');
    const bytes = bytesOf(`*{"userId":"${userId}","name":"x"}`, 0xef, 0xbb, 0xbf);
    expect(await post(USERS, bytes)).toMatchObject({ status: 201, body: { userId } });
  });

  test.for([
    'iso-8859-1',
    'utf-16',
    'UTF-16LE',
    '"utf-16"',
    'us-ascii',
    '""',
    '',
    'utf-8; charset=utf-16',
    'utf-80',
  ])('in the charset %s is a 415', async (charset) => {
    const body = JSON.stringify({ userId: unique('u'), name: 'x' });
    const answer = await post(USERS, body, {
      'Content-Type': `application/json; charset=${charset}`,
    });
    expect([answer.status, answer.body]).toMatchObject([
      415,
      { title: 'UnsupportedMediaTypeError' },
    ]);
  });

  test.for([
    'application/json;charset=UTF-8',
    'application/json; Charset="utf-8"',
    'application/json; charset=utf8',
    'application/json; profile="a;b"',
  ])('sent as %s is taken', async (type) => {
    const body = JSON.stringify({ userId: unique('u'), name: 'x' });
    expect((await post(USERS, body, { 'Content-Type': type })).status).toBe(201);
  });

  test('that is compressed, or declared so, is a 415 that says what is accepted', async () => {
    const body = JSON.stringify({ userId: unique('u'), name: 'x' });
    const zipped = await new Response(
      new Blob([body]).stream().pipeThrough(new CompressionStream('gzip')),
    ).arrayBuffer();
    for (const coding of ['gzip', 'br', 'GZIP', 'identity, gzip', 'zstd']) {
      const answer = await post(USERS, zipped, { 'Content-Encoding': coding });
      expect(answer.status, coding).toBe(415);
      expect(answer.headers.get('Accept-Encoding')).toBe('identity');
    }
    const plain = await post(USERS, body, { 'Content-Encoding': 'Identity' });
    expect(plain.status).toBe(201);
  });

  test('that is deeply nested is a 400 or ignored, never a 500', async () => {
    const deep = (size: number) => '['.repeat(size / 2) + ']'.repeat(size / 2);
    const [userId = ''] = await newUsers(1);
    const eventId = await newEvent(5, false);
    const room = BODY_MAX_BYTES - 200;
    const headers = { 'Idempotency-Key': unique('key') };
    const named = await post(USERS, `{"userId":"a","name":${deep(room)}}`, headers);
    expect([named.status, named.body]).toMatchObject([400, { errors: [{ path: 'name' }] }]);
    const ignored = `{"userId":"${userId}","eventId":"${eventId}","x":${deep(room)}}`;
    expect((await post(REGISTRATIONS, ignored, headers)).status).toBe(201);
    expect((await post(USERS, deep(room))).status).toBe(400);
    const patch = await api('PATCH', `${EVENTS}/${eventId}`, `{"x":${deep(room)}}`);
    expect([patch.status, patch.body.errors[0].path]).toEqual([400, 'x']);
  });

  test('of a bulk call: a row that is not a string is answered as null, however deep, and affects no other row', async () => {
    const deep = (size: number) => '['.repeat(size / 2) + ']'.repeat(size / 2);
    const [a = '', b = ''] = await newUsers(2);
    const eventId = await newEvent(5, false);
    const rows = `["${a}",${deep(BULK_BODY_MAX_BYTES - 500)},{"userId":"${b}"},7,null,"","${b}"]`;
    for (const headers of [{}, { 'Idempotency-Key': unique('key') }]) {
      const path = `${EVENTS}/${eventId}/registrations`;
      const { status, body } = await api('POST', path, `{"userIds":${rows}}`, headers);
      expect(status).toBe(200);
      expect(body.results.map(({ userId }: { userId: unknown }) => userId)).toEqual([
        ...[a, null, null, null, null, '', b],
      ]);
      expect(body.results[1].problem.errors[0].message).toBe('must be a string');
    }
  });

  test('with thousands of faults gets an answer with some of them', async () => {
    const fields = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`f${i}`, 1]));
    const { status, body } = await api('PATCH', `${EVENTS}/${await newEvent(1, false)}`, fields);
    expect(status).toBe(400);
    expect(body.errors.length).toBe(FIELD_ERRORS_MAX);
  });

  test('with a key twice: the last one counts', async () => {
    const userId = unique('u');
    const { body } = await api('POST', USERS, `{"userId":"x","userId":"${userId}","name":"x"}`);
    expect(body.userId).toBe(userId);
  });
});

describe('a URL', () => {
  test.for(['%FF', '%C3', '%C3x', '%ED%A0%80', '%C0%80', '%zz', '%', '%u00e9', '%E2%82'])(
    'with %s is refused, in path, query and key',
    async (broken) => {
      for (const path of [
        `${USERS}/${broken}`,
        `${EVENTS}/a${broken}/capacity`,
        `${REGISTRATIONS}?userId=a&eventId=${broken}`,
        `${REGISTRATIONS}?userId=a&eventId=b&${broken}=c`,
        `/nowhere/${broken}`,
      ]) {
        const { status, body } = await api('GET', path);
        expect([status, body.title], path).toEqual([400, 'ValidationError']);
        expect(body.detail).toContain('percent');
      }
    },
  );

  test('a plus is a blank in a query and itself in a path', async () => {
    const userId = unique('a+b c');
    await api('POST', USERS, { userId, name: 'x' });
    expect((await api('GET', `${USERS}/${userId.replace(' ', '%20')}`)).body.userId).toBe(userId);
    const eventId = await newEvent(1, false);
    await register(userId, eventId);
    const query = `eventId=${eventId}&userId=${userId.replaceAll('+', '%2B').replace(' ', '+')}`;
    expect((await api('GET', `${REGISTRATIONS}?${query}`)).body.status).toBe('ACTIVE');
  });

  test('a parameter named like a property of every object is an ordinary name', async () => {
    const query = '?__proto__=a&constructor=b&userId=a&eventId=b&__proto__=c';
    expect((await api('GET', `${REGISTRATIONS}${query}`)).status).toBe(404);
  });
});

/** Invisible characters, alone and together. */
const INVISIBLE = [
  ...['\u200b', '\u200c', '\u200d', '\u2060', '\ufeff', '\u00ad', '\u034f', '\u061c', '\u180e'],
  ...[
    '\u3164',
    '\u115f',
    '\u1160',
    '\uffa0',
    '\u17b4',
    '\u2800',
    '\ufe0f',
    '\u{e0001}',
    '\u{e0020}',
  ],
  ...[
    '\u200e',
    '\u202e',
    '\u2066',
    '\u206a',
    '\u2028',
    '\u3000',
    '\ufff9',
    '\u{1d173}',
    '\u{13430}',
  ],
];

describe('invisible text', () => {
  test.for(INVISIBLE)('counts as empty: %j', async (character) => {
    const eventId = await newEvent(1, false);
    const [a = ''] = await newUsers(1);
    for (const text of [character, ` ${character}\u200b ${character} `]) {
      const errors = [{ path: 'name', message: 'must not be empty' }];
      expect((await api('POST', USERS, { userId: 'a', name: text })).body.errors).toEqual(errors);
      const event = { eventId: text, name: text, capacity: 1 };
      expect((await api('POST', EVENTS, event)).body.errors).toEqual([
        { path: 'eventId', message: 'must not be empty' },
        ...errors,
      ]);
      expect((await api('PATCH', `${EVENTS}/${eventId}`, { name: text })).body.errors).toEqual(
        errors,
      );
      const override = { userId: a, eventId, override: { reason: text } };
      expect((await api('POST', REGISTRATIONS, override)).body.errors).toEqual([
        { path: 'override.reason', message: 'must not be empty' },
      ]);
      const path = encodeURIComponent(text);
      expect((await api('GET', `${USERS}/${path}`)).status).toBe(400);
      expect((await api('GET', `${REGISTRATIONS}?userId=${path}&eventId=e`)).status).toBe(400);
      const { body } = await api('POST', `${EVENTS}/${eventId}/registrations`, { userIds: [text] });
      expect(body.results[0].problem.title).toBe('ValidationError');
    }
  });
});

describe('a name', () => {
  const send = (name: string) => api('POST', USERS, { userId: unique('u'), name });

  test.for([
    ...['\u0000', '\u0007', '\t', '\n', '\r\n', '\u007f', '\u0085', '\u2028', '\u2029'],
    ...['\u202a', '\u202b', '\u202c', '\u202d', '\u202e', '\u2066', '\u2067', '\u2068', '\u2069'],
  ])('with %j in it is refused, of a user and of an event', async (character) => {
    const name = `Ada${character}Lovelace`;
    const paths = async (answer: ReturnType<typeof api>) => {
      const { status, body } = await answer;
      return [status, body.errors.map(({ path }: { path: string }) => path)];
    };
    expect(await paths(send(name))).toEqual([400, ['name']]);
    const event = { eventId: unique('e'), name, capacity: 1 };
    expect(await paths(api('POST', EVENTS, event))).toEqual([400, ['name']]);
    const eventId = await newEvent(1, false);
    expect(await paths(api('PATCH', `${EVENTS}/${eventId}`, { name }))).toEqual([400, ['name']]);
  });

  test.for([
    ['Persian, with a joiner', 'علی\u200cرضا'],
    ['Sinhala, with a joiner', 'ශ්\u200dරී'],
    [
      'a family of emoji',
      '👩\u200d👩\u200d👧\u200d👦 ❤\ufe0f 🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}',
    ],
    ['Hebrew, with a mark of direction', 'שלום\u200f (1)'],
    ['letters that are taken apart', 'e\u0301'],
    ['a sign of its own', '؀'],
    ['a full-width blank between words', '山田\u3000太郎'],
  ] as const)('in %s is kept as it is', async ([, name]) => {
    const { status, body } = await send(name);
    expect([status, body.name]).toEqual([201, name]);
  });

  test('is not normalised: two encodings of a text stay two texts', async () => {
    const id = unique('x');
    for (const userId of [`${id}\u00e9`, `${id}e\u0301`]) {
      expect((await api('POST', USERS, { userId, name: 'x' })).body.userId).toBe(userId);
    }
  });
});

describe('a reason', () => {
  const override = async (reason: string) => {
    const [userId = ''] = await newUsers(1);
    const eventId = await newEvent(1, false);
    return api('POST', REGISTRATIONS, { userId, eventId, override: { reason } });
  };

  test('may have lines and tabs', async () => {
    const reason = 'A speaker:\r\n\tthe first\nof two';
    expect((await override(reason)).body.registration.overrideReason).toBe(reason);
  });

  test.for(['\u0000', '\u001b', '\u0085', '\u2028', '\u202e', '\u2067'])(
    'with %j in it is refused',
    async (character) => {
      const { status, body } = await override(`a${character}b`);
      expect([status, body.errors[0].path]).toEqual([400, 'override.reason']);
    },
  );
});

describe('a new id', () => {
  const create = (userId: string) => api('POST', USERS, { userId, name: 'x' });

  test.for([
    ...[
      'a\u200bb',
      'a\u2060b',
      'a\u00adb',
      'a\u034fb',
      'a\u3164',
      'a\u200e',
      'a\u202eb',
      'a\u2066b',
    ],
    ...[
      'a\u200d',
      '\u200da',
      'a\ufe0f',
      '1\u200d',
      'я\u200c',
      'a\u{e0061}',
      '日\u200d',
      'a\u2028b',
    ],
    ...['a \u200db', 'a\ufffdb', 'ab\u{e0100}', '1\ufe0f'],
  ])('%j is refused, since it looks like another', async (id) => {
    const { status, body } = await create(`${unique('u')}${id}`);
    expect([status, body.errors?.[0].path]).toEqual([400, 'userId']);
    const event = { eventId: id, name: 'x', capacity: 1 };
    expect((await api('POST', EVENTS, event)).body.errors[0].path).toBe('eventId');
  });

  test.for([
    'علی\u200cرضا',
    'ශ්\u200dරී',
    '👩\u200d💻',
    '❤\ufe0f',
    '1\ufe0f\u20e3',
    '葛\u{e0100}',
    '‼\ufe0f',
  ])('%j is taken: what does not show changes what does', async (id) => {
    const userId = `${unique('u')}-${id}`;
    expect((await create(userId)).status).toBe(201);
    const read = await api('GET', `${USERS}/${encodeURIComponent(userId)}`);
    expect(read.body.userId).toBe(userId);
  });

  test('has stricter rules than an existing one, which can still be used', async () => {
    const userId = `${unique('u')}\u200b\ufffd\u202e`;
    const item = { userId, name: 'Old\tname', createdAt: new Date().toISOString() };
    await store.client.send(new PutCommand({ TableName: store.tables.users, Item: item }));
    expect((await api('GET', `${USERS}/${encodeURIComponent(userId)}`)).body).toEqual(item);
    const eventId = await newEvent(1, false);
    expect((await register(userId, eventId)).status).toBe(201);
    const people = (await api('GET', `${EVENTS}/${eventId}/registrations`)).body.items;
    expect(people).toMatchObject([{ userId, name: 'Old\tname' }]);
  });
});

describe('a cell of CSV', () => {
  test.for([
    ...[
      '=1',
      '+1',
      '-1',
      '@a',
      '\ta',
      '\ra',
      '\na',
      '＝1',
      '＋1',
      '－1',
      '＠a',
      '﹦1',
      '﹢1',
      '⁺1',
    ],
    ...[
      '\u0000=1',
      '\u0001\u0002@a',
      ' =1',
      '\u00a0=1',
      '\u3000＝1',
      '\u200b=1',
      '\ufeff+1',
      ' \t\u0000-1',
    ],
    ...['=\u0338(1)', '\u202e=1', '\u2028=1', '\u2800=1'],
  ])('that begins as %j does is led by an apostrophe', (text) => {
    const line = toCsv([text]);
    expect(line.replace(/^"/, '').startsWith("'")).toBe(true);
    expect(line).toContain(text);
  });

  test.for(['a=1', 'Ada', ' Ada', '1-1', 'é', '日本', '(=1)', ''])(
    '%j is left as it is',
    (text) => {
      expect(toCsv([text])).toBe(`${text}\r\n`);
    },
  );

  test('that is a number is never a formula', () => {
    expect(toCsv([-1, null])).toBe('-1,\r\n');
  });
});
