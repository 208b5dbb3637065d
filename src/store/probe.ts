import { GetCommand } from '@aws-sdk/lib-dynamodb';
import type { TableNames } from '../config.ts';
import { ATTEMPT_TIMEOUT_MS, READ_DEADLINE_MS } from '../limits.ts';
import { persist, type Store } from './client.ts';
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
