import { BatchGetCommand } from '@aws-sdk/lib-dynamodb';
import { ATTEMPT_TIMEOUT_MS } from '../limits.ts';
import { sleep } from '../sleep.ts';
import { backoffMs, callTables, type Store, StoreUnavailableError } from './client.ts';

/** The request for the items of one table. */
interface TableRequest {
  Keys: Record<string, unknown>[];
  ConsistentRead: boolean;
  ProjectionExpression?: string;
}

/** How items are read. */
interface ReadOptions {
  /** The only attributes to read, separated by commas; all when left out. */
  attributes?: string | undefined;
  /** Tables that are read eventually consistently, at half the price; all others consistently. */
  eventual?: readonly string[];
}

/**
 * Reads items of several tables by key, and asks again for keys that DynamoDB left unprocessed.
 *
 * @param keys at most `BATCH_GET_MAX_KEYS` in total, by table name
 * @param deadline epoch milliseconds
 * @throws StoreUnavailableError when the tables do not answer, or not with all items, by the deadline
 */
export async function batchGet(
  store: Store,
  keys: Record<string, Record<string, string>[]>,
  deadline: number,
  { attributes, eventual = [] }: ReadOptions = {},
): Promise<Record<string, object[]>> {
  const found: Record<string, object[]> = {};
  const toRequest = (table: string, Keys: Record<string, unknown>[]): TableRequest => ({
    Keys,
    ConsistentRead: !eventual.includes(table),
    ...(attributes ? { ProjectionExpression: attributes } : {}),
  });
  let RequestItems = Object.fromEntries(
    Object.entries(keys).map(([table, Keys]) => [table, toRequest(table, Keys)]),
  );
  for (let attempt = 0; ; attempt++) {
    const page = await callTables(
      (options) => store.client.send(new BatchGetCommand({ RequestItems }), options),
      { deadline, timeoutMs: ATTEMPT_TIMEOUT_MS },
    );
    for (const [table, items] of Object.entries(page.Responses ?? {})) {
      found[table] = [...(found[table] ?? []), ...items];
    }
    const unprocessed = Object.entries(page.UnprocessedKeys ?? {});
    if (unprocessed.length === 0) return found;
    RequestItems = Object.fromEntries(
      unprocessed.map(([table, { Keys }]) => [table, toRequest(table, Keys ?? [])]),
    );
    const pause = backoffMs(attempt);
    if (Date.now() + pause >= deadline) {
      throw new StoreUnavailableError('the tables are throttled', false);
    }
    await sleep(pause);
  }
}
