import { GetCommand } from '@aws-sdk/lib-dynamodb';
import type { TableNames } from '../config.ts';
import {
  ATTEMPT_TIMEOUT_MS,
  READ_DEADLINE_MS,
  READY_MAX_AGE_MS,
  READY_POLL_MS,
  READY_TURN_MS,
} from '../limits.ts';
import { sleep } from '../sleep.ts';
import { callTables, type Store } from './client.ts';
import { TABLE_SCHEMAS } from './tables.ts';

/** A key that no record has: ids are trimmed, and never blank. */
const NO_ID = ' ';

/** One of the four tables, by what it holds. */
export type Part = keyof TableNames;

/** Takes down why a table does not answer. */
export type Report = (fault: {
  part: Part;
  table: string;
  cause: string;
  /** DynamoDB's own words, where it had any. */
  says?: string | undefined;
}) => void;

/**
 * Asks each table for an item that does not exist, and tells which do not answer. What DynamoDB says of it is
 * reported, for the log: the answer is for anybody.
 */
export async function probeTables(store: Store, report: Report): Promise<Part[]> {
  const deadline = Date.now() + READ_DEADLINE_MS;
  const probe = async (table: Part): Promise<Part[]> => {
    const TableName = store.tables[table];
    const command = new GetCommand({ TableName, Key: { [TABLE_SCHEMAS[table].hash.name]: NO_ID } });
    try {
      await callTables((options) => store.client.send(command, options), {
        deadline,
        timeoutMs: ATTEMPT_TIMEOUT_MS,
      });
      return [];
    } catch (error) {
      const { message, cause } = error as Error;
      const says = cause instanceof Error ? cause.message : undefined;
      report({ part: table, table: TableName, cause: message, says });
      return [table];
    }
  };
  const tables = Object.keys(TABLE_SCHEMAS) as Part[];
  return (await Promise.all(tables.map(probe))).flat();
}

/**
 * Whether the tables answer, for all requests of an isolate together: asked for once, and told to whoever
 * asks in the next second, so that asking often costs the tables nothing. What is shared is the result and
 * never the wait for it: the runtime cancels a request that waits for another's I/O.
 */
export class Readiness {
  readonly #probe: () => Promise<Part[]>;
  readonly #keepAlive: (work: Promise<unknown>) => void;
  #faults: Part[] = [];
  #answeredAt = Number.NEGATIVE_INFINITY;
  #askedAt = Number.NEGATIVE_INFINITY;

  /** @param keepAlive lets the work go on when the request that it was begun for is cut off */
  constructor(probe: () => Promise<Part[]>, keepAlive: (work: Promise<unknown>) => void) {
    this.#probe = probe;
    this.#keepAlive = keepAlive;
  }

  /** Which tables do not answer. */
  async faults(): Promise<Part[]> {
    for (;;) {
      const now = Date.now();
      if (now - this.#answeredAt < READY_MAX_AGE_MS) return this.#faults;
      // Somebody asks already; past its turn it was cut off, and the next one takes over.
      if (now - this.#askedAt < READY_TURN_MS) await sleep(READY_POLL_MS);
      else return this.#ask(now);
    }
  }

  #ask(now: number): Promise<Part[]> {
    this.#askedAt = now;
    const work = this.#read();
    // Whoever hangs up at once would otherwise keep everybody else waiting for their turn.
    this.#keepAlive(work.catch(() => {}));
    return work;
  }

  async #read(): Promise<Part[]> {
    try {
      this.#faults = await this.#probe();
      this.#answeredAt = Date.now();
      return this.#faults;
    } finally {
      this.#askedAt = Number.NEGATIVE_INFINITY;
    }
  }
}
