import { type AttributeValue, QueryCommand } from '@aws-sdk/client-dynamodb';
import type { LogHead } from '../event/log.ts';
import {
  type EventRecord,
  type Offer,
  type Registration,
  shownOffer,
  type WaitlistEntry,
} from '../event/model.ts';
import {
  BATCH_GET_MAX_KEYS,
  PAGE_MAX_ROWS,
  PAGE_TIMEOUT_MS,
  USER_EVENTS_DEADLINE_MS,
  USER_EVENTS_MAX_IN_FLIGHT,
} from '../limits.ts';
import { batchGet } from './batch-get.ts';
import { callTables, MissingIndexError, type Store } from './client.ts';
import { ROW_ATTRIBUTES, ROW_TABLES, type RowTable } from './rows.ts';
import {
  type EventItem,
  fromAttributes,
  INDEXES,
  type OfferRow,
  toBooks,
  toEventRecord,
  toOffer,
  toRowKey,
} from './tables.ts';

/** Places that one BatchGetItem call confirms: each takes two keys, of the row and of its event. */
const PAIRS_PER_CALL = BATCH_GET_MAX_KEYS / 2;

/** Nominees that are kept: the longest page, and as many again in case some were given up. */
const NOMINEES_MAX = 2 * PAGE_MAX_ROWS;

/** What a place in an event can be. */
export type PlaceStatus = 'ACTIVE' | 'OFFERED' | 'WAITLISTED';

/** Where the rows of each are. The line comes first: a place moves from it to the registrations, never back. */
const TABLE_OF: Record<PlaceStatus, RowTable> = {
  WAITLISTED: 'waitlist',
  OFFERED: 'registrations',
  ACTIVE: 'registrations',
};

/** The table that has the row of such a place. A status that is not ours is a seed system's registration. */
export const tableOf = (status: PlaceStatus): RowTable => TABLE_OF[status] ?? 'registrations';

const INDEX_OF: Record<RowTable, string> = {
  waitlist: INDEXES.waitlistByUser,
  registrations: INDEXES.registrationsByUser,
};

/** A place as an index shows it: it may have been given up, or have become another. */
export interface Nominee {
  status: PlaceStatus;
  /** Of the row. */
  id: string;
  eventId: string;
  createdAt: string;
}

/** A place of a user that was confirmed: its row, its event, and the end of the event's log. */
export type UserPlace = { event: EventRecord; log: LogHead | null } & (
  | { status: 'ACTIVE'; row: Registration }
  | { status: 'OFFERED'; row: Offer }
  | { status: 'WAITLISTED'; row: WaitlistEntry }
);

/** A page of a user's places, and the order key of its last; null when no more follow. */
export interface UserPlaces {
  places: UserPlace[];
  last: string | null;
}

/** The text by which the places of a user are sorted: time, then id. */
const orderKeyOf = ({ createdAt, id }: Nominee) => `${createdAt}#${id}`;

/** Whether a text has the form of an order key. */
export function isOrderKey(text: string): boolean {
  return /^\d{4}-\d\d-\d\d[^#]*#./.test(text);
}

/**
 * The places of a user, oldest first. An index can still show places that were given up, so each one is
 * confirmed by a consistent read. Events are read eventually consistently, at half the price, so their
 * latest changes can be missing. A new place is missing until the index has it.
 *
 * @param statuses which places
 * @param after the order key of the last place of the page before; null for the first page
 * @throws StoreUnavailableError when the tables do not answer within `USER_EVENTS_DEADLINE_MS`
 * @throws MissingIndexError when the table has no index by user
 */
export async function listUserPlaces(
  store: Store,
  userId: string,
  statuses: readonly PlaceStatus[],
  limit: number,
  after: string | null,
): Promise<UserPlaces> {
  const deadline = Date.now() + USER_EVENTS_DEADLINE_MS;
  const { nominees, isCut } = await nominate(store, userId, statuses, after ?? '', deadline);
  const places: UserPlace[] = [];
  let seen = 0;
  while (seen < nominees.length && places.length < limit) {
    const waveSize = Math.min(limit - places.length, PAIRS_PER_CALL * USER_EVENTS_MAX_IN_FLIGHT);
    const wave = nominees.slice(seen, seen + waveSize);
    const parts: Nominee[][] = [];
    for (let i = 0; i < wave.length; i += PAIRS_PER_CALL) {
      parts.push(wave.slice(i, i + PAIRS_PER_CALL));
    }
    const confirmed = await Promise.all(parts.map((part) => confirm(store, part, deadline)));
    places.push(...confirmed.flat());
    seen += wave.length;
  }
  const last = nominees[seen - 1];
  const hasMore = seen < nominees.length || isCut;
  return { places, last: last && hasMore ? orderKeyOf(last) : null };
}

/** The oldest places after an order key, as the indexes show them. `isCut`: there are more. */
async function nominate(
  store: Store,
  userId: string,
  statuses: readonly PlaceStatus[],
  after: string,
  deadline: number,
): Promise<{ nominees: Nominee[]; isCut: boolean }> {
  let nominees: Nominee[] = [];
  let isCut = false;
  for (const table of tablesOf(statuses)) {
    // The index has no sort key, so all pages are read, and only the oldest places are kept.
    for await (const page of shownPlaces(store, userId, table, deadline)) {
      const read = page.filter(
        (each) => statuses.includes(each.status) && orderKeyOf(each) > after,
      );
      nominees = [...nominees, ...read].sort((a, b) => (orderKeyOf(a) < orderKeyOf(b) ? -1 : 1));
      isCut ||= nominees.length > NOMINEES_MAX;
      nominees.splice(NOMINEES_MAX);
    }
  }
  return { nominees, isCut };
}

/** The tables that have such places, in the order in which a place can move. */
function tablesOf(statuses: readonly PlaceStatus[]): RowTable[] {
  const wanted = (Object.keys(TABLE_OF) as PlaceStatus[]).filter((one) => statuses.includes(one));
  return [...new Set(wanted.map((status) => TABLE_OF[status]))];
}

/**
 * The places of a user that one index shows, page by page.
 *
 * @param deadline epoch milliseconds
 * @throws MissingIndexError when the table has no index by user
 */
export async function* shownPlaces(
  store: Store,
  userId: string,
  table: RowTable,
  deadline: number,
): AsyncGenerator<Nominee[]> {
  const { id } = ROW_ATTRIBUTES[table];
  let ExclusiveStartKey: Record<string, AttributeValue> | undefined;
  do {
    const command = new QueryCommand({
      TableName: store.tables[table],
      IndexName: INDEX_OF[table],
      KeyConditionExpression: 'userId = :userId',
      ExpressionAttributeNames: { '#status': 'status' },
      ExpressionAttributeValues: { ':userId': { S: userId } },
      ProjectionExpression: `${id}, eventId, createdAt, #status`,
      ...(ExclusiveStartKey ? { ExclusiveStartKey } : {}),
    });
    const page = await callTables((options) => store.client.send(command, options), {
      deadline,
      timeoutMs: PAGE_TIMEOUT_MS,
    }).catch((error: unknown) => {
      throw isWithoutIndex(error) ? new MissingIndexError(table, INDEX_OF[table]) : error;
    });
    const rows = (page.Items ?? []).map(fromAttributes) as Record<string, string>[];
    yield rows.map((row) => ({
      status: table === 'waitlist' ? 'WAITLISTED' : (row.status as PlaceStatus),
      id: row[id] ?? '',
      eventId: row.eventId ?? '',
      createdAt: row.createdAt ?? '',
    }));
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey);
}

/** Whether DynamoDB says that there is no such index, or that it is still being filled. */
function isWithoutIndex(error: unknown): boolean {
  const { name, message } = error as Error;
  return name === 'ValidationException' && /specified index|backfilling/i.test(message);
}

/** A row of a place, as its table has it. */
type Row = Registration | OfferRow | WaitlistEntry;

/** The nominees that are still places, in their order. */
async function confirm(store: Store, nominees: Nominee[], deadline: number): Promise<UserPlace[]> {
  const { events } = store.tables;
  // A stale place and a new one can be of the same event, and DynamoDB refuses a repeated key.
  const eventIds = new Set(nominees.map(({ eventId }) => eventId));
  const keysOf = (ids: Iterable<string>) => [...ids].map((eventId) => ({ eventId }));
  const keys: Record<string, Record<string, string>[]> = { [events]: keysOf(eventIds) };
  for (const table of ROW_TABLES) {
    const ours = nominees.filter(({ status }) => tableOf(status) === table);
    if (ours.length > 0) keys[store.tables[table]] = ours.map(({ id }) => toRowKey(table, id));
  }
  const found = await batchGet(store, keys, deadline, { eventual: [events] });
  const rows = new Map<string, Row>();
  for (const table of ROW_TABLES) {
    for (const row of (found[store.tables[table]] ?? []) as Row[]) rows.set(idOf(row), row);
  }
  const items = new Map<string, EventItem>();
  const keep = (more: object[] = []) => {
    for (const item of more as EventItem[]) items.set(item.eventId, item);
  };
  keep(found[events]);
  // A place has an event. If the event is missing, it was created a moment ago: read it consistently.
  const missing = new Set(
    [...rows.values()].map(({ eventId }) => eventId).filter((eventId) => !items.has(eventId)),
  );
  if (missing.size > 0) {
    keep((await batchGet(store, { [events]: keysOf(missing) }, deadline))[events]);
  }
  const now = Date.now();
  return nominees.flatMap(({ id, eventId }) => {
    const [item, row] = [items.get(eventId), rows.get(id)];
    return item && row ? (toPlace(item, row, now) ?? []) : [];
  });
}

const idOf = (row: Row) => ('entryId' in row ? row.entryId : row.registrationId);

/** A row as a place; null for an offer that is over, though its event has not ended it yet. */
function toPlace(item: EventItem, row: Row, now: number): UserPlace | null {
  const event = toEventRecord(item);
  const place = { event, log: toBooks(item).log };
  const { userId, eventId, createdAt } = row;
  const shared = { userId, eventId, createdAt };
  if ('entryId' in row) {
    const { entryId, position } = row;
    return { ...place, status: 'WAITLISTED', row: { entryId, ...shared, position } };
  }
  const { registrationId, status } = row;
  if (status === 'OFFERED') {
    const offer = shownOffer(event, toOffer(row));
    return Date.parse(offer.expiresAt) > now ? { ...place, status, row: offer } : null;
  }
  const { overrideReason } = row;
  const reason = overrideReason === undefined ? {} : { overrideReason };
  return { ...place, status, row: { registrationId, ...shared, status, ...reason } };
}
