import { GetCommand } from '@aws-sdk/lib-dynamodb';
import type { TableNames } from '../config.ts';
import {
  ATTEMPT_TIMEOUT_MS,
  READ_DEADLINE_MS,
  READY_MAX_AGE_MS,
  READY_POLL_MS,
  READY_TURN_MS,
} from '../limits.ts';
import { persist, type Store, sleep } from './client.ts';
import { TABLE_SCHEMAS } from './tables.ts';

/** A key that no record has: ids are trimmed, and never blank. */
const NO_ID = ' ';

/** Asks each table for an item that does not exist, and tells which do not answer, and why. */
export async function probeTables(store: Store): Promise<string[]> {
  const deadline = Date.now() + READ_DEADLINE_MS;
  const probe = async (table: keyof TableNames): Promise<string[]> => {
    const TableName = store.tables[table];
    const command = new GetCommand({ TableName, Key: { [TABLE_SCHEMAS[table].hash.name]: NO_ID } });
    try {
      await persist((options) => store.client.send(command, options), {
        deadline,
        timeoutMs: ATTEMPT_TIMEOUT_MS,
      });
      return [];
    } catch (error) {
      return [`${TableName}: ${(error as Error).message}`];
    }
  };
  const tables = Object.keys(TABLE_SCHEMAS) as (keyof TableNames)[];
  return (await Promise.all(tables.map(probe))).flat();
}

/**
 * Whether the tables answer, for all requests of an isolate together: asked for once, and told to whoever
 * asks in the next second, so that asking often costs the tables nothing. What is shared is the result and
 * never the wait for it: a request that is cut off takes its own calls with it.
 */
export class Readiness {
  readonly #probe: () => Promise<string[]>;
  #faults: string[] = [];
  #answeredAt = Number.NEGATIVE_INFINITY;
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(probe: () => Promise<string[]>) {
    this.#probe = probe;
  }

  /** Which tables do not answer, and why. */
  async faults(): Promise<string[]> {
    for (;;) {
      const now = Date.now();
      if (now - this.#answeredAt < READY_MAX_AGE_MS) return this.#faults;
      // Somebody asks already; past its turn it was cut off, and the next one takes over.
      if (now - this.#askedAt < READY_TURN_MS) await sleep(READY_POLL_MS);
      else return this.#ask(now);
    }
  }

  async #ask(now: number): Promise<string[]> {
    this.#askedAt = now;
    try {
      this.#faults = await this.#probe();
      this.#answeredAt = Date.now();
      return this.#faults;
    } finally {
      this.#askedAt = Number.NEGATIVE_INFINITY;
    }
  }
}
