import { evictDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import {
  api,
  capacityOf,
  countDynamo,
  newEvent,
  newUsers,
  register,
  truth,
  unique,
  unregister,
} from '../support/desk.ts';

const EVENTS = '/registration/events';
const of = (userId: string, eventId: string) =>
  `?userId=${encodeURIComponent(userId)}&eventId=${encodeURIComponent(eventId)}`;
const stand = (userId: string, eventId: string) =>
  api('GET', `/registration/registrations${of(userId, eventId)}`);
const leaveLine = (userId: string, eventId: string) =>
  api('DELETE', `/registration/waitlist${of(userId, eventId)}`);
const patch = (eventId: string, body: object, headers = {}, query = '') =>
  api('PATCH', `${EVENTS}/${eventId}${query}`, body, headers);

/** An event with so many users, in order. */
async function filled(capacity: number, count: number) {
  const eventId = await newEvent(capacity, true);
  const users = await newUsers(count);
  for (const userId of users) await register(userId, eventId);
  return { eventId, users };
}

describe('the place of a user', () => {
  test('is a seat, an entry with so many ahead, or none; from memory, without DynamoDB', async () => {
    const { eventId, users } = await filled(1, 3);
    const [a = '', b = '', c = ''] = users;
    const [stranger = ''] = await newUsers(1);
    expect((await stand(stranger, eventId)).body).toEqual({
      status: 'NONE',
      registration: null,
      offer: null,
      waitlistEntry: null,
      ahead: null,
    });
    using calls = countDynamo();
    expect((await stand(a, eventId)).body).toMatchObject({
      status: 'ACTIVE',
      registration: { userId: a, eventId, status: 'ACTIVE' },
      waitlistEntry: null,
      ahead: null,
    });
    expect((await stand(c, eventId)).body).toMatchObject({
      status: 'WAITLISTED',
      registration: null,
      waitlistEntry: { userId: c, position: 2 },
      ahead: 1,
    });
    expect(calls.operations).toEqual([]);
    await leaveLine(b, eventId);
    expect((await stand(c, eventId)).body).toMatchObject({
      waitlistEntry: { position: 2 },
      ahead: 0,
    });
  });

  test('an unknown user or event is a 404, not an empty place', async () => {
    const eventId = await newEvent(1, true);
    const [a = ''] = await newUsers(1);
    expect((await stand('nobody', eventId)).status).toBe(404);
    expect((await stand(a, 'nowhere')).status).toBe(404);
    expect((await api('GET', '/registration/registrations?userId=a')).status).toBe(400);
  });
});

describe('leaving the line', () => {
  test('removes the entry, once, and its position is not given again', async () => {
    const { eventId, users } = await filled(1, 3);
    const [a = '', b = '', c = ''] = users;
    const left = await leaveLine(b, eventId);
    expect(left.status).toBe(200);
    expect(left.body).toMatchObject({ success: true, waitlistEntry: { userId: b, position: 1 } });
    expect((await leaveLine(b, eventId)).body.title).toBe('NotFoundError');
    expect((await leaveLine(a, eventId)).status).toBe(404);
    expect((await register(b, eventId)).body.waitlistEntry.position).toBe(3);
    expect((await unregister(a, eventId)).body.promoted.userId).toBe(c);
    expect((await truth(eventId)).line).toEqual([b]);
  });
});

describe('changing an event', () => {
  test('changes every given field, and leaves the others', async () => {
    const eventId = await newEvent(5, false);
    const changes = {
      name: 'New name',
      capacity: 7,
      hasWaitlist: true,
      waitlistCapacity: 9,
      registrationOpensAt: '2020-01-01T00:00:00.000Z',
      registrationClosesAt: '2999-01-01T00:00:00.000Z',
      status: 'PAUSED',
    };
    const { status, body, headers } = await patch(eventId, changes);
    expect(status).toBe(200);
    expect(body.event).toMatchObject({ eventId, ...changes });
    expect(headers.get('etag')).toBe('"2"');
    await evictDurableObject(env.EVENTS.getByName(eventId));
    expect((await api('GET', `${EVENTS}/${eventId}`)).body).toMatchObject({ eventId, ...changes });
    await patch(eventId, { registrationOpensAt: null, status: 'OPEN' });
    expect((await api('GET', `${EVENTS}/${eventId}`)).body).toMatchObject({
      ...changes,
      registrationOpensAt: null,
      status: 'OPEN',
    });
  });

  test('raising the capacity promotes in order, and lists who was promoted', async () => {
    const { eventId, users } = await filled(1, 5);
    const { body } = await patch(eventId, { capacity: 3 });
    expect(body.promoted.map(({ userId }: { userId: string }) => userId)).toEqual(
      users.slice(1, 3),
    );
    expect(body.promotedCount).toBe(2);
    expect((await capacityOf(eventId)).body).toMatchObject({
      registeredCount: 3,
      waitlistCount: 2,
    });
    expect((await truth(eventId)).line).toEqual(users.slice(3));
  });

  test('lowering it takes no seat away, and nobody gets one until one is free', async () => {
    const { eventId, users } = await filled(3, 4);
    await patch(eventId, { capacity: 1 });
    expect((await capacityOf(eventId)).body).toMatchObject({
      totalCapacity: 1,
      availableCapacity: 0,
      registeredCount: 3,
    });
    for (const userId of users.slice(0, 2)) {
      expect((await unregister(userId, eventId)).body.promoted).toBeNull();
    }
    expect((await unregister(users[2] ?? '', eventId)).body.promoted.userId).toBe(users[3]);
  });

  test('an update on an outdated revision is refused', async () => {
    const eventId = await newEvent(5, true);
    const { headers } = await api('GET', `${EVENTS}/${eventId}`);
    const etag = headers.get('etag') ?? '';
    const match = (tag: string) => ({ 'If-Match': tag });
    expect((await patch(eventId, { name: 'First' }, match(etag))).status).toBe(200);
    const lost = await patch(eventId, { name: 'Second' }, match(etag));
    expect(lost.status).toBe(412);
    expect(lost.body.title).toBe('PreconditionFailedError');
    expect((await patch(eventId, { name: 'Third' }, match('"nonsense"'))).status).toBe(412);
    expect((await patch(eventId, { name: 'Fourth' }, match('*'))).status).toBe(200);
    expect((await patch(eventId, { name: 'Fifth' }, match(`"9", "3"`))).status).toBe(200);
    expect((await api('GET', `${EVENTS}/${eventId}`)).body.name).toBe('Fifth');
  });

  test('a dry run tells what would happen, and changes nothing', async () => {
    const { eventId, users } = await filled(1, 3);
    using calls = countDynamo();
    const { body } = await patch(eventId, { capacity: 2 }, {}, '?dryRun=true');
    expect(body.dryRun).toBe(true);
    expect(body.event.capacity).toBe(2);
    expect(body.promoted[0].userId).toBe(users[1]);
    expect(calls.operations).toEqual([]);
    expect((await capacityOf(eventId)).body).toMatchObject({
      totalCapacity: 1,
      registeredCount: 1,
    });
  });

  test.for([
    [{ capacity: 0 }, 'capacity'],
    [{ capacity: 100_001 }, 'capacity'],
    [{ waitlistCapacity: -1 }, 'waitlistCapacity'],
    [{ waitlistCapacity: 100_001 }, 'waitlistCapacity'],
    [{ status: 'CANCELLED' }, 'status'],
    [{ status: 'open' }, 'status'],
    [{ registrationOpensAt: 'tomorrow' }, 'registrationOpensAt'],
    [{ capacityy: 5 }, 'capacityy'],
    [
      {
        registrationOpensAt: '2026-01-02T00:00:00Z',
        registrationClosesAt: '2026-01-02T00:00:00Z',
      },
      'registrationClosesAt',
    ],
  ] as const)('%o is refused', async ([body, path]) => {
    const eventId = await newEvent(1, true);
    const answer = await patch(eventId, body);
    expect(answer.status).toBe(400);
    expect(answer.body.errors[0].path).toBe(path);
  });

  test('a window that ends before it starts is refused, also when only one end is changed', async () => {
    const eventId = await newEvent(1, true);
    await patch(eventId, { registrationOpensAt: '2026-06-01T10:00:00+02:00' });
    const answer = await patch(eventId, { registrationClosesAt: '2026-06-01T08:00:00Z' });
    expect(answer.status).toBe(400);
    expect(answer.body.errors[0].path).toBe('registrationClosesAt');
    const created = await api('POST', EVENTS, {
      name: 'x',
      capacity: 1,
      registrationOpensAt: '2026-06-02T00:00:00Z',
      registrationClosesAt: '2026-06-01T00:00:00Z',
    });
    expect(created.status).toBe(400);
  });
});

describe('when nobody can register', () => {
  test.for([
    [{ status: 'PAUSED' }, 'paused'],
    [{ status: 'CLOSED' }, 'closed'],
    [{ registrationOpensAt: '2999-01-01T00:00:00.000Z' }, '2999-01-01T00:00:00.000Z'],
    [{ registrationClosesAt: '2020-01-01T00:00:00.000Z' }, '2020-01-01T00:00:00.000Z'],
  ] as const)(
    '%o: a RegistrationError says why, and leaving is possible',
    async ([change, why]) => {
      const { eventId, users } = await filled(1, 2);
      const [newcomer = ''] = await newUsers(1);
      await patch(eventId, change);
      const refused = await register(newcomer, eventId);
      expect(refused.status).toBe(400);
      expect(refused.body.title).toBe('RegistrationError');
      expect(refused.body.detail).toContain(why);
      expect((await unregister(users[0] ?? '', eventId)).body.promoted.userId).toBe(users[1]);
    },
  );

  test('cancelled: for good, and its records can still be read', async () => {
    const { eventId, users } = await filled(1, 2);
    const [newcomer = ''] = await newUsers(1);
    const cancelled = await api('DELETE', `${EVENTS}/${eventId}`);
    expect(cancelled.status).toBe(200);
    expect(cancelled.body.status).toBe('CANCELLED');
    expect((await api('DELETE', `${EVENTS}/${eventId}`)).status).toBe(200);
    await evictDurableObject(env.EVENTS.getByName(eventId));
    expect((await register(newcomer, eventId)).body.detail).toContain('cancelled');
    expect((await patch(eventId, { status: 'OPEN' })).body.title).toBe('RegistrationError');
    expect((await capacityOf(eventId)).body.status).toBe('CANCELLED');
    expect((await api('GET', `${EVENTS}/${eventId}/registrations`)).body.items.length).toBe(1);
    expect((await unregister(users[0] ?? '', eventId)).body.promoted).toBeNull();
    expect((await api('DELETE', `${EVENTS}/nowhere`)).status).toBe(404);
  });
});

describe('an override', () => {
  const override = (userId: string, eventId: string, reason: unknown) =>
    api('POST', '/registration/registrations', { userId, eventId, override: { reason } });

  test('seats past the capacity, removes the entry, and its reason is kept and shown', async () => {
    const { eventId, users } = await filled(1, 3);
    const [, b = '', c = ''] = users;
    const seated = await override(c, eventId, 'speaker');
    expect(seated.status).toBe(201);
    expect(seated.body.registration).toMatchObject({ userId: c, overrideReason: 'speaker' });
    await evictDurableObject(env.EVENTS.getByName(eventId));
    const { items } = (await api('GET', `${EVENTS}/${eventId}/registrations`)).body;
    expect(items[1]).toMatchObject({ userId: c, overrideReason: 'speaker' });
    expect((await capacityOf(eventId)).body).toMatchObject({
      availableCapacity: 0,
      registeredCount: 2,
      waitlistCount: 1,
    });
    expect((await stand(b, eventId)).body.ahead).toBe(0);
    expect((await override(c, eventId, 'again')).status).toBe(409);
  });

  test('without a reason, with a blank one, or with one too long is refused; at the limit it is not', async () => {
    const { eventId } = await filled(1, 1);
    const [a = ''] = await newUsers(1);
    for (const reason of [undefined, '', '  ', 'x'.repeat(501), 7]) {
      const answer = await override(a, eventId, reason);
      expect(answer.status).toBe(400);
      expect(answer.body.errors[0].path).toBe('override.reason');
    }
    expect((await override(a, eventId, 'x'.repeat(500))).status).toBe(201);
  });
});

describe('lists', () => {
  test('of people are in order, page by page, with names and a link to the next page', async () => {
    const { eventId, users } = await filled(4, 9);
    await unregister(users[1] ?? '', eventId);
    for (const [list, expected] of [
      ['registrations', [users[0], users[2], users[3], users[4]]],
      ['waitlist', users.slice(5)],
    ] as const) {
      await evictDurableObject(env.EVENTS.getByName(eventId));
      const seen: string[] = [];
      let path: string | undefined = `${EVENTS}/${eventId}/${list}?limit=3`;
      while (path) {
        const { status, body, headers } = await api('GET', path);
        expect(status).toBe(200);
        expect(body.items.length).toBeLessThanOrEqual(3);
        for (const { userId, name } of body.items) {
          expect(name).toBe(userId);
          seen.push(userId);
        }
        path = /^<([^>]+)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1];
        expect(path !== undefined).toBe(body.nextCursor !== null);
      }
      expect(seen).toEqual(expected);
    }
  });

  test('of events reach every event once', async () => {
    const ids = [await newEvent(1, true), await newEvent(1, true), await newEvent(1, true)];
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor ? `&cursor=${cursor}` : '';
      const { body } = await api('GET', `${EVENTS}?limit=50${query}`);
      seen.push(...body.items.map(({ eventId }: { eventId: string }) => eventId));
      cursor = body.nextCursor;
    } while (cursor);
    expect(new Set(seen).size).toBe(seen.length);
    for (const id of ids) expect(seen).toContain(id);
  });

  test('have 1 to 1 000 rows a page, and accept only their own cursors', async () => {
    const { eventId } = await filled(1, 3);
    const other = await filled(1, 3);
    const ask = (query: string) => api('GET', `${EVENTS}/${eventId}/waitlist?${query}`);
    for (const limit of ['0', '1001', 'x', '1.5', '-1', '']) {
      const answer = await ask(`limit=${limit}`);
      expect(answer.status).toBe(400);
      expect(answer.body.errors[0].path).toBe('limit');
    }
    for (const limit of ['1', '1000']) expect((await ask(`limit=${limit}`)).status).toBe(200);
    const { nextCursor } = (await api('GET', `${EVENTS}/${other.eventId}/waitlist?limit=1`)).body;
    for (const cursor of [nextCursor, 'nonsense', 'W10', '%F0%9F%8E%89']) {
      const answer = await ask(`cursor=${cursor}`);
      expect(answer.status).toBe(400);
      expect(answer.body.errors[0].path).toBe('cursor');
    }
    expect((await api('GET', `${EVENTS}/nowhere/waitlist`)).status).toBe(404);
  });

  test('as CSV are complete, and safe to open in a spreadsheet', async () => {
    const eventId = await newEvent(1, true);
    const userId = unique('=1+1');
    await api('POST', '/registration/users', { userId, name: '=HYPERLINK("http://x","y"), "ü"' });
    await register(userId, eventId);
    const response = await fetchCsv(`${EVENTS}/${eventId}/registrations`);
    expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present');
    const [header, row, end] = response.text.split('\r\n');
    expect(header).toBe('\uFEFFuserId,name,registrationId,status,createdAt,overrideReason');
    expect(row).toContain(`'${userId},"'=HYPERLINK(""http://x"",""y""), ""ü""",`);
    expect(end).toBe('');
    expect((await fetchCsv(`${EVENTS}/nowhere/registrations`)).status).toBe(404);
  });

  test('as CSV are longer than a page', async () => {
    const eventId = await newEvent(1_200, true);
    const users = await newUsers(1_100);
    for (let i = 0; i < users.length; i += 1_000) {
      const userIds = users.slice(i, i + 1_000);
      await api('POST', `${EVENTS}/${eventId}/registrations`, { userIds });
    }
    const { text } = await fetchCsv(`${EVENTS}/${eventId}/registrations`);
    const listed = text.split('\r\n').slice(1, -1);
    expect(listed.map((row) => row.split(',')[0])).toEqual(users);
  });
});

async function fetchCsv(path: string) {
  const { exports } = await import('cloudflare:workers');
  const response = await exports.default.fetch(`http://desk.test${path}`, {
    headers: { Accept: 'text/csv' },
  });
  const bytes = new Uint8Array(await response.arrayBuffer());
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  return { status: response.status, headers: response.headers, text };
}

describe('a bulk registration', () => {
  const bulk = (eventId: string, userIds: unknown, headers = {}) =>
    api('POST', `${EVENTS}/${eventId}/registrations`, { userIds }, headers);

  test('is in order, each row with its own result, and a bad row does not affect others', async () => {
    const eventId = await newEvent(2, true);
    const [a = '', b = '', c = ''] = await newUsers(3);
    const { status, body } = await bulk(eventId, [a, 'nobody', 7, b, a, '', c]);
    expect(status).toBe(200);
    const rows = body.results.map(
      // biome-ignore lint/suspicious/noExplicitAny: whatever the wire brings
      ({ success, registration, waitlistEntry, problem }: any) =>
        success ? (registration ? 'seat' : `line ${waitlistEntry.position}`) : problem.title,
    );
    expect(rows).toEqual([
      'seat',
      'NotFoundError',
      'ValidationError',
      'seat',
      'DuplicateError',
      'ValidationError',
      'line 1',
    ]);
    expect(body.results[2].userId).toBeNull();
    const { registered, line } = await truth(eventId);
    expect(registered.sort()).toEqual([a, b].sort());
    expect(line).toEqual([c]);
  });

  test('takes 1 000 users in order, and not one more', async () => {
    const eventId = await newEvent(400, true);
    const users = await newUsers(1_000);
    const { body } = await bulk(eventId, users);
    // biome-ignore lint/suspicious/noExplicitAny: whatever the wire brings
    expect(body.results.every(({ success }: any) => success)).toBe(true);
    const { registered, line } = await truth(eventId);
    expect(registered.sort()).toEqual(users.slice(0, 400).sort());
    expect(line).toEqual(users.slice(400));
    const tooMany = await bulk(eventId, [...users, 'one more']);
    expect(tooMany.status).toBe(400);
    expect(tooMany.body.errors[0].path).toBe('userIds');
    expect((await bulk(eventId, [])).status).toBe(400);
    expect((await bulk(eventId, 'a')).status).toBe(400);
  });

  test('for an event that does not exist is a 404', async () => {
    const [a = ''] = await newUsers(1);
    expect((await bulk('nowhere', [a])).status).toBe(404);
  });
});
