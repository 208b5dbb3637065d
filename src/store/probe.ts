import { GetItemCommand } from '@aws-sdk/client-dynamodb';
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

/** A key that no item has: ids are trimmed, and never blank. */
export const NO_ID = ' ';

/** One of the four tables, by its role. */
export type TableRole = keyof TableNames;

/** Logs why a table does not answer. */
export type Report = (fault: {
  part: TableRole;
  table: string;
  cause: string;
  /** The message of DynamoDB, if it sent one. */
  says?: string | undefined;
}) => void;

/**
 * Reads an item that does not exist from each table.
 *
 * @param report gets the cause of each failure: it belongs into the log, not into the public answer
 * @returns the tables that do not answer
 */
export async function probeTables(store: Store, report: Report): Promise<TableRole[]> {
  const deadline = Date.now() + READ_DEADLINE_MS;
  const probe = async (table: TableRole): Promise<TableRole[]> => {
    const TableName = store.tables[table];
    const Key = { [TABLE_SCHEMAS[table].hash.name]: { S: NO_ID } };
    const command = new GetItemCommand({ TableName, Key });
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
  const tables = Object.keys(TABLE_SCHEMAS) as TableRole[];
  return (await Promise.all(tables.map(probe))).flat();
}

/**
 * Whether the tables answer, for all requests of an isolate. A result serves for `READY_MAX_AGE_MS`, so
 * frequent requests cost the tables nothing. Requests share the result but never await the same promise: the
 * runtime cancels a request that waits for another's I/O.
 */
export class Readiness {
  readonly #probe: () => Promise<TableRole[]>;
  readonly #keepAlive: (work: Promise<unknown>) => void;
  #faults: TableRole[] = [];
  #answeredAt = Number.NEGATIVE_INFINITY;
  #askedAt = Number.NEGATIVE_INFINITY;

  /** @param keepAlive lets the probe finish even if the request that started it is cut off */
  constructor(probe: () => Promise<TableRole[]>, keepAlive: (work: Promise<unknown>) => void) {
    this.#probe = probe;
    this.#keepAlive = keepAlive;
  }

  /** The tables that do not answer. */
  async faults(): Promise<TableRole[]> {
    for (;;) {
      const now = Date.now();
      if (now - this.#answeredAt < READY_MAX_AGE_MS) return this.#faults;
      // Another request is probing. After READY_TURN_MS it counts as cut off, and this one probes.
      if (now - this.#askedAt < READY_TURN_MS) await sleep(READY_POLL_MS);
      else return this.#ask(now);
    }
  }

  #ask(now: number): Promise<TableRole[]> {
    this.#askedAt = now;
    const work = this.#read();
    // Without this, a client that hangs up would stop the probe, and other requests would wait for READY_TURN_MS.
    this.#keepAlive(work.catch(() => {}));
    return work;
  }

  async #read(): Promise<TableRole[]> {
    try {
      this.#faults = await this.#probe();
      this.#answeredAt = Date.now();
      return this.#faults;
    } finally {
      this.#askedAt = Number.NEGATIVE_INFINITY;
    }
  }
}
