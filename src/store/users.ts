import { GetCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { ATTEMPT_TIMEOUT_MS, COMMIT_DEADLINE_MS, READ_DEADLINE_MS } from '../limits.ts';
import type { User } from '../schemas.ts';
import { batchGet } from './batch-get.ts';
import { ConditionFailedError, persist, type Store } from './client.ts';

/**
 * Writes a new user; false when the id is taken. A transaction of one, for its token: an attempt
 * whose answer was lost must not make the next one take our own write for somebody else's.
 */
export async function createUser(store: Store, user: User, token: string): Promise<boolean> {
  const command = new TransactWriteCommand({
    TransactItems: [
      {
        Put: {
          TableName: store.tables.users,
          Item: user,
          ConditionExpression: 'attribute_not_exists(userId)',
        },
      },
    ],
    ClientRequestToken: token,
  });
  try {
    await persist((options) => store.client.send(command, options), {
      deadline: Date.now() + COMMIT_DEADLINE_MS,
      timeoutMs: ATTEMPT_TIMEOUT_MS,
    });
    return true;
  } catch (error) {
    if (error instanceof ConditionFailedError) return false;
    throw error;
  }
}

/** Reads a user, consistently. */
export async function getUser(store: Store, userId: string): Promise<User | null> {
  const command = new GetCommand({
    TableName: store.tables.users,
    Key: { userId },
    ConsistentRead: true,
  });
  const { Item } = await persist((options) => store.client.send(command, options), {
    deadline: Date.now() + READ_DEADLINE_MS,
    timeoutMs: ATTEMPT_TIMEOUT_MS,
  });
  if (!Item) return null;
  const { name, createdAt } = Item as User;
  return { userId, name, createdAt };
}

/** Which of these users exist; consistent, so that a user created a moment ago counts. */
export async function findUsers(store: Store, userIds: string[]): Promise<Set<string>> {
  const { users } = store.tables;
  const found = await batchGet(
    store,
    { [users]: userIds.map((userId) => ({ userId })) },
    Date.now() + READ_DEADLINE_MS,
  );
  return new Set((found[users] ?? []).map((item) => item.userId as string));
}
