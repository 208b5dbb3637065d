import { describe, expect, test } from 'vitest';
import { toError } from '../../src/http/event-call.ts';
import { PRIVILEGED_FIELDS } from '../../src/http/privileged-fields.ts';
import { BODY_MAX_BYTES } from '../../src/http-limits.ts';
import {
  type Answer,
  api,
  newEvent,
  newUsers,
  register,
  unique,
  unregister,
} from '../support/desk.ts';

/** Checks the form of a refusal, which includes the request id. */
function expectProblem(answer: Answer, status: number, title: string, ...named: string[]) {
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(answer.headers.get('x-request-id')).toBeTruthy();
  expect(answer.body).toMatchObject({
    type: `urn:registration:problem:${title}`,
    title,
    status,
    detail: expect.any(String),
  });
  expect(answer.status).toBe(status);
  for (const name of named) expect(answer.body.detail).toContain(name);
}

const USERS = '/registration/users';
const EVENTS = '/registration/events';
const REGISTRATIONS = '/registration/registrations';

describe('refusals by the rules', () => {
  test('already registered', async () => {
    const eventId = await newEvent(1, true);
    const [user = ''] = await newUsers(1);
    await register(user, eventId);
    expectProblem(
      await register(user, eventId),
      409,
      'DuplicateError',
      user,
      eventId,
      'registered',
    );
  });

  test('already on the waitlist', async () => {
    const eventId = await newEvent(1, true);
    const [first = '', user = ''] = await newUsers(2);
    await register(first, eventId);
    await register(user, eventId);
    expectProblem(await register(user, eventId), 409, 'DuplicateError', user, eventId, 'waitlist');
  });

  test('full, and no waitlist', async () => {
    const eventId = await newEvent(1, false);
    const [first = '', user = ''] = await newUsers(2);
    await register(first, eventId);
    expectProblem(await register(user, eventId), 409, 'CapacityError', eventId);
  });

  test('no such user, no such event', async () => {
    const eventId = await newEvent(1, true);
    const [user = ''] = await newUsers(1);
    expectProblem(await register('nobody', eventId), 404, 'NotFoundError', 'nobody');
    expectProblem(await register(user, 'nowhere'), 404, 'NotFoundError', 'nowhere');
    expectProblem(await unregister(user, 'nowhere'), 404, 'NotFoundError', 'nowhere');
    expectProblem(await api('GET', `${USERS}/nobody`), 404, 'NotFoundError', 'nobody');
    expectProblem(await api('GET', `${USERS}/nobody/events`), 404, 'NotFoundError', 'nobody');
    expectProblem(await api('GET', `${EVENTS}/nowhere`), 404, 'NotFoundError', 'nowhere');
    expectProblem(await api('GET', `${EVENTS}/nowhere/capacity`), 404, 'NotFoundError', 'nowhere');
  });

  test('a user who is created after a failed look-up can register', async () => {
    const eventId = await newEvent(1, true);
    const userId = unique('late');
    expect((await register(userId, eventId)).status).toBe(404);
    await api('POST', USERS, { userId, name: 'Late' });
    expect((await register(userId, eventId)).status).toBe(201);
  });

  test('not registered: never, only waiting, or no longer', async () => {
    const eventId = await newEvent(1, true);
    const [first = '', user = ''] = await newUsers(2);
    expectProblem(await unregister(user, eventId), 404, 'NotFoundError', user, eventId);
    await register(first, eventId);
    await register(user, eventId);
    expectProblem(await unregister(user, eventId), 404, 'NotFoundError', user, eventId);
    await unregister(first, eventId);
    expectProblem(await unregister(first, eventId), 404, 'NotFoundError', first, eventId);
  });
});

describe('bad input', () => {
  const fieldsOf = ({ body }: Answer) => body.errors.map(({ path }: { path: string }) => path);

  test.for([
    ['no body fields', USERS, {}, ['userId', 'name']],
    ['wrong types', USERS, { userId: 7, name: null }, ['userId', 'name']],
    ['empty after trimming', USERS, { userId: '  ', name: '\t' }, ['userId', 'name']],
    ['not an object', USERS, [], ['']],
    ['null', USERS, 'null', ['']],
    ['control characters', USERS, { userId: 'a\u0000b', name: 'x' }, ['userId']],
    ['a lone surrogate', USERS, '{"userId":"\\ud800","name":"x"}', ['userId']],
    ['an id that no path can name', USERS, { userId: '..', name: 'x' }, ['userId']],
    ['capacity 0', EVENTS, { name: 'x', capacity: 0 }, ['capacity']],
    ['capacity over the limit', EVENTS, { name: 'x', capacity: 100_001 }, ['capacity']],
    ['capacity in fractions', EVENTS, { name: 'x', capacity: 1.5 }, ['capacity']],
    ['capacity as text', EVENTS, { name: 'x', capacity: '5' }, ['capacity']],
    ['capacity as a boolean', EVENTS, { name: 'x', capacity: true }, ['capacity']],
    ['a huge number', EVENTS, '{"name":"x","capacity":1e999}', ['capacity']],
    [
      'hasWaitlist as text',
      EVENTS,
      { name: 'x', capacity: 1, hasWaitlist: 'yes' },
      ['hasWaitlist'],
    ],
    ['an empty event id', EVENTS, { eventId: '', name: 'x', capacity: 1 }, ['eventId']],
    ['a missing event id', REGISTRATIONS, { userId: 'a' }, ['eventId']],
    [
      'a prototype key',
      REGISTRATIONS,
      '{"__proto__":{"userId":"a","eventId":"b"}}',
      ['userId', 'eventId'],
    ],
  ] as const)('%s', async ([, path, body, fields]) => {
    const answer = await api('POST', path, body);
    expectProblem(answer, 400, 'ValidationError', ...fields);
    expect(fieldsOf(answer)).toEqual(fields);
    for (const { message } of answer.body.errors) expect(message).toBeTruthy();
  });

  test('malformed JSON, and no body at all', async () => {
    expectProblem(await api('POST', USERS, '{"userId":'), 400, 'ValidationError', 'JSON');
    expectProblem(await api('POST', USERS, ''), 400, 'ValidationError', 'JSON');
  });

  test('a query parameter missing, empty, or given twice', async () => {
    for (const [query, path] of [
      ['eventId=e', 'userId'],
      ['userId=u', 'eventId'],
      ['userId=&eventId=e', 'userId'],
      ['userId=u&userId=v&eventId=e', 'userId'],
    ] as const) {
      const answer = await api('DELETE', `${REGISTRATIONS}?${query}`);
      expectProblem(answer, 400, 'ValidationError', path);
      expect(fieldsOf(answer)).toEqual([path]);
    }
  });

  test('a broken percent-encoding in path or query', async () => {
    expectProblem(await api('GET', `${USERS}/%FF`), 400, 'ValidationError', 'percent');
    expectProblem(
      await api('DELETE', `${REGISTRATIONS}?userId=%zz&eventId=e`),
      400,
      'ValidationError',
      'percent',
    );
  });

  test('an id or a name at its limit is accepted, a longer one is not; an emoji is one character', async () => {
    for (const [letter, limit] of [
      ['x', 100],
      ['🎉', 100],
    ] as const) {
      const userId = letter.repeat(limit);
      const taken = await api('POST', USERS, { userId, name: letter.repeat(200) });
      expect(taken.status).toBe(201);
      const path = `${USERS}/${encodeURIComponent(userId)}`;
      expect((await api('GET', path)).body.userId).toBe(userId);
      const longer = await api('POST', USERS, {
        userId: letter.repeat(limit + 1),
        name: letter.repeat(201),
      });
      expectProblem(longer, 400, 'ValidationError', '100', '200');
      expect(fieldsOf(longer)).toEqual(['userId', 'name']);
    }
    const path = `${USERS}/${'x'.repeat(101)}`;
    expectProblem(await api('GET', path), 400, 'ValidationError', 'userId');
  });

  test('capacity at both its limits', async () => {
    for (const capacity of [1, 100_000]) {
      expect((await api('POST', EVENTS, { name: 'x', capacity })).status).toBe(201);
    }
  });
});

describe('a field that could be taken for a privilege', () => {
  const fieldsOf = ({ body }: Answer) => body.errors.map(({ path }: { path: string }) => path);
  /** The smallest valid body of each call. */
  const bodies = async (): Promise<[method: string, path: string, body: object][]> => {
    const eventId = await newEvent(5, true);
    const [userId = '', other = ''] = await newUsers(2);
    return [
      ['POST', USERS, { userId: unique('user'), name: 'x' }],
      ['POST', EVENTS, { eventId: unique('event'), name: 'x', capacity: 1 }],
      ['PATCH', `${USERS}/${userId}`, { name: 'y' }],
      ['PATCH', `${EVENTS}/${eventId}`, { name: 'y' }],
      ['POST', `${EVENTS}/${eventId}/registrations`, { userIds: [other] }],
      ['POST', REGISTRATIONS, { userId, eventId }],
    ];
  };
  /** Calls that use one of the names. */
  const isMeant = (method: string, path: string, name: string) =>
    path === REGISTRATIONS
      ? name === 'override'
      : method === 'PATCH' && path.startsWith(EVENTS) && name === 'status';

  test.for(PRIVILEGED_FIELDS)('%s is refused by every call that does not take it', async (name) => {
    for (const [method, path, body] of await bodies()) {
      if (isMeant(method, path, name)) continue;
      const answer = await api(method, path, { ...body, [name]: null });
      expectProblem(answer, 400, 'ValidationError', name);
      expect(fieldsOf(answer)).toEqual([name]);
    }
  });

  test('is reported together with others, and also inside an override', async () => {
    const both = { userId: 'a', name: 'x', roles: ['organiser'], isAdmin: true };
    expect(fieldsOf(await api('POST', USERS, both))).toEqual(['roles', 'isAdmin']);
    const override = { reason: 'speaker', role: 'organiser' };
    const inside = await api('POST', REGISTRATIONS, { userId: 'a', eventId: 'b', override });
    expect(fieldsOf(inside)).toEqual(['override.role']);
  });

  test('changes nothing', async () => {
    const userId = unique('user');
    await api('POST', USERS, { userId, name: 'x', role: 'organiser' });
    expect((await api('GET', `${USERS}/${userId}`)).status).toBe(404);
  });

  test('is told from unknown fields with similar names, which are ignored', async () => {
    for (const [method, path, body] of await bodies()) {
      // A change refuses every unknown field: nobody may believe that it was changed.
      if (method === 'PATCH') continue;
      const harmless = { note: 'x', Role: 'x', roleName: 'x', state: 'x', '': 1, toString: 'x' };
      const answer = await api(method, path, { ...body, ...harmless });
      expect([200, 201]).toContain(answer.status);
      for (const name of Object.keys(harmless))
        expect(Object.keys(answer.body)).not.toContain(name);
    }
  });
});

describe('the protocol', () => {
  test('an unknown route', async () => {
    expectProblem(await api('GET', '/nothing/here'), 404, 'NotFoundError', '/nothing/here');
    expectProblem(await api('GET', '/registration'), 404, 'NotFoundError');
  });

  test.for([
    ['PUT', USERS, 'POST'],
    ['GET', USERS, 'POST'],
    ['PUT', `${EVENTS}/a`, 'GET, HEAD, PATCH, DELETE'],
    ['PUT', `${USERS}/a`, 'GET, HEAD, PATCH, DELETE'],
    ['DELETE', `${USERS}/a/places`, 'GET, HEAD'],
    ['POST', `${EVENTS}/a/capacity`, 'GET, HEAD'],
    ['PATCH', REGISTRATIONS, 'POST, GET, HEAD, DELETE'],
    ['GET', '/registration/waitlist', 'DELETE'],
    ['POST', '/health', 'GET, HEAD'],
  ] as const)('%s %s is not allowed, and told what is', async ([method, path, allow]) => {
    const answer = await api(method, path);
    expectProblem(answer, 405, 'MethodNotAllowedError', method);
    expect(answer.headers.get('allow')).toBe(allow);
  });

  test('a body that is not JSON by its declaration', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
      const answer = await api('POST', USERS, '{"userId":"a","name":"b"}', {
        'Content-Type': type,
      });
      expectProblem(answer, 415, 'UnsupportedMediaTypeError', type);
    }
  });

  test('JSON with parameters and suffixes is JSON', async () => {
    for (const type of [
      'application/json; charset=utf-8',
      'APPLICATION/JSON',
      'application/vnd.x+json',
    ]) {
      const body = { userId: unique('u'), name: 'x' };
      expect((await api('POST', USERS, body, { 'Content-Type': type })).status).toBe(201);
    }
  });

  test('a body at the limit is read, one byte more is not', async () => {
    const pad = (size: number) => {
      const start = `{"userId":"${unique('u')}","name":"x","pad":"`;
      return `${start}${'p'.repeat(size - start.length - 2)}"}`;
    };
    expect((await api('POST', USERS, pad(BODY_MAX_BYTES))).status).toBe(201);
    const answer = await api('POST', USERS, pad(BODY_MAX_BYTES + 1));
    expectProblem(answer, 413, 'PayloadTooLargeError', String(BODY_MAX_BYTES));
  });

  test('a request id of the client is kept, an invalid one is replaced', async () => {
    const kept = await api('GET', '/health', undefined, { 'X-Request-Id': 'abc-123' });
    expect(kept.headers.get('x-request-id')).toBe('abc-123');
    const replaced = await api('GET', '/health', undefined, { 'X-Request-Id': 'a b<script>' });
    expect(replaced.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });
});

test('an event whose rows take all its bytes refuses with a CapacityError that says why', () => {
  const refusal = { type: 'refused', reason: 'no-room' } as const;
  const error = toError(refusal, { eventId: 'gala', userId: 'ada' });
  expect(error.status).toBe(409);
  expect(error.toProblem()).toMatchObject({ title: 'CapacityError' });
  expect(error.message).toBe(
    'Event gala has no room for user ada: the ids and reasons that it keeps are too long together.',
  );
});
