import type { TransactWriteItem } from '@aws-sdk/client-dynamodb';
import { type IdempotencyKey, type Replay, replay, toKeyRecord } from '../event/idempotency.ts';
import type { User } from '../event/model.ts';
import { BATCH_GET_MAX_KEYS, READ_DEADLINE_MS } from '../limits.ts';
import { batchGet } from './batch-get.ts';
import { ConditionFailedError, type Store } from './client.ts';
import { toKeyAction, usedKeys } from './commit.ts';
import { readOne, write, writeOne } from './one-call.ts';
import { fromAttributes, toAttributes } from './tables.ts';

/** The outcome of creating a user. */
export type UserOutcome = { type: 'created'; user: User } | { type: 'duplicate' };

/** What a used key keeps of it: neither id nor name, which every repetition of the request brings along. */
type KeptOutcome = { type: 'created'; user: Pick<User, 'createdAt'> } | { type: 'duplicate' };

/**
 * Writes a new user, unless the id is taken: by a user, or by one who is being erased. It is a transaction
 * because those have a token: when an answer is lost, the next attempt must not mistake our own write for
 * another user.
 *
 * @throws StoreUnavailableError when the tables do not answer
 */
export async function createUser(
  store: Store,
  user: User,
  key?: IdempotencyKey,
): Promise<UserOutcome | Replay<UserOutcome>> {
  const { userId, name, createdAt } = user;
  const created: KeptOutcome = { type: 'created', user: { createdAt } };
  const put: TransactWriteItem = {
    Put: {
      TableName: store.tables.users,
      Item: toAttributes(user),
      ConditionExpression: 'attribute_not_exists(userId)',
    },
  };
  const whole = (kept: KeptOutcome | Replay<KeptOutcome>): UserOutcome | Replay<UserOutcome> =>
    kept.type === 'created' ? { ...kept, user: { userId, name, ...kept.user } } : kept;
  const written = await writeOnce(store, [put], key, created);
  if (written !== 'refused') return whole(written);
  // With a key, the refusal is stored too, so that a repetition gets the same outcome.
  const duplicate = { type: 'duplicate' } as const;
  if (!key) return duplicate;
  const kept = await writeOnce(store, [], key, duplicate);
  return kept === 'refused' ? duplicate : whole(kept);
}

/** Writes items together with the used key; `refused` when a condition of the items failed. */
async function writeOnce(
  store: Store,
  actions: TransactWriteItem[],
  key: IdempotencyKey | undefined,
  outcome: KeptOutcome,
): Promise<KeptOutcome | Replay<KeptOutcome> | 'refused'> {
  const records = key ? [toKeyRecord(key, JSON.stringify(outcome), Date.now())] : [];
  const all = [...actions, ...records.map((record) => toKeyAction(store.tables, record))];
  try {
    await write(store, all);
    return outcome;
  } catch (error) {
    if (!(error instanceof ConditionFailedError)) throw error;
    const used = key && usedKeys(error, records, all.length)?.get(key.id);
    return key && used ? replay<KeptOutcome>(used, key) : 'refused';
  }
}

/** The condition that a user is still the one who was read: not erased, and nobody else with the same id. */
export function isStill({ createdAt }: User) {
  // The seed system may have written users without the time.
  if (createdAt === undefined) {
    return {
      ConditionExpression:
        'attribute_exists(userId) AND attribute_not_exists(createdAt) AND attribute_not_exists(erasedAt)',
    };
  }
  return {
    ConditionExpression: 'createdAt = :createdAt',
    ExpressionAttributeValues: toAttributes({ ':createdAt': createdAt }),
  };
}

/** Gives a user another name; null when there is no such user. */
export async function renameUser(store: Store, userId: string, name: string): Promise<User | null> {
  const user = await getUser(store, userId);
  if (!user) return null;
  const { ConditionExpression, ExpressionAttributeValues } = isStill(user);
  const isDone = await writeOne(store, {
    Update: {
      TableName: store.tables.users,
      Key: toAttributes({ userId }),
      UpdateExpression: 'SET #name = :name',
      ConditionExpression,
      ExpressionAttributeNames: { '#name': 'name' },
      ExpressionAttributeValues: {
        ...ExpressionAttributeValues,
        ...toAttributes({ ':name': name }),
      },
    },
  });
  return isDone ? { ...user, name } : null;
}

/** Reads a user, consistently; null when there is none, or they are being erased. */
export async function getUser(store: Store, userId: string): Promise<User | null> {
  const item = await readOne(store, store.tables.users, { userId });
  if (!item || isErased(item)) return null;
  const { name, createdAt } = fromAttributes(item) as User;
  return { userId, name, createdAt };
}

/** Whether a row stands for somebody who is being erased: nobody may see a user in it. */
const isErased = (row: object) => 'erasedAt' in row;

/**
 * Which of these users exist. The read is consistent: a user who was created a moment ago is found, and one
 * whose erasure has begun is not.
 */
export async function findUsers(store: Store, userIds: string[]): Promise<Set<string>> {
  const found = await readUsers(store, userIds, 'userId, erasedAt');
  return new Set(found.map(({ userId }) => userId));
}

/** The names of users, by id; users who do not exist are missing. */
export async function namesOf(store: Store, userIds: string[]): Promise<Map<string, string>> {
  const parts: string[][] = [];
  for (let i = 0; i < userIds.length; i += BATCH_GET_MAX_KEYS) {
    parts.push(userIds.slice(i, i + BATCH_GET_MAX_KEYS));
  }
  const users = await Promise.all(parts.map((part) => readUsers(store, part)));
  return new Map(users.flat().map(({ userId, name }) => [userId, name]));
}

async function readUsers(store: Store, userIds: string[], attributes?: string): Promise<User[]> {
  const { users } = store.tables;
  const keys = { [users]: userIds.map((userId) => ({ userId })) };
  const found = await batchGet(store, keys, Date.now() + READ_DEADLINE_MS, { attributes });
  return ((found[users] ?? []) as User[]).filter((row) => !isErased(row));
}
