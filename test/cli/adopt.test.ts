import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { adopt } from '../../src/cli/adoption.ts';
import { mendBooks } from '../../src/cli/books.ts';
import { type EmbeddedDynamoDB, startDynamoDB } from '../../src/cli/dynamodb.ts';
import { freePort } from '../../src/cli/ports.ts';
import { ensureTables } from '../../src/cli/tables.ts';
import type { TableNames } from '../../src/config.ts';
import type { Store } from '../../src/store/client.ts';
import { openEngine } from '../support/engine.ts';
import { allItems, type Item, old, openTables, putItems } from '../support/old-tables.ts';
import { killService, type Service, startService } from '../support/service.ts';

const ROOT = resolve(import.meta.dirname, '../..');
let database: EmbeddedDynamoDB;
let store: Store;
let run = 0;

beforeAll(async () => {
  database = await startDynamoDB({ port: await freePort() });
});
afterAll(() => database?.stop());
beforeEach(async () => {
  run += 1;
  const tables = {
    users: `users-${run}`,
    events: `events-${run}`,
    registrations: `registrations-${run}`,
    waitlist: `waitlist-${run}`,
  };
  store = openTables(database.endpoint, tables);
  const bare = new DynamoDBClient({
    region: 'eu-central-1',
    endpoint: database.endpoint,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  await ensureTables(bare, tables);
  bare.destroy();
});
afterEach(() => store.client.destroy());

/** The engine of the event, with nothing in memory. */
const open = (eventId: string) => openEngine(store, eventId);

async function put(items: Partial<Record<keyof TableNames, Item[]>>): Promise<void> {
  for (const [table, some] of Object.entries(items)) {
    await putItems(store, store.tables[table as keyof TableNames], some);
  }
}

/** All items of all tables, sorted. */
async function everything(): Promise<string[]> {
  const all = await Promise.all(Object.values(store.tables).map((table) => allItems(store, table)));
  const sorted = (item: Item) => JSON.stringify(Object.entries(item).sort());
  return all.flat().map(sorted).sort();
}

async function adoptAll(options: { isDryRun?: boolean; setsUnknownAside?: boolean } = {}) {
  const lines: string[] = [];
  const tell = (line: string) => void lines.push(line);
  const result = await adopt(store, { isDryRun: false, tell, indexDeadlineMs: 2_000, ...options });
  return { result, lines, said: lines.join('\n') };
}

async function list(eventId: string, which: 'registrations' | 'waitlist'): Promise<string[]> {
  const people: string[] = [];
  const ask = open(eventId);
  for (let after = 0; ; ) {
    const page = await ask({ type: 'list', list: which, after, limit: 2 });
    if (page.type !== 'registrations' && page.type !== 'waitlist') {
      throw new Error(JSON.stringify(page));
    }
    const rows: { userId: string; seq?: number; position?: number }[] = page.rows;
    people.push(...rows.map(({ userId }) => userId));
    if (page.isLast) return people;
    const last = rows.at(-1);
    after = last?.seq ?? last?.position ?? Number.POSITIVE_INFINITY;
  }
}

/** Two events of the seed system: one full, with a line, and one that is empty. */
async function fill(): Promise<void> {
  const people = ['a', 'b', 'c', 'd', 'e'];
  await put({
    users: people.map(old.user),
    events: [old.event('gala', 3), old.event('empty', 1)],
    registrations: [old.seat('gala', 'c', 3), old.seat('gala', 'a', 1), old.seat('gala', 'b', 2)],
    waitlist: [old.entry('gala', 'e', 7), old.entry('gala', 'd', 4)],
  });
}

describe('what the seed system wrote', () => {
  test('is served: all people are in the lists, in order, and promotion works', async () => {
    await fill();
    const { result } = await adoptAll();
    expect(result).toEqual({ found: 2, adopted: 2, already: 0, setAside: 0, left: 0 });
    expect(await list('gala', 'registrations')).toEqual(['a', 'b', 'c']);
    expect(await list('gala', 'waitlist')).toEqual(['d', 'e']);
    const ask = open('gala');
    expect(await ask({ type: 'read' })).toMatchObject({
      event: { name: 'The gala', capacity: 3, status: 'OPEN', waitlistCapacity: null },
      revision: 1,
      registeredCount: 3,
      waitlistCount: 2,
    });
    expect(await ask({ type: 'register', userId: 'f' })).toMatchObject({ entry: { position: 8 } });
    expect(await ask({ type: 'unregister', userId: 'b' })).toMatchObject({
      promoted: { userId: 'd' },
    });
    expect(await list('gala', 'registrations')).toEqual(['a', 'c', 'd']);
    expect(await open('empty')({ type: 'register', userId: 'a' })).toMatchObject({
      type: 'registered',
    });
    // The rows have not changed.
    const { kept, counted } = await mendBooks(store, 'gala', { write: false });
    expect(kept).toEqual(counted);
  });

  test('is not changed by a dry run, which prints the same as the run', async () => {
    await fill();
    await put({ registrations: [old.seat('gala', 'a', 9), old.seat('unknown', 'a', 1)] });
    const before = await everything();
    const dry = await adoptAll({ isDryRun: true });
    expect(await everything()).toEqual(before);
    const wet = await adoptAll();
    const told = ({ lines }: typeof dry) =>
      lines.filter((line) => /aside|left as it is/.test(line));
    expect(told(dry)).toHaveLength(2);
    expect(told(wet)).toEqual(told(dry));
    expect(dry.result).toEqual(wet.result);
    expect(await everything()).not.toEqual(before);
  });

  test('is taken once: a second run changes nothing', async () => {
    await fill();
    await adoptAll();
    const after = await everything();
    const { result } = await adoptAll();
    expect(result).toEqual({ found: 0, adopted: 0, already: 2, setAside: 0, left: 0 });
    expect(await everything()).toEqual(after);
  });

  test('does not affect what the service wrote itself', async () => {
    await fill();
    const ask = open('new');
    const event = {
      eventId: 'new',
      name: 'New',
      capacity: 1,
      hasWaitlist: true,
      waitlistCapacity: null,
      registrationOpensAt: null,
      registrationClosesAt: null,
      ...{ startsAt: null, timeZone: 'UTC', promotesUntil: null, offerSeconds: null },
    };
    await ask({ type: 'create', event });
    for (const userId of ['a', 'b']) await ask({ type: 'register', userId });
    const key = { registrationId: 'key#1', fingerprint: 'f', outcome: '{}', expiresAt: 2 ** 31 };
    await put({ registrations: [key] });
    const { result } = await adoptAll();
    expect(result).toEqual({ found: 2, adopted: 2, already: 1, setAside: 0, left: 0 });
    // An event that was loaded before is still valid.
    expect(await ask({ type: 'unregister', userId: 'a' })).toMatchObject({
      promoted: { userId: 'b' },
    });
  });

  test('with free seats while people wait gives them out in order', async () => {
    await put({
      events: [old.event('gala', 3)],
      registrations: [old.seat('gala', 'a', 1)],
      waitlist: ['b', 'c', 'd'].map((userId, i) => old.entry('gala', userId, i + 1)),
    });
    const { said } = await adoptAll();
    expect(said).toContain('2 people are promoted');
    expect(await list('gala', 'registrations')).toEqual(['a', 'b', 'c']);
    expect(await list('gala', 'waitlist')).toEqual(['d']);
  });

  test('with invalid positions gets new ones, in the order of the line', async () => {
    await put({
      events: [old.event('gala', 1)],
      registrations: [old.seat('gala', 'a', 1)],
      waitlist: [
        old.entry('gala', 'd', 2, 9),
        old.entry('gala', 'c', 2, 8),
        old.entry('gala', 'b', 0, 7),
        old.entry('gala', 'e', 40, 1),
      ],
    });
    const { said, result } = await adoptAll();
    expect(said).toContain('event gala: 3 positions are given anew');
    expect(result.left).toBe(0);
    expect(await list('gala', 'waitlist')).toEqual(['b', 'c', 'd', 'e']);
    expect(await open('gala')({ type: 'register', userId: 'f' })).toMatchObject({
      entry: { position: 5 },
    });
  });
});

describe('what cannot be taken over is reported, and the rest is taken over', () => {
  test('a second place of a user is set aside, and kept as text for a while', async () => {
    const entry = old.entry('gala', 'a', 1, 2);
    const twice = old.seat('gala', 'b', 9);
    await put({
      events: [old.event('gala', 3)],
      registrations: [old.seat('gala', 'a', 1), old.seat('gala', 'b', 3), twice],
      waitlist: [entry],
    });
    const { result, said } = await adoptAll();
    expect(result).toEqual({ found: 1, adopted: 1, already: 0, setAside: 2, left: 2 });
    expect(said).toContain(`waitlist entry ${entry.entryId} is set aside: user a has two places`);
    expect(said).toContain(`registration ${twice.registrationId} is set aside: user b has two`);
    expect(await list('gala', 'registrations')).toEqual(['a', 'b']);
    expect(await open('gala')({ type: 'read' })).toMatchObject({ waitlistCount: 0 });
    for (const [table, id, row] of [
      ['waitlist', entry.entryId, entry],
      ['registrations', twice.registrationId, twice],
    ] as const) {
      const registrationId = `aside#${table}#${id}`;
      const get = new GetCommand({
        TableName: store.tables.registrations,
        Key: { registrationId },
      });
      const { Item } = await store.client.send(get);
      expect(JSON.parse(Item?.row)).toEqual(row);
      expect(Item?.expiresAt).toBeGreaterThan(Date.now() / 1_000 + 29 * 24 * 60 * 60);
      expect(Item?.userId ?? Item?.eventId).toBeUndefined();
    }
    // The next run has nothing left.
    expect((await adoptAll()).result.left).toBe(0);
  });

  test('a row of an unknown event stays, unless `--set-unknown-aside` is given', async () => {
    await fill();
    const row = old.seat('forgotten', 'a', 1);
    await put({ registrations: [row], waitlist: [old.entry('forgotten', 'b', 1)] });
    const first = await adoptAll();
    expect(first.result).toMatchObject({ adopted: 2, setAside: 0, left: 2 });
    expect(first.said).toContain(
      `registration ${row.registrationId} is left as it is: there is no event forgotten`,
    );
    expect((await adoptAll()).result.left).toBe(2);
    expect((await adoptAll({ setsUnknownAside: true })).result).toMatchObject({ setAside: 2 });
    expect((await adoptAll()).result.left).toBe(0);
    // Otherwise an event with this id could never be loaded.
    const ask = open('forgotten');
    const { createdAt: _, ...event } = old.event('forgotten', 1);
    const limits = {
      waitlistCapacity: null,
      registrationOpensAt: null,
      registrationClosesAt: null,
      ...{ startsAt: null, timeZone: 'UTC', promotesUntil: null, offerSeconds: null },
    };
    await ask({ type: 'create', event: { ...event, ...limits } as never });
    expect(await open('forgotten')({ type: 'read' })).toMatchObject({ registeredCount: 0 });
  });

  test('an event out of bounds keeps its rows, and is taken once it is put right', async () => {
    await fill();
    await put({
      events: [old.event('huge', 100_001), old.event('nameless', 1, { name: '' })],
      registrations: [old.seat('huge', 'a', 1)],
    });
    const { result, said } = await adoptAll();
    expect(result).toMatchObject({ found: 4, adopted: 2, left: 2 });
    expect(said).toContain(
      'event huge is not taken: capacity must be at most 100000 (it is 100001)',
    );
    expect(said).toContain('event nameless is not taken: name must not be empty');
    await put({ events: [old.event('huge', 10), old.event('nameless', 1)] });
    expect((await adoptAll()).result).toMatchObject({ found: 2, adopted: 2, left: 0 });
    expect(await list('huge', 'registrations')).toEqual(['a']);
  });

  test('ids that are no UUIDs are given anew, and users are named', async () => {
    await put({
      users: [old.user('a'), { ...old.user('b'), name: '' }],
      events: [old.event('gala', 1)],
      registrations: [old.seat('gala', 'a', 1, { registrationId: 'reg-1' })],
      waitlist: [old.entry('gala', 'b', 5, 5, { entryId: 'wait-1' })],
    });
    const { result, said } = await adoptAll();
    expect(result).toMatchObject({ adopted: 1, left: 1 });
    expect(said).toMatch(/registration reg-1 gets the id [0-9a-f-]{36}/);
    expect(said).toContain('user "b": name must not be empty');
    expect(await list('gala', 'registrations')).toEqual(['a']);
    expect(await open('gala')({ type: 'unregister', userId: 'a' })).toMatchObject({
      promoted: { userId: 'b' },
    });
  });

  test('people who are no users keep their places', async () => {
    await put({ events: [old.event('gala', 1)], registrations: [old.seat('gala', 'a', 1)] });
    const { said, result } = await adoptAll();
    expect(said).toContain('event gala: 1 people are no users');
    expect(result.left).toBe(0);
  });
});

/** The store, with calls of one kind answered by the test. */
function through(intercept: (name: string, input: Item, send: () => Promise<object>) => unknown) {
  const { client } = store;
  const send = (command: { input: Item }, ...rest: unknown[]) =>
    intercept(command.constructor.name, command.input, () =>
      (client.send as (...all: unknown[]) => Promise<object>).call(client, command, ...rest),
    );
  // The paginators need a client of the SDK's own class.
  const watched = Object.create(client, { send: { value: send } });
  return { client: watched, tables: store.tables } as Store;
}

const CLIENT_FAULT = { $fault: 'client', $metadata: { httpStatusCode: 400 } };

describe('cut short', () => {
  test('after any of its writes, an event is either adopted or not, and a second run finishes', async () => {
    // 250 rows are several transactions; positions move both ways.
    const people = Array.from({ length: 250 }, (_, i) => `user-${i}`);
    const [seated, waiting] = [people.slice(0, 130), people.slice(130)];
    const items = {
      events: [old.event('gala', 130)],
      registrations: seated.map((userId, i) => old.seat('gala', userId, i)),
      waitlist: waiting.map((userId, i) => {
        const position = i < 60 ? Math.floor(i / 2) : 2 * i;
        return old.entry('gala', userId, position, i);
      }),
    };
    let writes = 0;
    for (let until = 0; ; until++) {
      await put(items);
      writes = 0;
      const dying = through((name, _, send) => {
        if (name !== 'TransactWriteCommand') return send();
        // An error that is not tried again.
        if (writes === until) throw Object.assign(new Error('cut short'), CLIENT_FAULT);
        writes++;
        return send();
      });
      const cut = await adopt(dying, { isDryRun: false, tell: () => {} }).then(
        () => false,
        ({ message }: Error) => message === 'cut short',
      );
      if (!cut) break;
      const key = { TableName: store.tables.events, Key: { eventId: 'gala' } };
      expect((await store.client.send(new GetCommand(key))).Item).not.toHaveProperty('version');
      expect((await adoptAll()).result).toMatchObject({ adopted: 1, left: 0 });
      const ask = open('gala');
      expect(
        await ask({ type: 'list', list: 'registrations', after: 0, limit: 1_000 }),
      ).toMatchObject({
        rows: seated.map((userId, i) => ({ userId, seq: i + 1 })),
      });
      expect(await ask({ type: 'list', list: 'waitlist', after: 0, limit: 1_000 })).toMatchObject({
        // Positions that were already rewritten before the interruption are kept.
        rows: waiting.map((userId) => ({ userId })),
      });
    }
    expect(writes).toBe(4);
  }, 60_000);

  test('by the seed system, which still writes: the event is not taken over until it stops', async () => {
    await fill();
    const late = old.seat('gala', 'late', 99);
    let reads = 0;
    const busy = through(async (name, { TableName }, send) => {
      // Between the two readings a user registers in the seed system.
      if (name === 'ScanCommand' && TableName === store.tables.registrations && ++reads === 2) {
        await put({ registrations: [late] });
      }
      return send();
    });
    const lines: string[] = [];
    const tell = (line: string) => void lines.push(line);
    const result = await adopt(busy, { isDryRun: false, tell });
    expect(result).toMatchObject({ found: 2, adopted: 1, left: 1 });
    expect(lines.join()).toContain('event gala is not taken: it was changed meanwhile');
    expect((await adoptAll()).result).toMatchObject({ found: 1, adopted: 1, left: 0 });
    expect(await list('gala', 'registrations')).toEqual(['a', 'b', 'c', 'late']);
  });

  test('by a row that was deleted: it is not restored', async () => {
    await fill();
    const [gone] = (await allItems(store, store.tables.registrations)).filter(
      ({ userId }) => userId === 'b',
    );
    const TableName = store.tables.registrations;
    const Key = { registrationId: gone?.registrationId };
    let isGone = false;
    const busy = through(async (name, _, send) => {
      if (name === 'TransactWriteCommand' && !isGone) {
        isGone = true;
        await store.client.send(new DeleteCommand({ TableName, Key }));
      }
      return send();
    });
    const result = await adopt(busy, { isDryRun: false, tell: () => {} });
    expect(result).toMatchObject({ adopted: 1, left: 1 });
    expect(await allItems(store, TableName)).toHaveLength(2);
    expect((await adoptAll()).result).toMatchObject({ adopted: 1, left: 0 });
    expect(await open('gala')({ type: 'read' })).toMatchObject({ registeredCount: 3 });
    // One of the users who waited has the seat.
    expect(await list('gala', 'registrations')).toEqual(['a', 'c', 'd']);
  });

  test('by another run that wrote the books: those stay', async () => {
    await fill();
    const other = through(async (name, { TransactItems }, send) => {
      const isBooks = JSON.stringify(TransactItems ?? '').includes('digest');
      if (name === 'TransactWriteCommand' && isBooks) {
        const Item = { ...old.event('gala', 3), version: 7 };
        await store.client.send(new PutCommand({ TableName: store.tables.events, Item }));
      }
      return send();
    });
    const result = await adopt(other, { isDryRun: false, tell: () => {} });
    expect(result).toMatchObject({ adopted: 1, left: 1 });
    const key = { TableName: store.tables.events, Key: { eventId: 'gala' } };
    expect((await store.client.send(new GetCommand(key))).Item).toMatchObject({ version: 7 });
  });

  test('by an index that lags: the event gets its books when the index has its rows', async () => {
    await fill();
    const asked: string[] = [];
    const lagging = (untilAsked: number) => {
      asked.length = 0;
      return through(async (name, { IndexName }, send) => {
        if (name !== 'QueryCommand') return send();
        asked.push(String(IndexName));
        const page = (await send()) as { Items?: Item[] };
        if (asked.length > untilAsked) return page;
        // The rows before their numbers were written.
        return { ...page, Items: page.Items?.map(({ seq: _, ...row }) => row) };
      });
    };
    const options = { isDryRun: false, tell: () => {} };
    const never = await adopt(lagging(1_000), { ...options, indexDeadlineMs: 600 });
    // The empty event has no rows that could lag.
    expect(never).toMatchObject({ adopted: 1, left: 1 });
    expect(await adopt(lagging(3), options)).toMatchObject({ found: 1, adopted: 1, left: 0 });
    expect(asked.length).toBeGreaterThan(3);
  });
});

test('ten thousand rows show the progress', async () => {
  const people = Array.from({ length: 10_000 }, (_, i) => `user-${i}`);
  await put({
    events: [old.event('fair', 6_000)],
    registrations: people.slice(0, 6_000).map((userId, i) => old.seat('fair', userId, i)),
    waitlist: people.slice(6_000).map((userId, i) => old.entry('fair', userId, 0, i)),
  });
  const { lines, result } = await adoptAll();
  expect(result).toMatchObject({ adopted: 1, left: 0 });
  const progress = lines.filter((line) => line.startsWith('Wrote'));
  expect(progress).toEqual(
    Array.from({ length: 10 }, (_, i) => `Wrote ${i + 1} 000 of 10 000 rows (event fair)`),
  );
  expect(lines.at(-1)).toBe('event fair is taken over: 6 000 seats, 4 000 waiting (1 of 1)');
  expect(await open('fair')({ type: 'read' })).toMatchObject({
    registeredCount: 6_000,
    waitlistCount: 4_000,
  });
  const last = await open('fair')({ type: 'list', list: 'registrations', after: 5_999, limit: 9 });
  expect(last).toMatchObject({ rows: [{ userId: 'user-5999', seq: 6_000 }], isLast: true });
}, 60_000);

describe('mend', () => {
  test('names the command for an event without books', async () => {
    await fill();
    await expect(mendBooks(store, 'gala', { write: true })).rejects.toThrow(/npm run adopt/);
  });

  test.each([
    ['a seat without a number', 'registrations', old.seat('gala', 'late', 9), /seq is missing/],
    ['an entry below 1', 'waitlist', old.entry('gala', 'late', 0), /position is 0/],
    [
      'an id that is no UUID',
      'waitlist',
      old.entry('gala', 'late', 9, 9, { entryId: 'x' }),
      /id is no UUID/,
    ],
  ] as const)('names %s, and writes nothing', async (_, table, row, told) => {
    await fill();
    await adoptAll();
    await put({ [table]: [row] });
    const before = await everything();
    await expect(mendBooks(store, 'gala', { write: true })).rejects.toThrow(told);
    expect(await everything()).toEqual(before);
  });
});

/** Runs a command as a person would. */
function command(args: string[], env: NodeJS.ProcessEnv): Promise<{ code: number; said: string }> {
  const all = { ...process.env, ...env };
  return new Promise((done) => {
    execFile(process.execPath, args, { cwd: ROOT, env: all }, (error, stdout, stderr) =>
      done({ code: error ? Number(error.code) : 0, said: stdout + stderr }),
    );
  });
}

describe('the command', { timeout: 80_000 }, () => {
  const named = () => ({
    DYNAMODB_ENDPOINT: database.endpoint,
    USERS_TABLE: store.tables.users,
    EVENTS_TABLE: store.tables.events,
    REGISTRATIONS_TABLE: store.tables.registrations,
    WAITLIST_TABLE: store.tables.waitlist,
  });

  test('ends with 0 when everything is taken, and with 1 when something is left', async () => {
    await fill();
    // A number that JavaScript cannot have: the SDK refuses to read it unless told how.
    const TableName = store.tables.waitlist;
    const position = { N: '123456789012345678901234567890' };
    const { entryId, userId, eventId, createdAt } = old.entry('gala', 'x', 0);
    const texts = { entryId, userId, eventId, createdAt };
    const item = Object.entries(texts).map(([key, value]) => [key, { S: String(value) }]);
    const Item = { ...Object.fromEntries(item), position };
    await store.client.send(new PutItemCommand({ TableName, Item }));
    const dry = await command(['src/cli/adopt.ts', '--dry-run'], named());
    expect(dry.said).toContain('2 of 2 events can be taken over; 0 were ours already.');
    expect(dry.said).toContain('Nothing was written.');
    expect(dry.code).toBe(0);
    const wet = await command(['src/cli/adopt.ts'], named());
    expect(wet.said).toContain('2 of 2 events taken over; 0 were ours already.\nNothing is left.');
    expect(wet.code).toBe(0);
    await put({ registrations: [old.seat('unknown', 'a', 1)] });
    const again = await command(['src/cli/adopt.ts'], named());
    expect(again.said).toContain('0 of 0 events taken over; 2 were ours already.\n1 to look at');
    expect(again.code).toBe(1);
  });

  test('says which command creates tables that are missing', async () => {
    const { code, said } = await command(['src/cli/adopt.ts'], { ...named(), USERS_TABLE: 'none' });
    expect(said).toBe('none: is missing\nRun `npm run tables` first.\n');
    expect(code).toBe(1);
  });

  test('is named by the doctor, which counts the events to adopt', async () => {
    await fill();
    const before = await command(['src/cli/doctor.ts'], named());
    expect(before.said).toContain(
      `WRONG  events in ${store.tables.events}: 2 events were written by the seed system, and are not served yet: npm run adopt`,
    );
    expect(before.code).toBe(1);
    await adoptAll();
    const after = await command(['src/cli/doctor.ts'], named());
    expect(after.said).toContain(`ok     events in ${store.tables.events}: all ours`);
    expect(after.code).toBe(0);
  });
});

describe('npm start', () => {
  let directory: string;
  const services: Service[] = [];
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'registration-desk-'));
  });
  afterAll(() => {
    for (const service of services) killService(service);
    rmSync(directory, { recursive: true, force: true });
  });

  const start = async () => {
    const service = await startService(directory);
    services.push(service);
    return service;
  };

  test("reports the seed system's events, and serves them once they are adopted", async () => {
    const first = await start();
    expect(first.said).not.toContain('seed system');
    const tables = {
      users: 'users-table',
      events: 'registration-events-table',
      registrations: 'registrations-table',
      waitlist: 'waitlist-table',
    };
    const theirs = openTables(first.dynamodb, tables);
    const people = ['a', 'b', 'c', 'd'];
    await putItems(theirs, tables.users, people.map(old.user));
    await putItems(theirs, tables.events, [old.event('gala', 2)]);
    await putItems(theirs, tables.registrations, [
      old.seat('gala', 'b', 2),
      old.seat('gala', 'a', 1),
    ]);
    await putItems(theirs, tables.waitlist, [old.entry('gala', 'd', 2), old.entry('gala', 'c', 1)]);
    theirs.client.destroy();
    services.pop();
    killService(first);

    const second = await start();
    const told = /(.*seed system.*)\n {2}DYNAMODB_ENDPOINT=(\S+) npm run adopt/.exec(second.said);
    expect(told?.[1]).toMatch(/^1 event was written by the seed system, and is not served yet/);
    const api = `${second.url}/registration`;
    // The failed load is not remembered.
    const refused = await fetch(`${api}/events/gala/capacity`);
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ detail: expect.stringMatching(/npm run adopt/) });
    const ran = await command(['src/cli/adopt.ts'], { DYNAMODB_ENDPOINT: told?.[2] });
    expect(ran.said).toContain('1 of 1 events taken over');
    expect(ran.code).toBe(0);

    await expect
      .poll(async () => (await fetch(`${api}/events/gala/capacity`)).status, { timeout: 15_000 })
      .toBe(200);
    expect(await (await fetch(`${api}/events/gala/capacity`)).json()).toMatchObject({
      availableCapacity: 0,
      registeredCount: 2,
      waitlistCount: 2,
    });
    const csv = { headers: { accept: 'text/csv' } };
    const seats = await (await fetch(`${api}/events/gala/registrations`, csv)).text();
    expect(
      seats
        .trim()
        .split('\r\n')
        .map((line) => line.split(',')[0]),
    ).toEqual([expect.stringContaining('userId'), 'a', 'b']);
    const line = await (await fetch(`${api}/events/gala/waitlist`)).json();
    expect(line).toMatchObject({ items: [{ userId: 'c', name: 'The c' }, { userId: 'd' }] });
    const left = await fetch(`${api}/registrations?userId=a&eventId=gala`, { method: 'DELETE' });
    expect(await left.json()).toMatchObject({ success: true, promoted: { userId: 'c' } });
  }, 90_000);
});
