import { BatchGetCommand } from '@aws-sdk/lib-dynamodb';
import { ATTEMPT_TIMEOUT_MS } from '../limits.ts';
import { backoffMs, persist, type Store, StoreUnavailableError, sleep } from './client.ts';

/** What is read of one table. */
interface TableRequest {
  Keys: Record<string, unknown>[];
  ConsistentRead: boolean;
  ProjectionExpression?: string;
}

/** How items are read. */
interface Reading {
  /** The only attribute that is wanted; all of them when left out. */
  attribute?: string | undefined;
  /** Tables that are read eventually consistently, at half the price; all others consistently. */
  eventual?: readonly string[];
}

/** Reads items of several tables by key, however many calls DynamoDB needs for it. */
export async function batchGet(
  store: Store,
  keys: Record<string, Record<string, string>[]>,
  deadline: number,
  { attribute, eventual = [] }: Reading = {},
): Promise<Record<string, Record<string, unknown>[]>> {
  const found: Record<string, Record<string, unknown>[]> = {};
  const toRequest = (table: string, Keys: Record<string, unknown>[]): TableRequest => ({
    Keys,
    ConsistentRead: !eventual.includes(table),
    ...(attribute ? { ProjectionExpression: attribute } : {}),
  });
  let RequestItems = Object.fromEntries(
    Object.entries(keys).map(([table, Keys]) => [table, toRequest(table, Keys)]),
  );
  for (let attempt = 0; ; attempt++) {
    const page = await persist(
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
