import { type TransactWriteItem, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { type IdempotencyKey, type Replay, replay, toKeyRecord } from '../event/idempotency.ts';
import type { User } from '../event/model.ts';
import {
  ATTEMPT_TIMEOUT_MS,
  BATCH_GET_MAX_KEYS,
  COMMIT_DEADLINE_MS,
  READ_DEADLINE_MS,
} from '../limits.ts';
import { batchGet } from './batch-get.ts';
import { ConditionFailedError, callTables, type Store } from './client.ts';
import { toKeyAction, usedKeys } from './commit.ts';
import { toAttributes } from './tables.ts';

/** The outcome of creating a user. */
export type UserOutcome = { type: 'created'; user: User } | { type: 'duplicate' };

/**
 * Writes a new user, unless the id is taken. It is a transaction because those have a token: when an answer
 * is lost, the next attempt must not mistake our own write for another user.
 *
 * @throws StoreUnavailableError when the tables do not answer
 */
export async function createUser(
  store: Store,
  user: User,
  key?: IdempotencyKey,
): Promise<UserOutcome | Replay<UserOutcome>> {
  const created: UserOutcome = { type: 'created', user };
  const put: TransactWriteItem = {
    Put: {
      TableName: store.tables.users,
      Item: toAttributes(user),
      ConditionExpression: 'attribute_not_exists(userId)',
    },
  };
  const written = await writeOnce(store, [put], key, created);
  if (written !== 'refused') return written;
  // With a key, the refusal is stored too, so that a repetition gets the same outcome.
  const duplicate: UserOutcome = { type: 'duplicate' };
  if (!key) return duplicate;
  const kept = await writeOnce(store, [], key, duplicate);
  return kept === 'refused' ? duplicate : kept;
}

/** Writes items together with the used key; `refused` when a condition of the items failed. */
async function writeOnce(
  store: Store,
  actions: TransactWriteItem[],
  key: IdempotencyKey | undefined,
  outcome: UserOutcome,
): Promise<UserOutcome | Replay<UserOutcome> | 'refused'> {
  const records = key ? [toKeyRecord(key, outcome, Date.now())] : [];
  const all = [...actions, ...records.map((record) => toKeyAction(store.tables, record))];
  const command = new TransactWriteItemsCommand({
    TransactItems: all,
    ClientRequestToken: crypto.randomUUID(),
  });
  try {
    await callTables((options) => store.client.send(command, options), {
      deadline: Date.now() + COMMIT_DEADLINE_MS,
      timeoutMs: ATTEMPT_TIMEOUT_MS,
    });
    return outcome;
  } catch (error) {
    if (!(error instanceof ConditionFailedError)) throw error;
    const used = key && usedKeys(error, records, all.length)?.get(key.id);
    return key && used ? replay<UserOutcome>(used, key) : 'refused';
  }
}

/** Reads a user, consistently; null when there is none. */
export async function getUser(store: Store, userId: string): Promise<User | null> {
  const command = new GetCommand({
    TableName: store.tables.users,
    Key: { userId },
    ConsistentRead: true,
  });
  const { Item } = await callTables((options) => store.client.send(command, options), {
    deadline: Date.now() + READ_DEADLINE_MS,
    timeoutMs: ATTEMPT_TIMEOUT_MS,
  });
  if (!Item) return null;
  const { name, createdAt } = Item as User;
  return { userId, name, createdAt };
}

/** Which of these users exist. The read is consistent: a user who was created a moment ago is found. */
export async function findUsers(store: Store, userIds: string[]): Promise<Set<string>> {
  const found = await readUsers<Pick<User, 'userId'>>(store, userIds, 'userId');
  return new Set(found.map(({ userId }) => userId));
}

/** The names of users, by id; users who do not exist are missing. */
export async function namesOf(store: Store, userIds: string[]): Promise<Map<string, string>> {
  const parts: string[][] = [];
  for (let i = 0; i < userIds.length; i += BATCH_GET_MAX_KEYS) {
    parts.push(userIds.slice(i, i + BATCH_GET_MAX_KEYS));
  }
  const users = await Promise.all(parts.map((part) => readUsers<User>(store, part)));
  return new Map(users.flat().map(({ userId, name }) => [userId, name]));
}

async function readUsers<T>(store: Store, userIds: string[], attribute?: string): Promise<T[]> {
  const { users } = store.tables;
  const keys = { [users]: userIds.map((userId) => ({ userId })) };
  const found = await batchGet(store, keys, Date.now() + READ_DEADLINE_MS, { attribute });
  return (found[users] ?? []) as T[];
}
