import {
  type AttributeValue,
  type TransactWriteItem,
  TransactWriteItemsCommand,
  type TransactWriteItemsCommandInput,
} from '@aws-sdk/client-dynamodb';
import type { ChangeSet } from '../event/change-set.ts';
import { type KeyRecord, toStored } from '../event/idempotency.ts';
import type { CommitResult, Effort } from '../event/ports.ts';
import type { RowChange } from '../event/state.ts';
import {
  ATTEMPT_TIMEOUT_MS,
  COMMIT_DEADLINE_MS,
  IDEMPOTENCY_TTL_SECONDS,
  TRANSACTION_MAX_ACTIONS,
} from '../limits.ts';
import {
  ConditionFailedError,
  callTables,
  type Store,
  StoreUnavailableError,
  verdictOf,
} from './client.ts';
import { atVersion, setWhere } from './expressions.ts';
import { toLogItem } from './log.ts';
import {
  type DueBooks,
  type EventBooks,
  type LogBooks,
  toAttributes,
  toDigest,
  toLogBooks,
  toOfferRow,
  toOutbox,
  toRowKey,
} from './tables.ts';

function toRowAction(tables: Store['tables'], change: RowChange): TransactWriteItem {
  const table = change.table === 'offers' ? 'registrations' : change.table;
  const TableName = tables[table];
  const item = change.table === 'offers' ? toOfferRow(change.row) : change.row;
  return change.op === 'add'
    ? { Put: { TableName, Item: toAttributes(item) } }
    : { Delete: { TableName, Key: toAttributes(toRowKey(table, change.id)) } };
}

/**
 * The action on the event item. It carries the fence: the item must still have the version that memory rests on.
 * Once anybody else has written the event, this transaction can never be applied.
 */
function toEventAction(
  tables: Store['tables'],
  version: number,
  changeSet: ChangeSet,
): TransactWriteItem {
  if (!changeSet.event) throw new Error('an event that does not exist has nothing to commit');
  const { eventId, ...fields } = changeSet.event;
  const books: EventBooks & Partial<LogBooks & DueBooks> = {
    version: version + 1,
    revision: changeSet.revision,
    registeredCount: changeSet.registeredCount,
    offeredCount: changeSet.offeredCount,
    waitlistCount: changeSet.waitlistCount,
    lastPosition: changeSet.lastPosition,
    lastSeq: changeSet.lastSeq,
    digest: toDigest(changeSet.digest),
    ...(changeSet.entry && changeSet.log ? toLogBooks(changeSet.log) : {}),
    ...toOutbox(changeSet.pointers),
    ...(changeSet.isDueAtChanged ? { dueAt: changeSet.dueAt } : {}),
  };
  if (version === 0) {
    return {
      Put: {
        TableName: tables.events,
        Item: toAttributes({ eventId, ...fields, ...books }),
        ConditionExpression: 'attribute_not_exists(eventId)',
      },
    };
  }
  const isUpdated = changeSet.changes.some(({ type }) => type === 'updated');
  const update = setWhere(isUpdated ? { ...fields, ...books } : books, atVersion(version));
  return {
    Update: {
      TableName: tables.events,
      Key: toAttributes({ eventId }),
      ...update,
      ExpressionAttributeValues: toAttributes(update.ExpressionAttributeValues),
    },
  };
}

/**
 * Stores a used key, under the condition that it was not used before. Its row is in the registrations table,
 * where it can't collide with an id, and lacks the attributes that would bring it into an index.
 */
export function toKeyAction(tables: Store['tables'], key: KeyRecord): TransactWriteItem {
  const { id, fingerprint, expiresAt } = key;
  const outcome = toStored(key);
  const receipt = key.receipt ?? undefined;
  return {
    Put: {
      TableName: tables.registrations,
      Item: toAttributes({ registrationId: id, fingerprint, outcome, receipt, expiresAt }),
      ConditionExpression: 'attribute_not_exists(registrationId) OR expiresAt <= :now',
      ExpressionAttributeValues: toAttributes({ ':now': expiresAt - IDEMPOTENCY_TTL_SECONDS }),
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    },
  };
}

/** A batch as one transaction: the event item, the net rows, the log's entry, and the keys. */
export function toTransaction(
  tables: Store['tables'],
  version: number,
  changeSet: ChangeSet,
  token: string,
): TransactWriteItemsCommandInput {
  const actions = [toEventAction(tables, version, changeSet)];
  for (const row of changeSet.rows) actions.push(toRowAction(tables, row));
  if (changeSet.entry && changeSet.event) {
    const Item = toLogItem(changeSet.event.eventId, changeSet.entry);
    actions.push({ Put: { TableName: tables.registrations, Item } });
  }
  for (const key of changeSet.keys) actions.push(toKeyAction(tables, key));
  if (actions.length > TRANSACTION_MAX_ACTIONS) {
    throw new Error(`${actions.length} actions do not fit into one transaction`);
  }
  return { TransactItems: actions, ClientRequestToken: token };
}

/**
 * The keys that made a transaction fail because they were used before; null when there are none. A used key
 * also explains why other conditions failed: the user that the first request created exists. It does not
 * explain a lost fence.
 *
 * @param actionCount the number of actions in the transaction; the keys are the last of them
 */
export function usedKeys(
  error: ConditionFailedError,
  keys: KeyRecord[],
  actionCount: number,
): Map<string, KeyRecord> | null {
  const { CancellationReasons: reasons = [] } = error.cause as {
    CancellationReasons?: { Code?: string; Item?: Record<string, AttributeValue> }[];
  };
  const used = new Map<string, KeyRecord>();
  for (const [i, { Code, Item }] of reasons.entries()) {
    if (Code !== 'ConditionalCheckFailed') continue;
    const key = keys[i - (actionCount - keys.length)];
    if (!key || !Item) continue;
    used.set(key.id, {
      id: key.id,
      fingerprint: Item.fingerprint?.S ?? '',
      outcome: Item.outcome?.S ?? '',
      expiresAt: Number(Item.expiresAt?.N),
      receipt: Item.receipt?.S ?? null,
    });
  }
  return used.size > 0 ? used : null;
}

/** Whether the fence failed: the condition of the first action. */
function isFenced(error: ConditionFailedError): boolean {
  const { CancellationReasons } = error.cause as { CancellationReasons?: { Code?: string }[] };
  return CancellationReasons?.[0]?.Code === 'ConditionalCheckFailed';
}

/**
 * Commits a change set on top of a version. Every attempt sends the same bytes with the same token. DynamoDB
 * applies a token once, so when an answer is lost, the next attempt tells the result of both.
 */
export async function commit(
  store: Store,
  version: number,
  changeSet: ChangeSet,
  token: string,
): Promise<CommitResult & Effort> {
  const input = toTransaction(store.tables, version, changeSet, token);
  const command = new TransactWriteItemsCommand(input);
  const effort: Effort = { attempts: 0, throttles: 0 };
  try {
    await callTables(
      async (options) => {
        effort.attempts++;
        try {
          return await store.client.send(command, options);
        } catch (error) {
          if (verdictOf(error) === 'busy') effort.throttles++;
          throw error;
        }
      },
      { deadline: Date.now() + COMMIT_DEADLINE_MS, timeoutMs: ATTEMPT_TIMEOUT_MS },
    );
    return { type: 'committed', ...effort };
  } catch (error) {
    if (error instanceof ConditionFailedError) {
      const records = usedKeys(error, changeSet.keys, input.TransactItems?.length ?? 0);
      const isReplay = records !== null && !isFenced(error);
      return isReplay ? { type: 'replayed', records, ...effort } : { type: 'fenced', ...effort };
    }
    if (!(error instanceof StoreUnavailableError)) throw error;
    return { type: error.isUncertain ? 'uncertain' : 'unapplied', cause: error, ...effort };
  }
}
