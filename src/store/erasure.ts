import type { User } from '../event/model.ts';
import {
  BATCH_GET_MAX_KEYS,
  ERASURE_MAX_EVENTS,
  ERASURE_MAX_LISTED,
  ERASURE_WAIT_MS,
  READ_DEADLINE_MS,
  USER_EVENTS_DEADLINE_MS,
} from '../limits.ts';
import { sleep } from '../sleep.ts';
import { batchGet } from './batch-get.ts';
import type { Store } from './client.ts';
import { readOne, writeOne } from './one-call.ts';
import { ROW_ATTRIBUTES, ROW_TABLES } from './rows.ts';
import { fromAttributes, toAttributes, toRowKey } from './tables.ts';
import { type Nominee, type PlaceStatus, shownPlaces, tableOf } from './user-places.ts';
import { isStill } from './users.ts';

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
  const item = await readOne(store, store.tables.users, { userId });
  if (!item) return { type: 'nobody' };
  const { erasedAt, left } = item;
  if (erasedAt?.S !== undefined) {
    const texts = left?.SS ?? [];
    return {
      type: 'erasing',
      erasure: { userId, erasedAt: erasedAt.S, left: mergePlaces(texts.map(fromText)) },
    };
  }
  const { name, createdAt } = fromAttributes(item) as User;
  return { type: 'user', user: { userId, name, createdAt } };
}

/** A place as one text of a set, to which DynamoDB can add without reading it. */
const toText = ({ eventId, status }: LeftPlace) => JSON.stringify([eventId, status]);

function fromText(text: string): LeftPlace {
  const [eventId, status] = JSON.parse(text) as [string, PlaceStatus];
  return { eventId, status };
}

/** The way of a place: an entry can become an offer or a seat, and an offer a seat. */
const STAGE_OF: Record<PlaceStatus, number> = { WAITLISTED: 0, OFFERED: 1, ACTIVE: 2 };
/** A status that is not ours is a seed system's registration. */
const stageOf = ({ status }: LeftPlace) => STAGE_OF[status] ?? STAGE_OF.ACTIVE;

/** Places, each event once: of one who waited and then had a seat, the seat. */
export function mergePlaces(...lists: LeftPlace[][]): LeftPlace[] {
  const byEvent = new Map<string, LeftPlace>();
  for (const { eventId, status } of lists.flat()) {
    const place = { eventId, status };
    const before = byEvent.get(eventId);
    if (!before || stageOf(before) <= stageOf(place)) byEvent.set(eventId, place);
  }
  return [...byEvent.values()].slice(0, ERASURE_MAX_LISTED);
}

/** Whether there is an event, read consistently, past its object. */
export async function isEvent(store: Store, eventId: string): Promise<boolean> {
  return (await readOne(store, store.tables.events, { eventId })) !== null;
}

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
export async function beginErasure(store: Store, user: User): Promise<Erasure | null> {
  const { userId } = user;
  const erasedAt = new Date().toISOString();
  const Item = toAttributes({ userId, erasedAt });
  const put = { TableName: store.tables.users, Item, ...isStill(user) };
  return (await writeOne(store, { Put: put })) ? { userId, erasedAt, left: [] } : null;
}

/**
 * Adds to what is written down of an erasure, as far as there is room.
 *
 * @returns false when the erasure is over already
 */
export async function recordLeft(
  store: Store,
  erasure: Erasure,
  places: LeftPlace[],
): Promise<boolean> {
  const known = new Set(erasure.left.map(toText));
  const more = places.map(toText).filter((text) => !known.has(text));
  const texts = [...new Set(more)].slice(0, Math.max(0, ERASURE_MAX_LISTED - known.size));
  if (texts.length === 0) return true;
  const { ConditionExpression, ExpressionAttributeValues } = isUnderWay(erasure);
  return writeOne(store, {
    Update: {
      TableName: store.tables.users,
      Key: toAttributes({ userId: erasure.userId }),
      UpdateExpression: 'ADD #left :texts',
      ConditionExpression,
      ExpressionAttributeNames: { '#left': 'left' },
      ExpressionAttributeValues: { ...ExpressionAttributeValues, ':texts': { SS: texts } },
    },
  });
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

/** Those of the places whose rows are there, read consistently. */
export async function confirmPlaces(store: Store, places: Nominee[]): Promise<Nominee[]> {
  const there = new Set<string>();
  for (let i = 0; i < places.length; i += BATCH_GET_MAX_KEYS) {
    const part = places.slice(i, i + BATCH_GET_MAX_KEYS);
    const keys: Record<string, Record<string, string>[]> = {};
    for (const table of ROW_TABLES) {
      const rows = part.filter(({ status }) => tableOf(status) === table);
      if (rows.length > 0) keys[store.tables[table]] = rows.map(({ id }) => toRowKey(table, id));
    }
    const found = await batchGet(store, keys, Date.now() + READ_DEADLINE_MS, {
      attributes: ROW_TABLES.map((table) => ROW_ATTRIBUTES[table].id).join(', '),
    });
    for (const row of Object.values(found).flat()) {
      for (const id of Object.values(row)) there.add(String(id));
    }
  }
  return places.filter(({ id }) => there.has(id));
}

/**
 * Deletes a row whose event does not exist. An event is never deleted, and its rows are written after it: such
 * a row is in no event's books.
 */
export async function deleteOrphan(store: Store, { status, id }: Nominee): Promise<void> {
  const table = tableOf(status);
  const Key = toAttributes(toRowKey(table, id));
  await writeOne(store, { Delete: { TableName: store.tables[table], Key } });
}
