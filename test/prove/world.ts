import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  BatchWriteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  ScanCommand,
} from '@aws-sdk/lib-dynamodb';
import { type EmbeddedDynamoDB, startDynamoDB } from '../../src/cli/dynamodb.ts';
import { freePort } from '../../src/cli/ports.ts';
import { ensureTables } from '../../src/cli/tables.ts';
import type { Seat, WaitlistEntry } from '../../src/event/model.ts';
import type { EventItem, OfferRow } from '../../src/store/tables.ts';
import type { BadAlarms } from './bad-alarms.ts';
import type { Build } from './build.ts';
import type { Weather } from './faults.ts';
import type { Interval } from './history.ts';
import { LOG_DAYS, type LogRow } from './log.ts';
import { FaultProxy } from './proxy.ts';
import { Random } from './random.ts';
import { startWorkerd, type Worker } from './workerd.ts';

const REGION = 'eu-central-1';
const CREDENTIALS = { accessKeyId: 'local', secretAccessKey: 'local' };
const TABLES = {
  users: 'users-table',
  events: 'registration-events-table',
  registrations: 'registrations-table',
  waitlist: 'waitlist-table',
};
/** Items in one BatchWriteItem call: DynamoDB's own limit. */
const BATCH_WRITE_MAX_ITEMS = 25;
/** How long calls may still be under way after the workers are gone: mostly late ones. */
const SETTLE_TIMEOUT_MS = 5_000;

/** All rows of the tables about events. */
export interface Tables {
  events: EventItem[];
  registrations: Seat[];
  /** Open offers, which live among the registrations too. */
  offers: OfferRow[];
  waitlist: WaitlistEntry[];
  /** Users, and who is being erased. */
  users: { userId: string; name?: string }[];
  /** Idempotency keys, which are in the registrations table. */
  keys: { registrationId: string; outcome?: string; expiresAt?: number }[];
  /** Entries of logs, which live there too. */
  log: LogRow[];
}

/** The options of a world. */
export interface WorldOptions {
  build: Build;
  weather: Weather;
  seed: number;
  workers: number;
  isInterruptible: boolean;
  /** Whether the database has a file, so that it can be killed and started again. */
  isDurable: boolean;
  userIds: string[];
  /** The secret `WEBHOOKS`; where it is left out, nobody is told of anything. */
  webhooks?: string;
  /** Whether objects keep their alarms when a worker is killed. */
  keepsAlarms?: boolean;
  /** How bad alarms are; null for good ones. */
  alarms?: BadAlarms | null;
  /** How far the clock of a worker may be ahead or behind, in milliseconds: each start has another one. */
  clockMaxMs?: number;
}

/** A database, a proxy that applies the weather, and workers that share both. */
export class World {
  readonly proxy: FaultProxy;
  /** The workers, by number; null while one is down. */
  readonly workers: (Worker | null)[] = [];
  /** The log lines of all workers. */
  readonly logs: string[][] = [];
  /** How far the clocks of workers were ahead, in milliseconds: the least and the most. */
  readonly clocks: Interval = { from: 0, until: 0 };
  readonly #options: WorldOptions;
  readonly #name: string;
  readonly #dbPath: string | undefined;
  readonly #client: DynamoDBDocumentClient;
  #database: EmbeddedDynamoDB;
  #starts = 0;

  private constructor(
    options: WorldOptions,
    parts: {
      name: string;
      dbPath: string | undefined;
      database: EmbeddedDynamoDB;
      proxy: FaultProxy;
    },
  ) {
    this.#options = options;
    this.#name = parts.name;
    this.#dbPath = parts.dbPath;
    this.#database = parts.database;
    this.proxy = parts.proxy;
    const { endpoint } = parts.database;
    this.#client = DynamoDBDocumentClient.from(
      new DynamoDBClient({ region: REGION, endpoint, credentials: CREDENTIALS }),
    );
  }

  /** Builds a world whose tables are empty except for the users. */
  static async open(options: WorldOptions): Promise<World> {
    const { build, weather, seed } = options;
    const port = await freePort();
    const name = `world-${seed}-${port}`;
    const dbPath = options.isDurable ? join(build.directory, `${name}.db`) : undefined;
    const database = await startDynamoDB({ port, ...(dbPath ? { dbPath } : {}) });
    const proxy = await FaultProxy.open(port, weather, seed, options.workers);
    const world = new World(options, { name, dbPath, database, proxy });
    try {
      await ensureTables(world.#client as unknown as DynamoDBClient, TABLES);
      await world.#putUsers(options.userIds);
      await Promise.all(
        Array.from({ length: options.workers }, (_, number) => world.startWorker(number)),
      );
      return world;
    } catch (error) {
      await world.close();
      throw error;
    }
  }

  async startWorker(number: number): Promise<void> {
    const { alarms = null, seed, clockMaxMs = 0 } = this.#options;
    const start = ++this.#starts;
    const clock = new Random(seed, `clock ${start}`);
    const clockMs = Math.round(clock.between(-clockMaxMs, clockMaxMs));
    this.clocks.from = Math.min(this.clocks.from, clockMs);
    this.clocks.until = Math.max(this.clocks.until, clockMs);
    const worker = await startWorkerd(this.#options.build, {
      name: `${this.#name}-${start}`,
      hasBadAlarms: alarms !== null,
      clockMs,
      isInterruptible: this.#options.isInterruptible,
      objects: this.#objectsOf(number),
      bindings: {
        ENVIRONMENT: 'development',
        AUTH_MODE: 'none',
        AWS_REGION: REGION,
        DYNAMODB_ENDPOINT: this.proxy.url(number),
        AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
        AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
        USERS_TABLE: TABLES.users,
        EVENTS_TABLE: TABLES.events,
        REGISTRATIONS_TABLE: TABLES.registrations,
        WAITLIST_TABLE: TABLES.waitlist,
        LOG_DAYS: String(LOG_DAYS),
        ...(this.#options.webhooks === undefined ? {} : { WEBHOOKS: this.#options.webhooks }),
        ...(alarms ? { ALARMS: JSON.stringify({ seed: `${seed} ${start}`, ...alarms }) } : {}),
      },
    });
    this.logs.push(worker.log);
    this.workers[number] = worker;
  }

  /** Where the objects of a worker keep their alarms: a worker that is started again has them. */
  #objectsOf(number: number): string | null {
    const { build, keepsAlarms = false } = this.#options;
    return keepsAlarms ? join(build.directory, `${this.#name}-objects-${number}`) : null;
  }

  async killWorker(number: number): Promise<void> {
    const worker = this.workers[number];
    this.workers[number] = null;
    await worker?.kill();
  }

  /** Looks for what is overdue, as the platform has a worker do every hour. */
  async lookForOverdue(number: number): Promise<void> {
    const worker = this.workers[number];
    // A look that fails, or whose worker is killed meanwhile, is made up for by the next one.
    if (worker) await fetch(`http://127.0.0.1:${worker.port}/hourly-look`).catch(() => null);
  }

  /** Ends the object of an event, as a code update or idleness does; returns whether that was possible. */
  async endObject(way: 'interrupt' | 'evict', eventId: string): Promise<boolean> {
    const origin = `http://127.0.0.1:${this.workers[0]?.port ?? 0}`;
    try {
      const response = await fetch(`${origin}/prove/${way}?eventId=${encodeURIComponent(eventId)}`);
      return (await response.text()) === 'done' || way === 'interrupt';
    } catch {
      return false;
    }
  }

  /** Kills the database, starts it again with its file, and finds out which calls had been carried out. */
  async crashDatabase(downMs: number): Promise<void> {
    const { port } = new URL(this.#database.endpoint);
    this.proxy.cut();
    this.#database.child.kill('SIGKILL');
    await this.#database.ended;
    await this.#database.stop();
    await new Promise((resolve) => setTimeout(resolve, downMs));
    this.#database = await startDynamoDB({
      port: Number(port),
      ...(this.#dbPath ? { dbPath: this.#dbPath } : {}),
    });
    await this.proxy.mend(async (TableName, eventId) => {
      const { Item } = await this.#client.send(
        new GetCommand({ TableName, Key: { eventId }, ConsistentRead: true }),
      );
      return (Item as EventItem | undefined) ?? null;
    });
  }

  /** The event items as they are now, read past the service. */
  readItems(): Promise<EventItem[]> {
    return this.#scan<EventItem>(TABLES.events);
  }

  /** Ends the workers at once, waits until nothing is under way any more, and reads every row. */
  async finalTables(): Promise<Tables> {
    await Promise.all(this.workers.map((_, number) => this.killWorker(number)));
    await this.proxy.settle(SETTLE_TIMEOUT_MS);
    return this.readTables();
  }

  /** Every row as it is now, read past the service. */
  async readTables(): Promise<Tables> {
    const [users, events, registrations, waitlist] = await Promise.all([
      this.#scan<Tables['users'][number]>(TABLES.users),
      this.readItems(),
      this.#scan<{ registrationId: string }>(TABLES.registrations),
      this.#scan<WaitlistEntry>(TABLES.waitlist),
    ]);
    const kindOf = ({ registrationId, status }: { registrationId: string; status?: string }) => {
      if (registrationId.startsWith('key#')) return 'keys';
      if (registrationId.startsWith('log#')) return 'log';
      return status === 'OFFERED' ? 'offers' : 'seats';
    };
    const {
      seats = [],
      offers = [],
      keys = [],
      log = [],
    } = Object.groupBy(registrations, kindOf) as {
      seats?: Seat[];
      offers?: OfferRow[];
      keys?: Tables['keys'];
      log?: LogRow[];
    };
    return { users, events, registrations: seats, offers, waitlist, keys, log };
  }

  async close(): Promise<void> {
    await Promise.all(this.workers.map((_, number) => this.killWorker(number)));
    await this.proxy.close();
    this.#client.destroy();
    this.#database.child.kill('SIGKILL');
    await this.#database.stop();
    for (const number of this.workers.keys()) {
      const objects = this.#objectsOf(number);
      if (objects !== null) rmSync(objects, { recursive: true, force: true });
    }
    if (this.#dbPath) {
      for (const suffix of ['', '-wal', '-shm']) rmSync(this.#dbPath + suffix, { force: true });
    }
  }

  async #putUsers(userIds: string[]): Promise<void> {
    const createdAt = new Date().toISOString();
    for (let i = 0; i < userIds.length; i += BATCH_WRITE_MAX_ITEMS) {
      const puts = userIds
        .slice(i, i + BATCH_WRITE_MAX_ITEMS)
        .map((userId) => ({ PutRequest: { Item: { userId, name: userId, createdAt } } }));
      const command = new BatchWriteCommand({ RequestItems: { [TABLES.users]: puts } });
      await this.#client.send(command);
    }
  }

  async #scan<Row>(TableName: string): Promise<Row[]> {
    const rows: Row[] = [];
    let ExclusiveStartKey: Record<string, unknown> | undefined;
    do {
      const page = await this.#client.send(
        new ScanCommand({
          TableName,
          ConsistentRead: true,
          ...(ExclusiveStartKey ? { ExclusiveStartKey } : {}),
        }),
      );
      rows.push(...((page.Items ?? []) as Row[]));
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey);
    return rows;
  }
}
