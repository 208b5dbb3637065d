import { BatchGetCommand } from '@aws-sdk/lib-dynamodb';
import { ATTEMPT_TIMEOUT_MS } from '../limits.ts';
import { backoffMs, persist, type Store, StoreUnavailableError, sleep } from './client.ts';

/** Reads items of several tables by key, consistently, however many calls DynamoDB needs for it. */
export async function batchGet(
  store: Store,
  keys: Record<string, Record<string, string>[]>,
  deadline: number,
): Promise<Record<string, Record<string, unknown>[]>> {
  const found: Record<string, Record<string, unknown>[]> = {};
  let RequestItems: Record<string, { Keys: Record<string, unknown>[]; ConsistentRead: boolean }> =
    Object.fromEntries(
      Object.entries(keys).map(([table, Keys]) => [table, { Keys, ConsistentRead: true }]),
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
      unprocessed.map(([table, { Keys }]) => [table, { Keys: Keys ?? [], ConsistentRead: true }]),
    );
    const pause = backoffMs(attempt);
    if (Date.now() + pause >= deadline) {
      throw new StoreUnavailableError('the tables are throttled', false);
    }
    await sleep(pause);
  }
}
