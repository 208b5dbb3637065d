import { setTimeout as sleep } from 'node:timers/promises';
import {
  DescribeTableCommand,
  type DynamoDBClient,
  ResourceNotFoundException,
  type TableDescription,
} from '@aws-sdk/client-dynamodb';
import { CALL_TIMEOUT_MS } from './client.ts';
import { CliError } from './terminal.ts';

const ACTIVE_TIMEOUT_MS = 180_000;
const POLL_MS = 500;
/** How often it is told that an index is still being filled. */
const TELL_EVERY_MS = 10_000;

/** @returns undefined when there is no such table */
export async function describeTable(
  client: DynamoDBClient,
  name: string,
): Promise<TableDescription | undefined> {
  try {
    const abortSignal = AbortSignal.timeout(CALL_TIMEOUT_MS);
    const command = new DescribeTableCommand({ TableName: name });
    return (await client.send(command, { abortSignal })).Table;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
}

/**
 * Waits until a table and all its indexes serve. A new index is filled with the rows that there are, which
 * takes minutes or hours: that is waited for as long as it takes.
 *
 * @param tell is told now and then how long an index has been filled
 */
export async function waitUntilActive(
  client: DynamoDBClient,
  name: string,
  tell: (line: string) => void = () => {},
): Promise<TableDescription> {
  const startedAt = Date.now();
  let toldAt = startedAt;
  for (;;) {
    const table = await describeTable(client, name);
    if (table && isReady(table)) return table;
    const filling = table && findFilling(table);
    const seconds = Math.round((Date.now() - startedAt) / 1_000);
    if (!filling && seconds * 1_000 > ACTIVE_TIMEOUT_MS) {
      throw new CliError(`${name} is ${table?.TableStatus ?? 'missing'} after ${seconds} s.`);
    }
    if (filling && Date.now() - toldAt >= TELL_EVERY_MS) {
      toldAt = Date.now();
      const { ItemCount = 0 } = table ?? {};
      tell(
        `${name}: filling the index ${filling.IndexName}, ${seconds} s (about ${ItemCount} rows)`,
      );
    }
    await sleep(POLL_MS);
  }
}

/** The index that is being filled, if any: one that was added to a table that was there. */
function findFilling({ TableStatus, GlobalSecondaryIndexes = [] }: TableDescription) {
  if (TableStatus === 'CREATING') return undefined;
  return GlobalSecondaryIndexes.find(({ IndexStatus }) => IndexStatus === 'CREATING');
}

/** Whether a table and its indexes serve calls. They also do while their status is UPDATING. */
function isReady({ TableStatus, GlobalSecondaryIndexes = [] }: TableDescription): boolean {
  const serves = (status: string | undefined) => status === 'ACTIVE' || status === 'UPDATING';
  return serves(TableStatus) && GlobalSecondaryIndexes.every((i) => serves(i.IndexStatus));
}
