import {
  type AttributeValue,
  GetItemCommand,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { ATTEMPT_TIMEOUT_MS, COMMIT_DEADLINE_MS } from '../limits.ts';
import { ConditionFailedError, callTables, type Store } from './client.ts';
import { readTimes } from './rows.ts';
import { toAttributes } from './tables.ts';

/**
 * Writes items in one transaction, also where it is a single item: transactions have a token, so a late copy of
 * the write changes nothing any more.
 *
 * @throws ConditionFailedError when a condition failed
 * @throws StoreUnavailableError when the tables do not answer
 */
export async function write(store: Store, TransactItems: TransactWriteItem[]): Promise<void> {
  const ClientRequestToken = crypto.randomUUID();
  const command = new TransactWriteItemsCommand({ TransactItems, ClientRequestToken });
  await callTables((options) => store.client.send(command, options), {
    deadline: Date.now() + COMMIT_DEADLINE_MS,
    timeoutMs: ATTEMPT_TIMEOUT_MS,
  });
}

/**
 * Makes one write under a condition, and tells whether the condition held.
 *
 * @throws StoreUnavailableError when the tables do not answer
 */
export async function writeOne(store: Store, action: TransactWriteItem): Promise<boolean> {
  try {
    await write(store, [action]);
    return true;
  } catch (error) {
    if (error instanceof ConditionFailedError) return false;
    throw error;
  }
}

/**
 * Reads one item, consistently; null when there is none.
 *
 * @throws StoreUnavailableError when the tables do not answer
 */
export async function readOne(
  store: Store,
  TableName: string,
  key: Record<string, string>,
): Promise<Record<string, AttributeValue> | null> {
  const Key = toAttributes(key);
  const command = new GetItemCommand({ TableName, Key, ConsistentRead: true });
  const { Item } = await callTables(
    (options) => store.client.send(command, options),
    readTimes(ATTEMPT_TIMEOUT_MS),
  );
  return Item ?? null;
}
