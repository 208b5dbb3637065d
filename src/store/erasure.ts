import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import type { User } from '../event/model.ts';
import {
  ATTEMPT_TIMEOUT_MS,
  ERASURE_MAX_EVENTS,
  ERASURE_WAIT_MS,
  READ_DEADLINE_MS,
  USER_EVENTS_DEADLINE_MS,
} from '../limits.ts';
import { sleep } from '../sleep.ts';
import { callTables, type Store } from './client.ts';
import type { RowTable } from './rows.ts';
import { fromAttributes, toAttributes, toRowKey } from './tables.ts';
import { type Nominee, type PlaceStatus, shownPlaces } from './user-places.ts';
import { isStill } from './users.ts';
import { writeOne } from './write-one.ts';

/** A place that was given up by an erasure. */
export interface LeftPlace {
  eventId: string;
  status: PlaceStatus;
}

/** What stands in the place of a user who is being erased. */
export interface Erasure {
  userId: string;
  /** When it began (ISO 8601), and what tells it from another erasure of the same id. */
  erasedAt: string;
  /** The places that were given up, or are about to be. */
  left: LeftPlace[];
}

/** The row as it is stored. */
interface ErasureItem {
  userId: string;
  erasedAt: string;
  /** JSON of the places. */
  left: string;
}

/** Who has an id: a user, somebody who is being erased, or nobody. */
export type Holder =
  | { type: 'user'; user: User }
  | { type: 'erasing'; erasure: Erasure }
  | { type: 'nobody' };

/** From when on an erasure can be finished, in epoch milliseconds. */
export const finishAfter = ({ erasedAt }: Erasure): number =>
  Date.parse(erasedAt) + ERASURE_WAIT_MS;

/** Reads who has an id, consistently. */
export async function readHolder(store: Store, userId: string): Promise<Holder> {
  const item = await readItem(store, store.tables.users, { userId });
  if (!item) return { type: 'nobody' };
  if ('erasedAt' in item) {
    const { erasedAt, left } = item as ErasureItem;
    return { type: 'erasing', erasure: { userId, erasedAt, left: JSON.parse(left) } };
  }
  const { name, createdAt } = item as User;
  return { type: 'user', user: { userId, name, createdAt } };
}

/** Whether there is an event, read consistently, past its object. */
export async function isEvent(store: Store, eventId: string): Promise<boolean> {
  return (await readItem(store, store.tables.events, { eventId })) !== null;
}

async function readItem(
  store: Store,
  TableName: string,
  key: Record<string, string>,
): Promise<object | null> {
  const command = new GetItemCommand({
    TableName,
    Key: toAttributes(key),
    ConsistentRead: true,
  });
  const { Item } = await callTables((options) => store.client.send(command, options), {
    deadline: Date.now() + READ_DEADLINE_MS,
    timeoutMs: ATTEMPT_TIMEOUT_MS,
  });
  return Item ? fromAttributes(Item) : null;
}

const toItem = ({ userId, erasedAt, left }: Erasure) =>
  toAttributes({ userId, erasedAt, left: JSON.stringify(left) } satisfies ErasureItem);

/** The condition that an erasure is still under way. */
const isUnderWay = ({ erasedAt }: Erasure) => ({
  ConditionExpression: 'erasedAt = :erasedAt',
  ExpressionAttributeValues: toAttributes({ ':erasedAt': erasedAt }),
});

/**
 * Marks a user as being erased: from then on no look-up finds them. Nothing of the row stays but the id.
 *
 * @returns null when the user is not as they were read any more
 */
export async function beginErasure(
  store: Store,
  user: User,
  left: LeftPlace[],
): Promise<Erasure | null> {
  const erasure = { userId: user.userId, erasedAt: new Date().toISOString(), left };
  const TableName = store.tables.users;
  const put = { TableName, Item: toItem(erasure), ...isStill(user) };
  return (await writeOne(store, { Put: put })) ? erasure : null;
}

/** Writes down what is given up; false when the erasure is over already. */
export function recordLeft(store: Store, erasure: Erasure): Promise<boolean> {
  const TableName = store.tables.users;
  return writeOne(store, { Put: { TableName, Item: toItem(erasure), ...isUnderWay(erasure) } });
}

/** Deletes what stood in the place of the user; the id is free then. It may have been done already. */
export async function endErasure(store: Store, erasure: Erasure): Promise<void> {
  const Key = toAttributes({ userId: erasure.userId });
  const TableName = store.tables.users;
  await writeOne(store, { Delete: { TableName, Key, ...isUnderWay(erasure) } });
}

/**
 * The places that the indexes show of a user, one for each event and at most `ERASURE_MAX_EVENTS`. None of them
 * is confirmed: their events know better.
 *
 * @param pauseMs between reading the line and the registrations. A place that moves from the one to the
 *   other meanwhile is seen in one of them, if the index is behind by less.
 * @returns `isCut`: there may be more
 * @throws MissingIndexError when a table has no index by user
 */
export async function lookForPlaces(
  store: Store,
  userId: string,
  pauseMs = 0,
): Promise<{ places: Nominee[]; isCut: boolean }> {
  const found = new Map<string, Nominee>();
  for (const table of ['waitlist', 'registrations'] as const) {
    if (table === 'registrations' && pauseMs > 0) await sleep(pauseMs);
    const deadline = Date.now() + USER_EVENTS_DEADLINE_MS;
    for await (const page of shownPlaces(store, userId, table, deadline)) {
      for (const place of page) found.set(place.eventId, place);
      if (found.size >= ERASURE_MAX_EVENTS) return { places: [...found.values()], isCut: true };
    }
  }
  return { places: [...found.values()], isCut: false };
}

/**
 * Deletes a row whose event does not exist. An event is never deleted, and its rows are written after it: such
 * a row is in no event's books.
 */
export async function deleteOrphan(store: Store, { status, id }: Nominee): Promise<void> {
  const table: RowTable = status === 'WAITLISTED' ? 'waitlist' : 'registrations';
  const Key = toAttributes(toRowKey(table, id));
  await writeOne(store, { Delete: { TableName: store.tables[table], Key } });
}
