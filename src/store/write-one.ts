import { type TransactWriteItem, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb';
import { ATTEMPT_TIMEOUT_MS, COMMIT_DEADLINE_MS } from '../limits.ts';
import { ConditionFailedError, callTables, type Store } from './client.ts';

/**
 * Makes one write under a condition, and tells whether the condition held. It is a transaction because those
 * have a token: a late copy of the write changes nothing any more.
 *
 * @throws StoreUnavailableError when the tables do not answer
 */
export async function writeOne(store: Store, write: TransactWriteItem): Promise<boolean> {
  const command = new TransactWriteItemsCommand({
    TransactItems: [write],
    ClientRequestToken: crypto.randomUUID(),
  });
  try {
    await callTables((options) => store.client.send(command, options), {
      deadline: Date.now() + COMMIT_DEADLINE_MS,
      timeoutMs: ATTEMPT_TIMEOUT_MS,
    });
    return true;
  } catch (error) {
    if (error instanceof ConditionFailedError) return false;
    throw error;
  }
}
