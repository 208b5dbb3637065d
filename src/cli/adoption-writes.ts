import { TransactWriteCommand, type TransactWriteCommandInput } from '@aws-sdk/lib-dynamodb';
import { TRANSACTION_MAX_ACTIONS } from '../limits.ts';
import { ConditionFailedError, callTables, type Store } from '../store/client.ts';
import { type Condition, setWhere } from '../store/expressions.ts';
import { toRowKey } from '../store/tables.ts';
import type { RowWrite } from './adoption-plan.ts';
import type { OldItem } from './adoption-rows.ts';

/** How long a transaction is tried: a table that was just created is throttled for a while. */
const WRITE_DEADLINE_MS = 60_000;
const CALL_TIMEOUT_MS = 10_000;

/** One action of a transaction. */
export type Action = NonNullable<TransactWriteCommandInput['TransactItems']>[number];
/** Parts of groups that belong together, as large as a transaction takes. */
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

/** Holds while the item has what was read of these attributes. */
export function isAsRead(old: OldItem, ...names: string[]): Condition {
  const there = names.filter((name) => old[name] !== undefined);
  return {
    ConditionExpression: names
      .map((name) =>
        there.includes(name) ? `#r${name} = :r${name}` : `attribute_not_exists(#r${name})`,
      )
      .join(' AND '),
    ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#r${name}`, name])),
    ...(there.length > 0
      ? {
          ExpressionAttributeValues: Object.fromEntries(
            there.map((name) => [`:r${name}`, old[name]]),
          ),
        }
      : {}),
  };
}

/** Sets attributes of an item. */
export function update(
  TableName: string,
  Key: OldItem,
  fields: OldItem,
  condition: Condition,
): Action {
  return { Update: { TableName, Key, ...setWhere(fields, condition) } };
}

/** A row's write; each of its actions is refused if the row is not as it was read. */
export function toActions({ tables }: Store, write: RowWrite, expiresAt: number): Action[] {
  const { table, id, old } = write;
  const TableName = tables[table];
  const Key = toRowKey(table, id);
  const status = table === 'registrations' ? ['status'] : [];
  const condition = isAsRead(old, 'eventId', 'userId', ...status);
  if (write.op === 'set') return [update(TableName, Key, write.fields, condition)];
  const remove: Action = { Delete: { TableName, Key, ...condition } };
  if (write.op === 'rename') {
    const isFree = `attribute_not_exists(${table === 'registrations' ? 'registrationId' : 'entryId'})`;
    return [remove, { Put: { TableName, Item: write.row, ConditionExpression: isFree } }];
  }
  // Beside the idempotency keys: in no index, and deleted by DynamoDB in time.
  const aside = {
    registrationId: `aside#${table}#${id}`,
    reason: write.reason,
    row: JSON.stringify(old),
    expiresAt,
  };
  return [remove, { Put: { TableName: tables.registrations, Item: aside } }];
}

/** One transaction; false when a condition did not hold, and so nothing was applied. */
export async function send({ client }: Store, actions: Action[]): Promise<boolean> {
  const command = new TransactWriteCommand({
    TransactItems: actions,
    // One token for all attempts: an answer that is lost does not make the next one refuse our own write.
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
