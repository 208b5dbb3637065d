import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { startDynamoDB } from '../../src/cli/dynamodb.ts';
import { freePort } from '../../src/cli/ports.ts';
import { ensureTables } from '../../src/cli/tables.ts';
import type { Seat, WaitlistEntry } from '../../src/event/model.ts';
import { KNOWN_USERS_MAX } from '../../src/limits.ts';
import type { Store } from '../../src/store/client.ts';
import { type EventItem, toAttributes, toDigest } from '../../src/store/tables.ts';
import { openClient } from './http-client.ts';

const REGION = 'eu-central-1';
const KEY = { accessKeyId: 'local', secretAccessKey: 'local' };
const TABLES = {
  users: 'users-table',
  events: 'registration-events-table',
  registrations: 'registrations-table',
  waitlist: 'waitlist-table',
};
/** Items in one BatchWriteItem call: DynamoDB's own limit. */
const BATCH_MAX = 25;
/** Calls in flight while rows are written. */
const IN_FLIGHT = 4;

/** The embedded DynamoDB in memory, with the four tables. */
export interface Database {
  endpoint: string;
  pid: number;
  store: Store;
  stop(): Promise<void>;
}

/** Starts an empty database. */
export async function openDatabase(): Promise<Database> {
  const embedded = await startDynamoDB({ port: await freePort() });
  const client = new DynamoDBClient({
    region: REGION,
    credentials: KEY,
    endpoint: embedded.endpoint,
  });
  await ensureTables(client, TABLES);
  return {
    endpoint: embedded.endpoint,
    pid: embedded.child.pid ?? 0,
    store: { client: DynamoDBDocumentClient.from(client), tables: TABLES },
    async stop() {
      client.destroy();
      await embedded.stop();
    },
  };
}

/** The worker's variables for a database behind an endpoint. */
export function varsFor(endpoint: string): Record<string, string> {
  return {
    ENVIRONMENT: 'development',
    AUTH_MODE: 'none',
    AWS_REGION: REGION,
    AWS_ACCESS_KEY_ID: KEY.accessKeyId,
    AWS_SECRET_ACCESS_KEY: KEY.secretAccessKey,
    DYNAMODB_ENDPOINT: endpoint,
    USERS_TABLE: TABLES.users,
    EVENTS_TABLE: TABLES.events,
    REGISTRATIONS_TABLE: TABLES.registrations,
    WAITLIST_TABLE: TABLES.waitlist,
  };
}

/** Writes items into a table without the SDK, which would take longer than the database. */
async function putAll(endpoint: string, table: string, items: Iterator<object>): Promise<void> {
  const client = openClient(endpoint, IN_FLIGHT);
  const work = async () => {
    for (;;) {
      const puts: { PutRequest: { Item: ReturnType<typeof toAttributes> } }[] = [];
      for (let next = items.next(); !next.done; next = items.next()) {
        puts.push({ PutRequest: { Item: toAttributes(next.value) } });
        if (puts.length === BATCH_MAX) break;
      }
      if (puts.length === 0) return;
      await client.dynamodb('BatchWriteItem', { RequestItems: { [table]: puts } });
    }
  };
  try {
    await Promise.all(Array.from({ length: IN_FLIGHT }, work));
  } finally {
    client.close();
  }
}

/** The number of users: four times as many as an isolate remembers, so that some are always unknown. */
export const USERS = 4 * KNOWN_USERS_MAX;

/** The id of a user that `seedUsers` made. */
export const userId = (index: number): string => `user-${String(index).padStart(7, '0')}`;

/** Makes the users 0 to `count` - 1. */
export async function seedUsers({ endpoint, store }: Database, count: number): Promise<void> {
  const createdAt = new Date().toISOString();
  function* users() {
    for (let i = 0; i < count; i++) yield { userId: userId(i), name: `User ${i}`, createdAt };
  }
  await putAll(endpoint, store.tables.users, users());
}

/**
 * Writes an event and its people straight into the tables, as the service would have left them: the
 * first users have the seats, the next ones wait.
 *
 * @param event.toUserId the id of each user; the users of `seedUsers` when left out
 */
export async function seedEvent(
  { endpoint, store }: Database,
  event: {
    eventId: string;
    registered: number;
    waiting: number;
    capacity: number;
    toUserId?: (index: number) => string;
  },
): Promise<void> {
  const { eventId, registered, waiting, capacity, toUserId = userId } = event;
  const createdAt = new Date().toISOString();
  let digest = 0n;
  const newId = () => {
    const id = crypto.randomUUID();
    digest ^= BigInt(`0x${id.replaceAll('-', '')}`);
    return id;
  };
  function* registrations(): Generator<Seat> {
    for (let i = 0; i < registered; i++) {
      const status = 'ACTIVE' as const;
      const registrationId = newId();
      yield { registrationId, userId: toUserId(i), eventId, status, createdAt, seq: i + 1 };
    }
  }
  function* entries(): Generator<WaitlistEntry> {
    for (let i = 0; i < waiting; i++) {
      const position = i + 1;
      yield { entryId: newId(), userId: toUserId(registered + i), eventId, position, createdAt };
    }
  }
  await putAll(endpoint, store.tables.registrations, registrations());
  await putAll(endpoint, store.tables.waitlist, entries());
  const item: EventItem = {
    eventId,
    name: 'A hot event',
    capacity,
    hasWaitlist: true,
    waitlistCapacity: null,
    registrationOpensAt: null,
    registrationClosesAt: null,
    ...{ startsAt: null, timeZone: 'UTC', promotesUntil: null, offerSeconds: null },
    status: 'OPEN',
    createdAt,
    version: 1,
    revision: 1,
    lastSeq: registered,
    registeredCount: registered,
    waitlistCount: waiting,
    lastPosition: waiting,
    digest: toDigest(digest),
  };
  await putAll(endpoint, store.tables.events, [item].values());
}
