import { TransactWriteCommand, type TransactWriteCommandInput } from '@aws-sdk/lib-dynamodb';
import { TRANSACTION_MAX_ACTIONS } from '../limits.ts';
import { ConditionFailedError, callTables, type Store } from '../store/client.ts';
import { type Condition, setWhere } from '../store/expressions.ts';
import { toRowKey } from '../store/tables.ts';
import type { RowWrite } from './adoption-plan.ts';
import type { OldItem } from './adoption-rows.ts';
import { CALL_TIMEOUT_MS } from './client.ts';

/** How long a transaction is tried: a table that was just created is throttled for a while. */
const WRITE_DEADLINE_MS = 60_000;

/** One action of a transaction. */
export type Action = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

/** Packs groups of actions into transactions. A group is never split. */
export function* inParts(groups: Action[][]): Generator<Action[][]> {
  let part: Action[][] = [];
  let size = 0;
  for (const group of groups) {
    if (size + group.length > TRANSACTION_MAX_ACTIONS) {
      yield part;
      [part, size] = [[], 0];
    }
    part.push(group);
    size += group.length;
  }
  if (part.length > 0) yield part;
}

/** The condition that these attributes of an item are still as they were read. */
export function isAsRead(old: OldItem, ...names: string[]): Condition {
  const present = names.filter((name) => old[name] !== undefined);
  return {
    ConditionExpression: names
      .map((name) =>
        present.includes(name) ? `#r${name} = :r${name}` : `attribute_not_exists(#r${name})`,
      )
      .join(' AND '),
    ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#r${name}`, name])),
    ...(present.length > 0
      ? {
          ExpressionAttributeValues: Object.fromEntries(
            present.map((name) => [`:r${name}`, old[name]]),
          ),
        }
      : {}),
  };
}

/** The action that sets attributes of an item if a condition holds. */
export function setAttributes(
  TableName: string,
  Key: OldItem,
  fields: OldItem,
  condition: Condition,
): Action {
  return { Update: { TableName, Key, ...setWhere(fields, condition) } };
}

/**
 * The actions of a row's write, under the condition that the row is as it was read.
 *
 * @param expiresAt epoch seconds at which a row that is set aside is deleted
 */
export function toActions({ tables }: Store, write: RowWrite, expiresAt: number): Action[] {
  const { table, id, old } = write;
  const TableName = tables[table];
  const Key = toRowKey(table, id);
  const status = table === 'registrations' ? ['status'] : [];
  const condition = isAsRead(old, 'eventId', 'userId', ...status);
  if (write.op === 'set') return [setAttributes(TableName, Key, write.fields, condition)];
  const remove: Action = { Delete: { TableName, Key, ...condition } };
  if (write.op === 'rename') {
    const isFree = `attribute_not_exists(${table === 'registrations' ? 'registrationId' : 'entryId'})`;
    return [remove, { Put: { TableName, Item: write.row, ConditionExpression: isFree } }];
  }
  // Kept beside the idempotency keys: such a row is in no index, and DynamoDB deletes it when it expires.
  const aside = {
    registrationId: `aside#${table}#${id}`,
    reason: write.reason,
    row: JSON.stringify(old),
    expiresAt,
  };
  return [remove, { Put: { TableName: tables.registrations, Item: aside } }];
}

/** Sends one transaction. Returns false when a condition did not hold; nothing was applied then. */
export async function send({ client }: Store, actions: Action[]): Promise<boolean> {
  const command = new TransactWriteCommand({
    TransactItems: actions,
    // One token for all attempts: after a lost answer, the conditions of the next attempt would fail on our own write.
    ClientRequestToken: crypto.randomUUID(),
  });
  try {
    await callTables((options) => client.send(command, options), {
      deadline: Date.now() + WRITE_DEADLINE_MS,
      timeoutMs: CALL_TIMEOUT_MS,
    });
    return true;
  } catch (error) {
    if (error instanceof ConditionFailedError) return false;
    throw error;
  }
}
