import { Webhook } from 'standardwebhooks';
import { describe, expect, test } from 'vitest';
import about from '../../package.json' with { type: 'json' };
import type { Offer } from '../../src/event/model.ts';
import {
  type DeliveryReport,
  type Pointer,
  pointerAt,
  type Reminder,
} from '../../src/event/outbox.ts';
import { OUTBOX_MAX_MESSAGES, REMINDER_FIRST_INDEX } from '../../src/limits.ts';
import { deliver } from '../../src/outbox/deliver.ts';
import type { Endpoint } from '../../src/outbox/settings.ts';
import { ENDPOINT, entryOf, nextDue, plainLog, SECRET, START_MS, World } from './world.ts';

const START = pointerAt('crm', 0);
const deliverIn = (world: World, pointer: Pointer, endpoint: Endpoint = ENDPOINT) =>
  deliver({ eventId: 'recital', pointer, head: world.head }, endpoint, world.ports);
const status = (code: number, headers: Record<string, string> = {}) =>
  new Response(null, { status: code, headers });
/** So that others are begun before it is heard of: an answer takes its time. */
const latency = () => new Promise((resolve) => setTimeout(resolve, 20));
const openOf = (version: number, nextAt = START_MS, attempts = 1) => ({
  ...{ version, index: 0, attempts, nextAt },
});
const numbersOf = ({ delivered, failed, gaveUp }: DeliveryReport) => [delivered, failed, gaveUp];
const keysOf = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => `${from + i}.0`);

describe('a message', () => {
  test('is signed, named, and says what the log has', async () => {
    const world = new World([entryOf(3, ['registration.cancelled', 'registration.promoted'])]);
    world.now = Date.now();
    await deliverIn(world, START);
    const [first, second] = world.sent;
    for (const { body, headers } of world.sent) new Webhook(SECRET).verify(body, headers);
    expect(JSON.parse(second?.body ?? '')).toEqual({
      type: 'registration.promoted',
      timestamp: world.entries[0]?.at,
      data: {
        ...{ eventId: 'recital', version: 3, index: 1, registrationId: '3.1', entryId: 'e 3.1' },
        ...{ position: 1, userId: 'user of 3.1' },
      },
    });
    expect(first?.headers).toMatchObject({
      'Content-Type': 'application/json',
      'User-Agent': `registration-desk/${about.version}`,
      'webhook-id': expect.stringMatching(/^msg_[\w-]{32}$/),
      'webhook-timestamp': String(Math.floor(world.now / 1_000)),
    });
    expect(first?.headers['webhook-id']).not.toBe(second?.headers['webhook-id']);
    expect(world.sent.map(({ body }) => body).join()).not.toContain('key:crm');
  });

  test('has the same id at each attempt and endpoint, and the time of the attempt', async () => {
    const world = new World(plainLog(1), () => status(500));
    const { pointer } = await deliverIn(world, START);
    world.now += 6_000;
    await deliverIn(world, pointer);
    await deliverIn(world, pointerAt('other', 0), { ...ENDPOINT, name: 'other' });
    expect(world.sent).toHaveLength(3);
    expect(new Set(world.sent.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(new Set(world.sent.map(({ body }) => body)).size).toBe(1);
    const [a, b] = world.sent.map(({ headers }) => Number(headers['webhook-timestamp']));
    expect((b ?? 0) - (a ?? 0)).toBe(6);
  });
});

describe('new messages', () => {
  test('are sent in order, six at a time, up to the head', async () => {
    const world = new World(plainLog(40), async () => {
      await latency();
      return new Response();
    });
    world.entries.push(entryOf(99, ['event.updated']));
    const report = await deliver(
      { eventId: 'recital', pointer: START, head: 60 },
      ENDPOINT,
      world.ports,
    );
    expect(world.keys).toEqual(keysOf(1, 40));
    expect(world.mostInFlight).toBe(6);
    expect(report).toEqual({
      ...{ pointer: { ...START, version: 60 }, delivered: 40, failed: 0, gaveUp: 0 },
    });
  });

  test(`are ${OUTBOX_MAX_MESSAGES} at most; the next delivery goes on in the middle of an entry`, async () => {
    const types = Array.from({ length: 70 }, () => 'registration.promoted' as const);
    const world = new World(Array.from({ length: 10 }, (_, i) => entryOf(10 * (i + 1), types)));
    const first = await deliverIn(world, START);
    expect(numbersOf(first)).toEqual([300, 0, 0]);
    expect(first.pointer).toEqual({ ...START, version: 49, index: 20 });
    const second = await deliverIn(world, first.pointer);
    const third = await deliverIn(world, second.pointer);
    expect(third.pointer).toEqual({ ...START, version: 100 });
    expect(world.keys).toEqual(world.wanted(null));
  });

  test('of the entry that comes next are sent whole, when the one begun is gone', async () => {
    const world = new World([entryOf(9, ['waitlist.joined', 'waitlist.left'])]);
    await deliverIn(world, { ...START, version: 6, index: 1 });
    expect(world.keys).toEqual(['9.0', '9.1']);
  });

  test('that the endpoint does not want count as sent', async () => {
    const world = new World([
      entryOf(2, ['registration.cancelled', 'registration.promoted', 'waitlist.left']),
      entryOf(5, ['event.updated']),
    ]);
    const report = await deliverIn(world, START, { ...ENDPOINT, types: ['waitlist.*'] });
    expect(world.keys).toEqual(['2.2']);
    expect(report.pointer).toEqual({ ...START, version: 5 });
    const other = await deliverIn(world, START, { ...ENDPOINT, types: ['offer.*'] });
    expect(other).toMatchObject({ pointer: { version: 5, index: 0 }, delivered: 0 });
  });

  test('are begun for 20 s', async () => {
    const world = new World(plainLog(100), () => {
      world.now += 1_000;
      return new Response();
    });
    const { pointer, delivered } = await deliverIn(world, START);
    expect(delivered).toBeGreaterThanOrEqual(20);
    expect(delivered).toBeLessThanOrEqual(26);
    expect(pointer.version).toBe(delivered);
  });

  test('are found past any number of versions without an entry, a page at a time', async () => {
    const world = new World([entryOf(1, ['event.created']), entryOf(5_000, ['event.updated'])]);
    world.pageVersions = 100;
    let pointer = START;
    for (let i = 0; nextDue(pointer, 5_000) === 0; i++) {
      expect(i).toBeLessThan(10);
      pointer = (await deliverIn(world, pointer)).pointer;
    }
    expect(world.keys).toEqual(['1.0', '5000.0']);
    expect(pointer).toEqual({ ...START, version: 5_000 });
  });

  test('are read in few pages, whether entries are thin or thick', async () => {
    const thin = new World(plainLog(1_000));
    await deliverIn(thin, START);
    expect(thin.reads).toEqual(['0..1000', '10..1000']);
    const types = Array.from({ length: 98 }, () => 'registration.promoted' as const);
    const thick = new World(Array.from({ length: 100 }, (_, i) => entryOf(i + 1, types)));
    await deliverIn(thick, START);
    expect(thick.reads).toEqual(['0..100']);
  });
});

describe('an endpoint that is down', () => {
  test('is asked eight times, and then when a message is due', async () => {
    const world = new World(plainLog(1_000), async () => {
      await latency();
      throw new TypeError('refused');
    });
    const first = await deliverIn(world, START);
    expect(numbersOf(first)).toEqual([0, 6, 0]);
    const second = await deliverIn(world, first.pointer);
    expect(world.keys).toEqual(keysOf(1, 8));
    expect(second.pointer).toMatchObject({ version: 8, index: 0, lastError: 'connection failed' });
    expect(second.pointer.failingSince).toBe(new Date(START_MS).toISOString());
    expect(nextDue(second.pointer, world.head)).toBe(START_MS + 5_000);
    // Too early: nothing is sent, and nothing is read.
    world.reads = [];
    const third = await deliverIn(world, second.pointer);
    expect(third.pointer).toEqual(second.pointer);
    expect(world.reads).toEqual([]);
    expect(world.sent).toHaveLength(8);
    world.now += 5_000;
    const fourth = await deliverIn(world, third.pointer);
    expect(world.keys.slice(8)).toEqual(keysOf(1, 8));
    expect(fourth.pointer.open.map(({ attempts }) => attempts)).toEqual(Array(8).fill(2));
  });

  test('gets all of it when it is back, and nothing is held against it', async () => {
    const world = new World(plainLog(50), () => latency().then(() => status(500)));
    let { pointer } = await deliverIn(world, START);
    pointer = (await deliverIn(world, pointer)).pointer;
    world.answer = () => new Response();
    world.now += 5_000;
    pointer = (await deliverIn(world, pointer)).pointer;
    expect(pointer).toEqual({ ...START, version: 8 });
    pointer = (await deliverIn(world, pointer)).pointer;
    expect(pointer).toEqual({ ...START, version: 50 });
  });

  test('is left alone as long as it asks', async () => {
    const world = new World(plainLog(1), () => status(503, { 'Retry-After': '90' }));
    const { pointer } = await deliverIn(world, START);
    expect(pointer.open[0]?.nextAt).toBe(START_MS + 90_000);
    expect(pointer.lastError).toBe('HTTP 503');
  });
});

describe('a message that an endpoint cannot digest', () => {
  test('holds up no other, and is given up after ten attempts', async () => {
    const world = new World(plainLog(200), ({ version }) => status(version === 50 ? 422 : 204));
    let pointer = START;
    let delivered = 0;
    let gaveUp = 0;
    for (;;) {
      const due = nextDue(pointer, world.head);
      if (due === null) break;
      world.now = Math.max(world.now, due);
      const report = await deliverIn(world, pointer);
      pointer = report.pointer;
      delivered += report.delivered;
      gaveUp += report.gaveUp;
    }
    expect([delivered, gaveUp]).toEqual([199, 1]);
    expect(world.sent.filter(({ version }) => version === 50)).toHaveLength(10);
    // All others were taken before its second attempt.
    expect(new Set(world.keys.slice(0, 200)).size).toBe(200);
    expect(pointer).toMatchObject({ version: 200, open: [], lastError: 'HTTP 422' });
    expect(world.told).toEqual([
      {
        ...{ problem: 'webhook given up', eventId: 'recital', endpoint: 'crm' },
        ...{ version: 50, index: 0, cause: 'HTTP 422' },
      },
    ]);
  });

  test('stops no delivery while others in flight are taken', async () => {
    const world = new World(plainLog(60), async ({ version }) => {
      if (version === 5) return status(422);
      await latency();
      return new Response();
    });
    const { pointer, delivered } = await deliverIn(world, START);
    expect(delivered).toBe(59);
    expect(pointer).toMatchObject({ version: 60, open: [{ version: 5, attempts: 1 }] });
  });

  test('however late that is known, holds up no other', async () => {
    const world = new World(plainLog(20));
    world.answer = async ({ version }) => {
      if (version !== 1) return new Response();
      // Longer than all the others.
      await new Promise((resolve) => setTimeout(resolve, 100));
      return status(422);
    };
    const { pointer, delivered } = await deliverIn(world, START);
    expect(delivered).toBe(19);
    expect(pointer).toMatchObject({ version: 20, open: [{ version: 1, attempts: 1 }] });
  });
});

describe('messages that are due again', () => {
  const open = [openOf(2), openOf(4, START_MS + 1), openOf(6)];

  test('come before new ones, in order; the others wait', async () => {
    const world = new World(plainLog(9));
    const { pointer } = await deliverIn(world, { ...START, version: 7, open });
    expect(world.keys).toEqual(['2.0', '6.0', '8.0', '9.0']);
    expect(pointer).toEqual({ ...START, version: 9, open: [openOf(4, START_MS + 1)] });
  });

  test('do not hold up new ones when they fail again', async () => {
    const world = new World(plainLog(30), ({ version }) => status(version <= 6 ? 500 : 200));
    const { pointer, delivered, failed } = await deliverIn(world, { ...START, version: 7, open });
    expect([delivered, failed]).toEqual([23, 2]);
    expect(pointer.version).toBe(30);
    expect(pointer.open.map(({ version, attempts }) => [version, attempts])).toEqual([
      [2, 2],
      [4, 1],
      [6, 2],
    ]);
  });

  test('are given up when they are no longer in the log', async () => {
    const world = new World(plainLog(9).slice(4));
    const { pointer, gaveUp } = await deliverIn(world, { ...START, version: 9, open });
    expect(world.keys).toEqual(['6.0']);
    expect(gaveUp).toBe(1);
    expect(pointer.open).toEqual([openOf(4, START_MS + 1)]);
    expect(world.told).toMatchObject([
      { problem: 'webhook given up', version: 2, cause: 'no longer in the log' },
    ]);
  });

  test('make room for new ones by and by', async () => {
    const eight = Array.from({ length: 8 }, (_, i) => openOf(i + 1));
    const world = new World(plainLog(20));
    const first = await deliverIn(world, { ...START, version: 8, open: eight });
    expect(first.pointer).toEqual({ ...START, version: 8 });
    expect(numbersOf(first)).toEqual([8, 0, 0]);
  });

  test('that are sent once more, as after a replay, stay one message', async () => {
    const world = new World(plainLog(9), () => status(500));
    const failing = { ...START, open: [openOf(2, START_MS + 60_000, 3)] };
    const { pointer } = await deliverIn(world, failing);
    expect(pointer.open.filter(({ version }) => version === 2)).toMatchObject([{ attempts: 4 }]);
    world.answer = () => new Response();
    const second = await deliverIn(world, failing);
    expect(second.pointer).toEqual({ ...START, version: 9 });
  });
});

describe('410', () => {
  test('ends the messages of the event; none is begun any more', async () => {
    const world = new World(plainLog(100), ({ version }) => status(version === 10 ? 410 : 200));
    const failing = { ...START, open: [openOf(1, START_MS + 60_000)] };
    const { pointer } = await deliverIn(world, failing);
    expect(pointer).toMatchObject({ isEnded: true, open: [], lastError: 'HTTP 410' });
    expect(world.sent.length).toBeLessThanOrEqual(16);
    expect(world.told).toMatchObject([
      { problem: 'webhook ended', eventId: 'recital', endpoint: 'crm', cause: 'HTTP 410' },
    ]);
    world.sent = [];
    expect(await deliverIn(world, pointer)).toEqual({
      ...{ pointer, delivered: 0, failed: 0, gaveUp: 0 },
    });
    expect(world.sent).toEqual([]);
  });
});

test('whoever operates the service is told of messages that expired before they were sent', async () => {
  const world = new World(plainLog(9).slice(4));
  const job = { eventId: 'recital', pointer: START, head: 9, from: 5 };
  const { pointer } = await deliver(job, ENDPOINT, world.ports);
  const line = { problem: 'webhook messages expired', eventId: 'recital', endpoint: 'crm' };
  expect(world.told).toEqual([{ ...line, after: 0, before: 5 }]);
  expect(pointer.version).toBe(9);
  // Nothing was missed; nothing new is sent now.
  world.told = [];
  await deliver({ ...job, pointer: { ...START, version: 4 } }, ENDPOINT, world.ports);
  const full = Array.from({ length: 8 }, (_, i) => openOf(i + 5, START_MS + 1));
  await deliver({ ...job, pointer: { ...START, open: full } }, ENDPOINT, world.ports);
  expect(world.told).toEqual([]);
});

test('a log that cannot be read fails the delivery, and nothing was sent', async () => {
  const world = new World(plainLog(3));
  const ports = { ...world.ports, readRange: () => Promise.reject(new Error('throttled')) };
  const job = { eventId: 'recital', pointer: START, head: 3 };
  await expect(deliver(job, ENDPOINT, ports)).rejects.toThrow('throttled');
  expect(world.sent).toEqual([]);
});

describe('reminders', () => {
  const offerOf = (position: number): Offer => ({
    ...{ offerId: `o${position}`, userId: `u${position}`, eventId: 'recital', position },
    createdAt: new Date(START_MS - 60_000).toISOString(),
    expiresAt: new Date(START_MS + 30_000).toISOString(),
  });
  const reminderOf = (position: number, version = 3): Reminder => ({
    ...{ version, index: REMINDER_FIRST_INDEX + position, offer: offerOf(position) },
    at: new Date(START_MS).toISOString(),
  });
  const remind = (world: World, pointer: Pointer, ...reminders: Reminder[]) =>
    deliver({ eventId: 'recital', pointer, head: world.head, reminders }, ENDPOINT, world.ports);
  const mark = (position: number) => ({ end: START_MS + 30_000, position });
  const positionsOf = (world: World) =>
    world.sent.map(({ body }) => JSON.parse(body).data.position as number);

  test('come before new messages, and say whose offer ends when', async () => {
    const world = new World(plainLog(3));
    const { pointer, ...numbers } = await remind(world, START, reminderOf(1), reminderOf(2));
    expect(world.keys).toEqual(['3.1001', '3.1002', '1.0', '2.0', '3.0']);
    const [first] = world.sent;
    expect(JSON.parse(first?.body ?? '')).toEqual({
      ...{ type: 'offer.expiring', timestamp: new Date(START_MS).toISOString() },
      data: {
        ...{ eventId: 'recital', version: 3, index: 1_001, offerId: 'o1', position: 1 },
        ...{ expiresAt: new Date(START_MS + 30_000).toISOString(), userId: 'u1' },
      },
    });
    expect(pointer).toEqual({ ...START, version: 3, reminded: mark(2) });
    expect(numbers).toEqual({ delivered: 5, failed: 0, gaveUp: 0 });
  });

  test('have an id of their own, the same at each attempt, as long as the end is the same', async () => {
    const world = new World(plainLog(1), () => status(500));
    const { pointer } = await remind(world, { ...START, version: 1 }, reminderOf(1, 1));
    expect(pointer.open).toMatchObject([{ version: 1, index: 1_001, attempts: 1 }]);
    world.now += 6_000;
    world.entries.push(entryOf(2, ['registration.created']));
    world.answer = () => new Response();
    const again = await remind(world, pointer, reminderOf(1, 1));
    expect(again.pointer).toEqual({ ...START, version: 2, reminded: mark(1) });
    const later = { ...offerOf(1), expiresAt: new Date(START_MS + 40_000).toISOString() };
    await remind(world, START, { ...reminderOf(1), offer: later }, reminderOf(2));
    const ids = world.sent
      .filter(({ index }) => index > 0)
      .map(({ headers }) => headers['webhook-id']);
    expect(ids).toHaveLength(4);
    expect(ids[0]).toMatch(/^msg_[0-9a-f]{32}$/);
    expect(ids[1]).toBe(ids[0]);
    expect(new Set(ids).size).toBe(3);
  });

  test('are not sent of offers that are over, neither for the first time nor again', async () => {
    const world = new World(plainLog(1));
    world.isOffered = (offerId) => offerId === 'o3';
    const failed = { ...openOf(1), index: REMINDER_FIRST_INDEX + 1 };
    const gone = { ...openOf(1), index: REMINDER_FIRST_INDEX + 9 };
    const before = { ...START, version: 1, open: [failed, gone] };
    const all = [reminderOf(1, 1), reminderOf(2), reminderOf(3), reminderOf(4)];
    const { pointer } = await remind(world, before, ...all);
    expect(positionsOf(world)).toEqual([3]);
    expect(pointer).toEqual({ ...START, version: 1, reminded: mark(4) });
    expect(world.told).toEqual([]);
  });

  test('are begun no further at an endpoint that fails, and none is passed over', async () => {
    const world = new World(plainLog(1), async () => {
      await latency();
      return status(500);
    });
    const all = Array.from({ length: 20 }, (_, i) => reminderOf(i + 1));
    const { pointer } = await remind(world, START, ...all);
    expect(positionsOf(world)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(pointer).toMatchObject({ version: 0, reminded: mark(6) });
    expect(pointer.open).toHaveLength(6);
  });

  test('fail the delivery where nobody knows whether an offer is open', async () => {
    const world = new World(plainLog(1));
    world.isOffered = () => {
      throw new Error('unavailable');
    };
    await expect(remind(world, START, reminderOf(1))).rejects.toThrow('unavailable');
    expect(world.sent).toEqual([]);
  });
});
