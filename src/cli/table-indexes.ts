import { setTimeout as sleep } from 'node:timers/promises';
import {
  type DynamoDBClient,
  LimitExceededException,
  ResourceInUseException,
  type TableDescription,
  UpdateTableCommand,
} from '@aws-sdk/client-dynamodb';
import type { IndexSchema, TableSchema } from '../store/tables.ts';
import { CALL_TIMEOUT_MS } from './client.ts';
import { attributesOf, missingIndexes, toKeySchema } from './table-schema.ts';
import { waitUntilActive } from './table-status.ts';
import { CliError } from './terminal.ts';

/** While others change the table, it is tried again: about so long. */
const BUSY_MAX_ATTEMPTS = 180;
const BUSY_PAUSE_MS = 1_000;

/**
 * Adds the indexes that a table lacks, one after the other, and waits until each is filled. The table serves
 * meanwhile. Cut short, it can be begun again: DynamoDB goes on by itself with an index that it has begun.
 *
 * @param tell is told what is going on
 * @returns the names of the indexes that were added
 */
export async function addMissingIndexes(
  client: DynamoDBClient,
  name: string,
  schema: TableSchema,
  tell: (line: string) => void,
): Promise<string[]> {
  const added: string[] = [];
  for (let busy = 0; busy < BUSY_MAX_ATTEMPTS; ) {
    const table = await waitUntilActive(client, name, tell);
    const [index] = missingIndexes(schema, table);
    if (!index) return added;
    if (await add(client, table, index)) {
      tell(`${name}: adding the index ${index.name}`);
      added.push(index.name);
    } else {
      busy++;
      await sleep(BUSY_PAUSE_MS);
    }
  }
  throw new CliError(`${name} is being changed by somebody else all the time: try again later.`);
}

/** @returns false when somebody else changes the table right now */
async function add(
  client: DynamoDBClient,
  table: TableDescription,
  index: IndexSchema,
): Promise<boolean> {
  const types = new Map(table.AttributeDefinitions?.map((a) => [a.AttributeName, a.AttributeType]));
  for (const { name, type } of attributesOf(index)) types.set(name, type);
  // A table that is not billed on demand needs a throughput for each index: that of the table.
  const { ReadCapacityUnits = 0, WriteCapacityUnits = 0 } = table.ProvisionedThroughput ?? {};
  const command = new UpdateTableCommand({
    TableName: table.TableName,
    AttributeDefinitions: [...types].map(([AttributeName, AttributeType]) => {
      return { AttributeName, AttributeType };
    }),
    GlobalSecondaryIndexUpdates: [
      {
        Create: {
          IndexName: index.name,
          KeySchema: toKeySchema(index),
          Projection: { ProjectionType: 'ALL' },
          ...(ReadCapacityUnits > 0
            ? { ProvisionedThroughput: { ReadCapacityUnits, WriteCapacityUnits } }
            : {}),
        },
      },
    ],
  });
  try {
    await client.send(command, { abortSignal: AbortSignal.timeout(CALL_TIMEOUT_MS) });
    return true;
  } catch (error) {
    const isBusy = error instanceof ResourceInUseException;
    if (isBusy || error instanceof LimitExceededException) return false;
    // Of two who add it at the same time, the second is told so.
    if (/already exists/i.test((error as Error).message)) return false;
    throw error;
  }
}
