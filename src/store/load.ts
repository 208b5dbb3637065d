import { type AttributeValue, QueryCommand } from '@aws-sdk/client-dynamodb';
import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { EventState, type RowChange, type Seat } from '../event/state.ts';
import {
  ATTEMPT_TIMEOUT_MS,
  LOAD_DEADLINE_MS,
  PAGE_TIMEOUT_MS,
  READ_DEADLINE_MS,
} from '../limits.ts';
import type { WaitlistEntry } from '../schemas.ts';
import {
  backoffMs,
  ConditionFailedError,
  persist,
  type Store,
  StoreUnavailableError,
  sleep,
} from './client.ts';
import {
  type EventItem,
  fromAttributes,
  INDEXES,
  toAttributes,
  toDigest,
  toEventRecord,
} from './tables.ts';

/** Reads an event item, consistently. */
async function readItem(store: Store, eventId: string): Promise<EventItem | undefined> {
  const { Item } = await persist(
    (options) =>
      store.client.send(
        new GetCommand({
          TableName: store.tables.events,
          Key: { eventId },
          ConsistentRead: true,
        }),
        options,
      ),
    { deadline: Date.now() + READ_DEADLINE_MS, timeoutMs: ATTEMPT_TIMEOUT_MS },
  );
  return Item as EventItem | undefined;
}

/** Every row that an index has for an event, page by page, in the index's order. */
async function* readRows<Row>(
  store: Store,
  TableName: string,
  IndexName: string,
  eventId: string,
): AsyncGenerator<Row[]> {
  let ExclusiveStartKey: Record<string, AttributeValue> | undefined;
  do {
    const command = new QueryCommand({
      TableName,
      IndexName,
      KeyConditionExpression: 'eventId = :eventId',
      ExpressionAttributeValues: toAttributes({ ':eventId': eventId }),
      ...(ExclusiveStartKey ? { ExclusiveStartKey } : {}),
    });
    const page = await persist((options) => store.client.send(command, options), {
      deadline: Date.now() + READ_DEADLINE_MS,
      timeoutMs: PAGE_TIMEOUT_MS,
    });
    yield (page.Items ?? []).map(fromAttributes) as Row[];
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey);
}

/** The rows of both indexes, each id once (two pages may show a row twice), in their orders. */
async function readPlaces(store: Store, eventId: string): Promise<RowChange[]> {
  const { tables } = store;
  const seats = async () => {
    const byId = new Map<string, RowChange>();
    const index = INDEXES.registrationsByEvent;
    for await (const rows of readRows<Seat>(store, tables.registrations, index, eventId)) {
      for (const item of rows) {
        const { registrationId: id, userId, status, createdAt, overrideReason, seq = 0 } = item;
        const row: Seat = { registrationId: id, userId, eventId, status, createdAt, seq };
        if (overrideReason !== undefined) row.overrideReason = overrideReason;
        byId.set(id, { op: 'add', table: 'registrations', id, row });
      }
    }
    // This index has no order of its own.
    return [...byId.values()].sort((a, b) => (a.row as Seat).seq - (b.row as Seat).seq);
  };
  const entries = async () => {
    const byId = new Map<string, RowChange>();
    const index = INDEXES.waitlistByPosition;
    for await (const rows of readRows<WaitlistEntry>(store, tables.waitlist, index, eventId)) {
      for (const { entryId: id, userId, position, createdAt } of rows) {
        const row: WaitlistEntry = { entryId: id, userId, eventId, position, createdAt };
        byId.set(id, { op: 'add', table: 'waitlist', id, row });
      }
    }
    return [...byId.values()];
  };
  return (await Promise.all([seats(), entries()])).flat();
}

/**
 * Builds the state if these rows are exactly those that the item was written with. Indexes lag, and
 * counts alone prove nothing (one row missing and one stale count the same); the XOR of the ids does:
 * ids are random, so another set has the same one with a probability of 2^-122.
 */
export function prove(item: EventItem, places: Iterable<RowChange>): EventState | null {
  const state = new EventState();
  // A user with two places means that a row is stale: an event never holds both at once.
  try {
    for (const place of places) state.applyRow(place);
  } catch {
    return null;
  }
  const isWhole =
    state.registeredCount === item.registeredCount &&
    state.waitlistCount === item.waitlistCount &&
    toDigest(state.digest) === item.digest;
  if (!isWhole) return null;
  state.event = toEventRecord(item);
  state.version = item.version;
  state.revision = item.revision ?? 1;
  state.lastPosition = item.lastPosition;
  state.lastSeq = item.lastSeq ?? 0;
  return state;
}

/**
 * Moves the event's version on, so that no earlier transaction can be applied any more: whatever is
 * read afterwards stays true until we change it.
 */
async function winFence(store: Store, eventId: string, deadline: number): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const item = await readItem(store, eventId);
    // Nothing to fence: a late creation is refused by its own condition once somebody else creates.
    if (!item) return;
    const command = new UpdateCommand({
      TableName: store.tables.events,
      Key: { eventId },
      UpdateExpression: 'SET #version = :next',
      ConditionExpression: '#version = :version',
      ExpressionAttributeNames: { '#version': 'version' },
      ExpressionAttributeValues: { ':version': item.version, ':next': item.version + 1 },
    });
    try {
      await persist((options) => store.client.send(command, options), {
        deadline: Date.now() + READ_DEADLINE_MS,
        timeoutMs: ATTEMPT_TIMEOUT_MS,
      });
      return;
    } catch (error) {
      // Somebody wrote in between, perhaps an attempt of our own whose answer was lost: read again.
      if (!(error instanceof ConditionFailedError)) throw error;
      const pause = backoffMs(attempt);
      if (Date.now() + pause >= deadline) {
        throw new StoreUnavailableError('the event is written by others all the time', false);
      }
      await sleep(pause);
    }
  }
}

/**
 * Loads an event out of the tables, proven whole. An event without an item is a state with version 0.
 *
 * @param fence whether a transaction of ours may still be on its way, which must be ruled out first
 * @throws StoreUnavailableError when the tables do not answer, or the indexes lag past the deadline
 */
export async function loadEvent(
  store: Store,
  eventId: string,
  { fence }: { fence: boolean },
): Promise<EventState> {
  const deadline = Date.now() + LOAD_DEADLINE_MS;
  if (fence) await winFence(store, eventId, deadline);
  for (let attempt = 0; ; attempt++) {
    // Side by side: the proof holds whichever is read first, and a cold object answers sooner.
    const [item, places] = await Promise.all([
      readItem(store, eventId),
      readPlaces(store, eventId),
    ]);
    if (!item) return new EventState();
    const state = prove(item, places);
    if (state) return state;
    const pause = backoffMs(attempt);
    if (Date.now() + pause >= deadline) {
      throw new StoreUnavailableError('the indexes lag behind the event item', false);
    }
    await sleep(pause);
  }
}
