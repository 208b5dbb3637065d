import { describe, expect, test } from 'vitest';
import { api, newEvent, newUsers, register, unique, unregister } from '../support/desk.ts';

const ISO_UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

describe('users', () => {
  test('are created and read back, with trimmed id and name', async () => {
    const userId = unique('ada');
    const created = await api('POST', '/registration/users', {
      userId: `  ${userId} `,
      name: ' Ada Lovelace ',
    });
    expect(created.status).toBe(201);
    expect(created.body).toEqual({
      userId,
      name: 'Ada Lovelace',
      createdAt: expect.stringMatching(ISO_UTC),
    });
    const read = await api('GET', `/registration/users/${userId}`);
    expect(read.status).toBe(200);
    expect(read.body).toEqual(created.body);
  });

  test('a taken id is refused, also when two requests come at once', async () => {
    const userId = unique('ada');
    const create = () => api('POST', '/registration/users', { userId, name: 'Ada' });
    const answers = await Promise.all([create(), create(), create()]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
    const refused = await create();
    expect(refused.body).toMatchObject({ title: 'DuplicateError', status: 409 });
    expect(refused.body.detail).toContain(userId);
  });
});

describe('events', () => {
  test('are created and read back', async () => {
    const eventId = unique('gala');
    const created = await api('POST', '/registration/events', {
      eventId,
      name: 'Gala',
      capacity: 3,
      hasWaitlist: true,
    });
    expect(created.status).toBe(201);
    expect(created.body).toEqual({
      eventId,
      name: 'Gala',
      capacity: 3,
      hasWaitlist: true,
      waitlistCapacity: null,
      registrationOpensAt: null,
      registrationClosesAt: null,
      startsAt: null,
      timeZone: 'UTC',
      promotesUntil: null,
      offerSeconds: null,
      status: 'OPEN',
      createdAt: expect.stringMatching(ISO_UTC),
    });
    const read = await api('GET', `/registration/events/${eventId}`);
    expect(read.status).toBe(200);
    expect(read.body).toEqual(created.body);
    const capacity = await api('GET', `/registration/events/${eventId}/capacity`);
    expect(capacity.status).toBe(200);
    expect(capacity.body).toEqual({
      eventId,
      totalCapacity: 3,
      availableCapacity: 3,
      registeredCount: 0,
      offeredCount: 0,
      waitlistCount: 0,
      status: 'OPEN',
    });
  });

  test('get an id and no waitlist when none is asked for', async () => {
    const { status, body } = await api('POST', '/registration/events', { name: 'X', capacity: 1 });
    expect(status).toBe(201);
    expect(body.eventId).toMatch(UUID);
    expect(body.hasWaitlist).toBe(false);
  });

  test('a taken id is refused, also when two requests come at once', async () => {
    const eventId = unique('gala');
    const create = () => api('POST', '/registration/events', { eventId, name: 'X', capacity: 1 });
    const answers = await Promise.all([create(), create(), create()]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
  });
});

describe('registrations', () => {
  test('a seat', async () => {
    const eventId = await newEvent(1, true);
    const [userId = ''] = await newUsers(1);
    const { status, body } = await register(userId, eventId);
    expect(status).toBe(201);
    expect(body).toEqual({
      success: true,
      message: expect.any(String),
      registration: {
        registrationId: expect.stringMatching(UUID),
        userId,
        eventId,
        status: 'ACTIVE',
        createdAt: expect.stringMatching(ISO_UTC),
      },
      waitlistEntry: null,
    });
  });

  test('an entry in the line', async () => {
    const eventId = await newEvent(1, true);
    const [first = '', userId = ''] = await newUsers(2);
    await register(first, eventId);
    const { status, body } = await register(userId, eventId);
    expect(status).toBe(201);
    expect(body).toEqual({
      success: true,
      message: expect.any(String),
      registration: null,
      waitlistEntry: {
        entryId: expect.stringMatching(UUID),
        userId,
        eventId,
        position: 1,
        createdAt: expect.stringMatching(ISO_UTC),
      },
    });
  });

  test('leaving, with and without somebody to promote', async () => {
    const eventId = await newEvent(1, true);
    const [first = '', second = ''] = await newUsers(2);
    await register(first, eventId);
    await register(second, eventId);
    const left = await unregister(first, eventId);
    expect(left.status).toBe(200);
    expect(left.body).toEqual({
      success: true,
      message: expect.any(String),
      promoted: {
        registrationId: expect.stringMatching(UUID),
        userId: second,
        eventId,
        status: 'ACTIVE',
        createdAt: expect.stringMatching(ISO_UTC),
      },
      offered: null,
    });
    const last = await unregister(second, eventId);
    const nobody = { promoted: null, offered: null };
    expect(last.body).toEqual({ success: true, message: expect.any(String), ...nobody });
  });
});

describe('the events of a user', () => {
  test('are those in which the user has a seat, not an entry', async () => {
    const [userId = '', other = ''] = await newUsers(2);
    const list = async () => (await api('GET', `/registration/users/${userId}/events`)).body;
    expect(await list()).toEqual([]);
    const one = await newEvent(1, true);
    const two = await newEvent(1, true);
    const full = await newEvent(1, true);
    await register(other, full);
    await register(userId, full);
    await register(userId, one);
    await register(userId, two);
    const events = await list();
    expect(events.map(({ eventId }: { eventId: string }) => eventId)).toEqual([one, two]);
    expect(events[0]).toEqual((await api('GET', `/registration/events/${one}`)).body);
    await unregister(userId, one);
    expect((await list()).length).toBe(1);
    await unregister(other, full);
    expect((await list()).length).toBe(2);
  });

  test("are complete, also when one call can't confirm them all", async () => {
    const [userId = ''] = await newUsers(1);
    const eventIds = await Promise.all(Array.from({ length: 60 }, () => newEvent(1, false)));
    await Promise.all(eventIds.map((eventId) => register(userId, eventId)));
    const { body } = await api('GET', `/registration/users/${userId}/events`);
    const listed = body.map(({ eventId }: { eventId: string }) => eventId);
    expect(listed.sort()).toEqual(eventIds.sort());
  });
});

describe('ids of any script', () => {
  test.for(['a/b', 'ü', 'two words', '🎉', '100%', 'a?b#c', '日本語', "o'hara", '%2F', '<b>', '+'])(
    '%s works as a user and as an event, in path, query and body',
    async (raw) => {
      const userId = `${raw}${unique('')}`;
      const eventId = `${unique('')}${raw}`;
      const path = encodeURIComponent;
      expect((await api('POST', '/registration/users', { userId, name: raw })).status).toBe(201);
      expect((await api('GET', `/registration/users/${path(userId)}`)).body.userId).toBe(userId);
      const event = { eventId, name: raw, capacity: 1 };
      expect((await api('POST', '/registration/events', event)).status).toBe(201);
      expect((await api('GET', `/registration/events/${path(eventId)}`)).body.name).toBe(raw);
      expect((await register(userId, eventId)).status).toBe(201);
      const { body } = await api('GET', `/registration/events/${path(eventId)}/capacity`);
      expect(body).toMatchObject({ eventId, totalCapacity: 1, availableCapacity: 0 });
      const events = await api('GET', `/registration/users/${path(userId)}/events`);
      expect(events.body.length).toBe(1);
      expect((await unregister(userId, eventId)).status).toBe(200);
    },
  );
});
