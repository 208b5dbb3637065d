import { evictDurableObject } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { describe, expect, test, vi } from 'vitest';
import { BULK_MAX_USERS, OFFER_MAX_SECONDS, OFFER_MIN_SECONDS } from '../../src/limits.ts';
import {
  api,
  capacityOf,
  countDynamo,
  movedClock,
  newUsers,
  register,
  truth,
  unique,
  unregister,
} from '../support/desk.ts';

const EVENTS = '/registration/events';
const PLACES = '/registration/registrations';
const SECONDS = 30;

const about = (userId: string, eventId: string) => `?userId=${userId}&eventId=${eventId}`;
const stand = async (userId: string, eventId: string) =>
  (await api('GET', PLACES + about(userId, eventId))).body;
const leaveLine = (userId: string, eventId: string, headers = {}) =>
  api('DELETE', `/registration/waitlist${about(userId, eventId)}`, undefined, headers);
const patch = (eventId: string, body: object, query = '') =>
  api('PATCH', `${EVENTS}/${eventId}${query}`, body);
const offersOf = async (eventId: string, query = '') =>
  (await api('GET', `${EVENTS}/${eventId}/offers${query}`)).body;
const evict = (eventId: string) => evictDurableObject(env.EVENTS.getByName(eventId));
const typesIn = async (eventId: string) => {
  const { items } = (await api('GET', `${EVENTS}/${eventId}/log`)).body;
  return items.flatMap(({ changes }: { changes: { type: string }[] }) =>
    changes.map(({ type }) => type),
  );
};
const soon = (ms: number) => new Date(Date.now() + ms).toISOString();

/** An event with its seats taken and so many who wait, offering its seats. */
async function offering(capacity: number, people: number, settings: object = {}) {
  const eventId = unique('event');
  const body = { eventId, name: 'x', capacity, hasWaitlist: true, offerSeconds: SECONDS };
  expect((await api('POST', EVENTS, { ...body, ...settings })).status).toBe(201);
  const users = await newUsers(people);
  for (const userId of users) expect((await register(userId, eventId)).status).toBe(201);
  return { eventId, users };
}

describe('when it matters', () => {
  const moments = ['startsAt', 'promotesUntil'] as const;

  test('is kept, shown and changed like all else of an event', async () => {
    const eventId = unique('event');
    const given = {
      startsAt: '2026-06-01T19:00:00+02:00',
      timeZone: ' Europe/Berlin ',
      promotesUntil: '2026-06-01T15:00:00Z',
      offerSeconds: 3_600,
    };
    const created = await api('POST', EVENTS, { eventId, name: 'x', capacity: 1, ...given });
    const kept = {
      startsAt: '2026-06-01T17:00:00.000Z',
      timeZone: 'Europe/Berlin',
      promotesUntil: '2026-06-01T15:00:00.000Z',
      offerSeconds: 3_600,
    };
    expect(created.body).toMatchObject(kept);
    await evict(eventId);
    expect((await api('GET', `${EVENTS}/${eventId}`)).body).toMatchObject(kept);
    const none = { startsAt: null, timeZone: 'UTC', promotesUntil: null, offerSeconds: null };
    expect((await patch(eventId, none)).body.event).toMatchObject(none);
    const { items } = (await api('GET', `${EVENTS}/${eventId}/log`)).body;
    expect(items[0].changes[0].settings).toMatchObject(kept);
    expect(items[1].changes[0].settings).toMatchObject(none);
  });

  test('may end the line before or after the start, and before registration opens', async () => {
    for (const [startsAt, promotesUntil] of [
      ['2026-06-01T00:00:00Z', '2026-06-02T00:00:00Z'],
      ['2026-06-02T00:00:00Z', '2026-06-01T00:00:00Z'],
      ['2026-06-01T00:00:00Z', '2026-06-01T00:00:00Z'],
    ]) {
      const times = { startsAt, promotesUntil, registrationOpensAt: '2026-06-03T00:00:00Z' };
      expect((await api('POST', EVENTS, { name: 'x', capacity: 1, ...times })).status).toBe(201);
    }
  });

  test.for([
    ...moments.flatMap((field) => [
      [field, 'tomorrow'],
      [field, 1_780_304_400],
      [field, '2026-06-01T09:00:00'],
    ]),
    ['timeZone', 'Mars/Olympus'],
    ['timeZone', '+01:00'],
    ['timeZone', ''],
    ['timeZone', null],
    ['timeZone', `Europe/${'x'.repeat(58)}`],
    ['offerSeconds', OFFER_MIN_SECONDS - 1],
    ['offerSeconds', OFFER_MAX_SECONDS + 1],
    ['offerSeconds', 10.5],
    ['offerSeconds', '60'],
  ] as const)('%s %o is refused, in a new event and in a change', async ([field, value]) => {
    const eventId = unique('event');
    await api('POST', EVENTS, { eventId, name: 'x', capacity: 1 });
    for (const { status, body } of [
      await api('POST', EVENTS, { name: 'x', capacity: 1, [String(field)]: value }),
      await patch(eventId, { [String(field)]: value }),
    ]) {
      expect([status, body.errors?.[0].path]).toEqual([400, field]);
    }
  });

  test.for([
    ['offerSeconds', OFFER_MIN_SECONDS],
    ['offerSeconds', OFFER_MAX_SECONDS],
    ['timeZone', 'America/Argentina/ComodRivadavia'],
    ['timeZone', 'Asia/Kolkata'],
    ['timeZone', 'UTC'],
  ] as const)('%s %o is taken as it is', async ([field, value]) => {
    const { body } = await api('POST', EVENTS, { name: 'x', capacity: 1, [field]: value });
    expect(body[field]).toBe(value);
  });
});

describe('an offer', () => {
  test('is made instead of a promotion, holds the seat, and is shown wherever it should be', async () => {
    const { eventId, users } = await offering(1, 3);
    const [a = '', b = '', c = ''] = users;
    const left = (await unregister(a, eventId)).body;
    expect(left).toMatchObject({ promoted: null, offered: { userId: b, eventId, position: 1 } });
    expect(left.message).toBe(
      `User ${a} has left event ${eventId}; the seat is offered to user ${b}.`,
    );
    const { offered } = left;
    expect(Date.parse(offered.expiresAt) - Date.parse(offered.createdAt)).toBe(SECONDS * 1_000);
    await evict(eventId);
    expect(await stand(b, eventId)).toEqual({
      status: 'OFFERED',
      registration: null,
      offer: offered,
      waitlistEntry: null,
      ahead: null,
    });
    expect(await stand(c, eventId)).toMatchObject({ status: 'WAITLISTED', ahead: 0 });
    expect((await capacityOf(eventId)).body).toMatchObject({
      ...{ totalCapacity: 1, availableCapacity: 0 },
      ...{ registeredCount: 0, offeredCount: 1, waitlistCount: 1 },
    });
    expect(await offersOf(eventId)).toEqual({ items: [{ ...offered, name: b }], nextCursor: null });
    expect((await api('GET', `${EVENTS}/${eventId}/registrations`)).body.items).toEqual([]);
    const { items } = (await api('GET', `${EVENTS}/${eventId}/waitlist`)).body;
    expect(items.map(({ userId }: { userId: string }) => userId)).toEqual([c]);
    expect((await api('GET', `/registration/users/${b}/events`)).body).toEqual([]);
    expect(await truth(eventId)).toMatchObject({ registered: [], offered: [b], line: [c] });
  });

  test('is taken by registering, whatever the status says, and the user has a seat like any other', async () => {
    const { eventId, users } = await offering(1, 3);
    const [a = '', b = '', c = ''] = users;
    await unregister(a, eventId);
    await patch(eventId, { status: 'CLOSED' });
    const taken = await register(b, eventId);
    expect(taken.status).toBe(201);
    expect(taken.body).toMatchObject({
      registration: { userId: b, status: 'ACTIVE' },
      waitlistEntry: null,
    });
    await evict(eventId);
    expect((await stand(b, eventId)).registration).toEqual(taken.body.registration);
    expect((await api('GET', `/registration/users/${b}/events`)).body).toMatchObject([{ eventId }]);
    expect((await register(b, eventId)).status).toBe(409);
    expect(await truth(eventId)).toMatchObject({ registered: [b], offered: [], line: [c] });
    expect((await typesIn(eventId)).slice(-4)).toEqual([
      'registration.cancelled',
      'offer.made',
      'event.updated',
      'offer.accepted',
    ]);
  });

  test('is declined by leaving the line; of somebody who waits there is an entry and no offer', async () => {
    const { eventId, users } = await offering(1, 4);
    const [a = '', b = '', c = '', d = ''] = users;
    const { offered } = (await unregister(a, eventId)).body;
    expect((await unregister(b, eventId)).status).toBe(404);
    const declined = await leaveLine(b, eventId);
    expect(declined.body).toEqual({
      success: true,
      message: `User ${b} has declined the seat in event ${eventId}.`,
      waitlistEntry: null,
      offer: offered,
    });
    expect(declined.headers.get('registration-receipt')).toMatch(/^\d+\.[0-9a-f]{64}$/);
    expect((await leaveLine(d, eventId)).body).toMatchObject({
      ...{ waitlistEntry: { userId: d, position: 3 }, offer: null },
    });
    expect(await truth(eventId)).toMatchObject({ registered: [], offered: [c], line: [] });
    expect((await leaveLine(b, eventId)).status).toBe(404);
  });

  test('that is over is nobody’s: whoever asks first, of whatever kind, finds it passed on', async () => {
    const questions: ((eventId: string, users: string[]) => Promise<unknown>)[] = [
      (eventId) => capacityOf(eventId),
      (eventId) => offersOf(eventId),
      (eventId, [, b = '']) => stand(b, eventId),
      (eventId, [, b = '']) => register(b, eventId),
      (eventId, [, b = '']) => leaveLine(b, eventId),
      (eventId) => patch(eventId, { name: 'y' }),
      (eventId) => api('GET', `${EVENTS}/${eventId}/log`),
      (eventId) => evict(eventId).then(() => capacityOf(eventId)),
    ];
    for (const ask of questions) {
      using clock = movedClock();
      const { eventId, users } = await offering(1, 3);
      const [a = '', b = '', c = ''] = users;
      await unregister(a, eventId);
      clock.late = SECONDS * 1_000;
      await ask(eventId, users);
      const { offered, registered, line } = await truth(eventId);
      expect([offered, registered, line.filter((userId) => userId !== b)]).toEqual([[c], [], []]);
      expect(await stand(c, eventId)).toMatchObject({ status: 'OFFERED' });
      const types = await typesIn(eventId);
      expect(types.slice(6, 8)).toEqual(['offer.expired', 'offer.made']);
    }
  });

  test('costs a question nothing while it is open', async () => {
    const { eventId, users } = await offering(1, 3);
    const [a = '', b = ''] = users;
    await unregister(a, eventId);
    using calls = countDynamo();
    expect((await stand(b, eventId)).status).toBe('OFFERED');
    await capacityOf(eventId);
    expect(calls.operations).toEqual([]);
  });

  test('is passed on in the very transaction of the command that comes first', async () => {
    using clock = movedClock();
    const { eventId, users } = await offering(1, 3);
    const [a = '', b = ''] = users;
    await unregister(a, eventId);
    clock.late = SECONDS * 1_000;
    using calls = countDynamo();
    const { status, body } = await register(b, eventId);
    expect([status, body.waitlistEntry.position]).toEqual([201, 3]);
    expect(calls.operations).toEqual(['TransactWriteItems']);
  });

  test('becomes a seat by an override, and is not there any more', async () => {
    const { eventId, users } = await offering(1, 3);
    const [a = '', b = ''] = users;
    await unregister(a, eventId);
    const override = { reason: 'speaker' };
    const { body } = await api('POST', PLACES, { userId: b, eventId, override });
    expect(body.registration).toMatchObject({ userId: b, overrideReason: 'speaker' });
    await evict(eventId);
    expect((await capacityOf(eventId)).body).toMatchObject({ registeredCount: 1, offeredCount: 0 });
    expect((await truth(eventId)).registered).toEqual([b]);
  });

  test('is taken in a bulk call like in a single one', async () => {
    const { eventId, users } = await offering(1, 3);
    const [a = '', b = '', c = ''] = users;
    await unregister(a, eventId);
    const { body } = await api('POST', `${EVENTS}/${eventId}/registrations`, { userIds: [c, b] });
    expect(body.results[0]).toMatchObject({ success: false, problem: { status: 409 } });
    expect(body.results[1]).toMatchObject({ success: true, registration: { userId: b } });
  });

  test('taken or declined with a key is answered again, whatever has changed since', async () => {
    const { eventId, users } = await offering(1, 3);
    const [a = '', b = '', c = ''] = users;
    const key = { 'Idempotency-Key': 'k1' };
    const left = await api('DELETE', PLACES + about(a, eventId), undefined, key);
    const post = () => api('POST', PLACES, { userId: b, eventId }, { 'Idempotency-Key': 'k2' });
    const taken = await post();
    await unregister(b, eventId);
    const declined = await leaveLine(c, eventId, { 'Idempotency-Key': 'k3' });
    await evict(eventId);
    const again = [
      await api('DELETE', PLACES + about(a, eventId), undefined, key),
      await post(),
      await leaveLine(c, eventId, { 'Idempotency-Key': 'k3' }),
    ];
    expect(again.map(({ body }) => body)).toEqual([left, taken, declined].map(({ body }) => body));
    for (const { headers } of again) expect(headers.get('Idempotency-Replayed')).toBe('true');
    expect(await truth(eventId)).toMatchObject({ registered: [], offered: [], line: [] });
  });

  test('ends with the event when that is cancelled', async () => {
    const { eventId, users } = await offering(1, 3);
    const [a = '', b = ''] = users;
    await unregister(a, eventId);
    await api('DELETE', `${EVENTS}/${eventId}`);
    expect((await offersOf(eventId)).items).toEqual([]);
    const { status, body } = await register(b, eventId);
    expect([status, body.title]).toEqual([400, 'RegistrationError']);
    expect((await typesIn(eventId)).slice(-2)).toEqual(['event.cancelled', 'offer.expired']);
    await evict(eventId);
    expect((await capacityOf(eventId)).body).toMatchObject({ offeredCount: 0, waitlistCount: 1 });
  });

  test('stays as it is when the event stops to offer, or has fewer seats', async () => {
    const { eventId, users } = await offering(2, 4);
    const [a = '', , c = '', d = ''] = users;
    const { offered } = (await unregister(a, eventId)).body;
    const { body } = await patch(eventId, { offerSeconds: null, capacity: 1 });
    expect(body).toMatchObject({ promoted: [], offered: [], offeredCount: 0 });
    expect((await stand(c, eventId)).offer).toEqual(offered);
    expect((await capacityOf(eventId)).body).toMatchObject({
      ...{ totalCapacity: 1, availableCapacity: 0, registeredCount: 1, offeredCount: 1 },
    });
    expect((await register(c, eventId)).status).toBe(201);
    expect((await stand(d, eventId)).status).toBe('WAITLISTED');
  });
});

describe('many offers', () => {
  test('of a raised capacity are made in order, and listed page by page and as CSV', async () => {
    const { eventId, users } = await offering(1, 6);
    const dry = await patch(eventId, { capacity: 4 }, '?dryRun=true');
    expect([dry.body.offeredCount, (await offersOf(eventId)).items]).toEqual([3, []]);
    const { body } = await patch(eventId, { capacity: 4 });
    const offered = users.slice(1, 4);
    expect(body).toMatchObject({ promoted: [], promotedCount: 0, offeredCount: 3 });
    expect(body.offered.map(({ userId }: { userId: string }) => userId)).toEqual(offered);
    const seen: string[] = [];
    for (let cursor = ''; ; ) {
      const page = await offersOf(eventId, `?limit=2${cursor}`);
      seen.push(...page.items.map(({ userId }: { userId: string }) => userId));
      if (page.nextCursor === null) break;
      cursor = `&cursor=${page.nextCursor}`;
    }
    expect(seen).toEqual(offered);
    const other = (await api('GET', `${EVENTS}/${eventId}/waitlist?limit=1`)).body.nextCursor;
    expect((await api('GET', `${EVENTS}/${eventId}/offers?cursor=${other}`)).status).toBe(400);
    const response = await exports.default.fetch(`http://desk.test${EVENTS}/${eventId}/offers`, {
      headers: { Accept: 'text/csv' },
    });
    const lines = (await response.text()).trim().split('\r\n');
    expect(lines[0]).toContain('position,userId,name,offerId,createdAt,expiresAt');
    expect(lines.slice(1).map((line) => line.split(',')[1])).toEqual(offered);
    expect((await api('GET', `${EVENTS}/nowhere/offers`)).status).toBe(404);
  });

  test('that end at once are handed on in parts, in order, and none twice', async () => {
    using clock = movedClock();
    const eventId = unique('event');
    const body = { eventId, name: 'x', capacity: 1, hasWaitlist: true, offerSeconds: SECONDS };
    await api('POST', EVENTS, body);
    const users = await newUsers(141);
    expect(users.length).toBeLessThanOrEqual(BULK_MAX_USERS);
    await api('POST', `${EVENTS}/${eventId}/registrations`, { userIds: users });
    const raised = await patch(eventId, { capacity: 71 });
    expect(raised.body.offeredCount).toBe(70);
    clock.late = SECONDS * 1_000;
    const [newcomer = ''] = await newUsers(1);
    expect((await register(newcomer, eventId)).body.waitlistEntry.position).toBe(141);
    // Step by step, with others in between.
    await vi.waitFor(async () =>
      expect(await truth(eventId)).toMatchObject({ offered: users.slice(71), line: [newcomer] }),
    );
    await evict(eventId);
    expect((await capacityOf(eventId)).body).toMatchObject({ offeredCount: 70, waitlistCount: 1 });
    const types = await typesIn(eventId);
    expect(types.filter((type: string) => type === 'offer.expired').length).toBe(70);
    expect(types.filter((type: string) => type === 'offer.made').length).toBe(140);
  });
});

describe('the end of the line', () => {
  test('leaves free seats to whoever asks, and takes nobody into the line', async () => {
    using clock = movedClock();
    const settings = { offerSeconds: null, startsAt: soon(60_000) };
    const { eventId, users } = await offering(1, 3, settings);
    const [a = '', b = '', c = ''] = users;
    const [x = ''] = await newUsers(1);
    clock.late = 60_000;
    const full = await register(x, eventId);
    expect([full.status, full.body.title]).toEqual([409, 'CapacityError']);
    expect(full.body.detail).toBe(`Event ${eventId} is full, and its waitlist has ended.`);
    expect((await register(b, eventId)).body.title).toBe('CapacityError');
    expect((await unregister(a, eventId)).body).toMatchObject({ promoted: null, offered: null });
    expect((await capacityOf(eventId)).body).toMatchObject({
      ...{ availableCapacity: 1, waitlistCount: 2 },
    });
    const taken = await register(c, eventId);
    expect(taken.body).toMatchObject({ registration: { userId: c }, waitlistEntry: null });
    expect((await typesIn(eventId)).slice(-2)).toEqual(['waitlist.left', 'registration.created']);
    expect(await truth(eventId)).toMatchObject({ registered: [c], line: [b] });
    await unregister(c, eventId);
    expect((await register(x, eventId)).body.registration.userId).toBe(x);
    expect((await leaveLine(b, eventId)).status).toBe(200);
  });

  test('bounds an offer, moves it along, and taken back it gives free seats to the line', async () => {
    using clock = movedClock();
    const end = soon(20_000);
    const { eventId, users } = await offering(1, 3, { promotesUntil: end });
    const [a = '', b = '', c = ''] = users;
    const { offered } = (await unregister(a, eventId)).body;
    expect(offered.expiresAt).toBe(end);
    await patch(eventId, { promotesUntil: null, startsAt: null });
    const own = new Date(Date.parse(offered.createdAt) + SECONDS * 1_000).toISOString();
    expect((await stand(b, eventId)).offer.expiresAt).toBe(own);
    await patch(eventId, { promotesUntil: end });
    expect((await stand(b, eventId)).offer.expiresAt).toBe(end);
    clock.late = 20_000;
    expect((await stand(b, eventId)).status).toBe('NONE');
    expect(await truth(eventId)).toMatchObject({ registered: [], offered: [], line: [c] });
    const { body } = await patch(eventId, { promotesUntil: null });
    expect(body.offered).toMatchObject([{ userId: c }]);
  });
});
