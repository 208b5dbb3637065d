import { TransactWriteCommand, type TransactWriteCommandInput } from '@aws-sdk/lib-dynamodb';
import type { Draft } from '../event/draft.ts';
import type { EventState, RowChange } from '../event/state.ts';
import { ATTEMPT_TIMEOUT_MS, COMMIT_DEADLINE_MS, TRANSACTION_MAX_ACTIONS } from '../limits.ts';
import { ConditionFailedError, persist, type Store, StoreUnavailableError } from './client.ts';
import { type EventBooks, toDigest, toPlaceKey } from './tables.ts';

/**
 * What became of a commit:
 * - `committed`: it is durable;
 * - `fenced`: somebody else has written the event since; nothing was applied, and never will be;
 * - `unapplied`: DynamoDB was too busy; nothing was applied;
 * - `uncertain`: it may have been applied, or may be yet.
 */
export type CommitResult =
  | { type: 'committed'; attempts: number }
  | { type: 'fenced' }
  | { type: 'unapplied' | 'uncertain'; cause: StoreUnavailableError };

type Action = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

function toRowAction(tables: Store['tables'], { op, table, id, row }: RowChange): Action {
  const TableName = tables[table];
  return op === 'add'
    ? { Put: { TableName, Item: row } }
    : { Delete: { TableName, Key: toPlaceKey(table, id) } };
}

/**
 * The event item's part: it carries the fence, that the version is the one our memory rests on.
 * Whoever wrote in between has moved it, and this transaction can never be applied again.
 */
function toEventAction(tables: Store['tables'], base: EventState, draft: Draft): Action {
  if (!draft.event) throw new Error('an event that does not exist has nothing to commit');
  const books: EventBooks = {
    version: base.version + 1,
    registeredCount: draft.registeredCount,
    waitlistCount: draft.waitlistCount,
    lastPosition: draft.lastPosition,
    digest: toDigest(draft.digest),
  };
  if (base.version === 0) {
    return {
      Put: {
        TableName: tables.events,
        Item: { ...draft.event, ...books },
        ConditionExpression: 'attribute_not_exists(eventId)',
      },
    };
  }
  return {
    Update: {
      TableName: tables.events,
      Key: { eventId: draft.event.eventId },
      UpdateExpression:
        'SET #version = :version, registeredCount = :registered, waitlistCount = :waitlist, ' +
        'lastPosition = :position, digest = :digest',
      ConditionExpression: '#version = :base',
      ExpressionAttributeNames: { '#version': 'version' },
      ExpressionAttributeValues: {
        ':base': base.version,
        ':version': books.version,
        ':registered': books.registeredCount,
        ':waitlist': books.waitlistCount,
        ':position': books.lastPosition,
        ':digest': books.digest,
      },
    },
  };
}

/** A batch as one transaction: the event item and the net rows. */
export function toTransaction(
  tables: Store['tables'],
  base: EventState,
  draft: Draft,
  token: string,
): TransactWriteCommandInput {
  const actions = [toEventAction(tables, base, draft)];
  for (const row of draft.rows) actions.push(toRowAction(tables, row));
  if (actions.length > TRANSACTION_MAX_ACTIONS) {
    throw new Error(`a batch of ${actions.length} actions is more than a transaction takes`);
  }
  return { TransactItems: actions, ClientRequestToken: token };
}

/**
 * Commits a batch. Every attempt sends the same bytes with the same token, so that an attempt whose
 * answer was lost is settled by the next one: DynamoDB applies a token once.
 */
export async function commit(
  store: Store,
  base: EventState,
  draft: Draft,
  token: string,
): Promise<CommitResult> {
  const command = new TransactWriteCommand(toTransaction(store.tables, base, draft, token));
  let attempts = 0;
  try {
    await persist(
      (options) => {
        attempts++;
        return store.client.send(command, options);
      },
      { deadline: Date.now() + COMMIT_DEADLINE_MS, timeoutMs: ATTEMPT_TIMEOUT_MS },
    );
    return { type: 'committed', attempts };
  } catch (error) {
    if (error instanceof ConditionFailedError) return { type: 'fenced' };
    if (!(error instanceof StoreUnavailableError)) throw error;
    return { type: error.isUncertain ? 'uncertain' : 'unapplied', cause: error };
  }
}
