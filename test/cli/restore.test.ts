import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, PutCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mendBooks } from '../../src/cli/books.ts';
import { type EmbeddedDynamoDB, startDynamoDB } from '../../src/cli/dynamodb.ts';
import { freePort } from '../../src/cli/ports.ts';
import { ensureTables } from '../../src/cli/tables.ts';
import type { TableNames } from '../../src/config.ts';
import type { Store } from '../../src/store/client.ts';
import { openEngine } from '../support/engine.ts';

const region = 'eu-central-1';
const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
const eventId = 'event';
let database: EmbeddedDynamoDB;
let client: DynamoDBClient;
let run = 0;

beforeAll(async () => {
  database = await startDynamoDB({ port: await freePort() });
  client = new DynamoDBClient({ region, endpoint: database.endpoint, credentials });
});
afterAll(async () => {
  client?.destroy();
  await database?.stop();
});

async function newStore(): Promise<Store> {
  run += 1;
  const tables: TableNames = {
    users: `users-${run}`,
    events: `events-${run}`,
    registrations: `registrations-${run}`,
    waitlist: `waitlist-${run}`,
  };
  await ensureTables(client, tables);
  return { client: DynamoDBDocumentClient.from(client), tables };
}

/** Copies a table into a new one, as a restore to a point in time does. */
async function restore(from: Store, to: Store, ...tables: (keyof TableNames)[]): Promise<void> {
  for (const table of tables) {
    const scan = new ScanCommand({ TableName: from.tables[table], ConsistentRead: true });
    const { Items = [] } = await from.client.send(scan);
    for (const Item of Items) {
      await to.client.send(new PutCommand({ TableName: to.tables[table], Item }));
    }
  }
}

/** The engine of the event, with nothing in memory. */
const open = (store: Store) => openEngine(store, eventId);

/** An event with two seats and a line: a and b are in; c and d wait; e has left the line again. */
async function fill(store: Store) {
  const ask = open(store);
  const event = {
    eventId,
    name: 'An event',
    capacity: 2,
    hasWaitlist: true,
    waitlistCapacity: null,
    registrationOpensAt: null,
    registrationClosesAt: null,
    ...{ startsAt: null, timeZone: 'UTC', promotesUntil: null, offerSeconds: null },
  };
  await ask({ type: 'create', event });
  for (const userId of ['a', 'b', 'c', 'd', 'e']) await ask({ type: 'register', userId });
  await ask({ type: 'leaveLine', userId: 'e' });
  return ask;
}

test('restored tables give the event: its seats, its line, and the next position', async () => {
  const lost = await newStore();
  await fill(lost);
  const restored = await newStore();
  await restore(lost, restored, 'events', 'registrations', 'waitlist');
  const ask = open(restored);
  expect(await ask({ type: 'read' })).toMatchObject({ registeredCount: 2, waitlistCount: 2 });
  expect(await ask({ type: 'register', userId: 'f' })).toMatchObject({
    type: 'waitlisted',
    entry: { position: 4 },
  });
  expect(await ask({ type: 'unregister', userId: 'a' })).toMatchObject({
    promoted: { userId: 'c' },
  });
});

test('tables of different moments are refused until the books are mended', async () => {
  const lost = await newStore();
  const before = await fill(lost);
  const restored = await newStore();
  await restore(lost, restored, 'registrations', 'waitlist');
  // The event item is some seconds newer: it counts a row that is not there.
  await before({ type: 'register', userId: 'late' });
  await restore(lost, restored, 'events');

  expect(await open(restored)({ type: 'read' })).toEqual({
    type: 'unavailable',
    reason: 'unreachable',
  });
  const seen = await mendBooks(restored, eventId, { write: false });
  expect(seen.kept.waitlistCount).toBe(3);
  expect(seen.counted.waitlistCount).toBe(2);
  await mendBooks(restored, eventId, { write: true });

  const ask = open(restored);
  expect(await ask({ type: 'read' })).toMatchObject({ registeredCount: 2, waitlistCount: 2 });
  // The position of the lost entry is not given again.
  expect(await ask({ type: 'register', userId: 'f' })).toMatchObject({ entry: { position: 5 } });
  expect(await ask({ type: 'unregister', userId: 'b' })).toMatchObject({
    promoted: { userId: 'c' },
  });
}, 30_000);

test('open offers are counted among the rows, and come back with the books', async () => {
  const lost = await newStore();
  const before = await fill(lost);
  const patch = { offerSeconds: 3_600 };
  await before({ type: 'update', patch, revisions: null, isDryRun: false });
  await before({ type: 'unregister', userId: 'a' });
  expect((await mendBooks(lost, eventId, { write: false })).counted).toMatchObject({
    ...{ registeredCount: 1, offeredCount: 1, waitlistCount: 1, lastPosition: 3 },
  });
  const restored = await newStore();
  await restore(lost, restored, 'registrations', 'waitlist');
  await before({ type: 'leaveLine', userId: 'd' });
  await restore(lost, restored, 'events');
  const { kept, counted } = await mendBooks(restored, eventId, { write: true });
  expect([kept.waitlistCount, counted.waitlistCount, counted.offeredCount]).toEqual([0, 1, 1]);
  const ask = open(restored);
  expect(await ask({ type: 'stand', userId: 'c' })).toMatchObject({ offer: { position: 1 } });
  expect(await ask({ type: 'leaveLine', userId: 'c' })).toMatchObject({ type: 'declined' });
  expect(await ask({ type: 'read' })).toMatchObject({ offeredCount: 1, waitlistCount: 0 });
});

test('a user with two places is reported, and nothing is written', async () => {
  const store = await newStore();
  await fill(store);
  const row = { entryId: 'double', userId: 'a', eventId, position: 9, createdAt: '' };
  await store.client.send(new PutCommand({ TableName: store.tables.waitlist, Item: row }));
  await expect(mendBooks(store, eventId, { write: true })).rejects.toThrow('a has two places');
});

test('an event that does not exist is reported', async () => {
  const store = await newStore();
  await expect(mendBooks(store, 'absent', { write: true })).rejects.toThrow('no event absent');
});
