import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { EventRecord, Registration } from '../event/model.ts';
import {
  BATCH_GET_MAX_KEYS,
  PAGE_MAX_ROWS,
  PAGE_TIMEOUT_MS,
  USER_EVENTS_DEADLINE_MS,
  USER_EVENTS_MAX_IN_FLIGHT,
} from '../limits.ts';
import { batchGet } from './batch-get.ts';
import { callTables, type Store } from './client.ts';
import { INDEXES, toEventRecord } from './tables.ts';

/** Seats that one BatchGetItem call confirms: each takes two keys, of the registration and of its event. */
const PAIRS_PER_CALL = BATCH_GET_MAX_KEYS / 2;

/** Nominees that are kept: the longest page, and as many again in case some were given up. */
const NOMINEES_MAX = 2 * PAGE_MAX_ROWS;

/** A page of a user's events, and the order key of its last seat; null when no more follow. */
export interface UserEvents {
  events: EventRecord[];
  last: string | null;
}

/** A seat as the index shows it, to be confirmed: what confirming and sorting need. */
type Nominee = Pick<Registration, 'registrationId' | 'eventId' | 'createdAt'>;

/** A row of the registrations: an offer is none of a user's events. A row's status never changes. */
type Row = Nominee & { status: 'ACTIVE' | 'OFFERED' };

/** The text by which the seats of a user are sorted: time, then id. */
const orderKeyOf = ({ createdAt, registrationId }: Nominee) => `${createdAt}#${registrationId}`;

/** Whether a text has the form of an order key. */
export function isOrderKey(text: string): boolean {
  return /^\d{4}-\d\d-\d\d[^#]*#./.test(text);
}

/**
 * The events in which a user has a seat, oldest seat first. The index can still show seats that were given
 * up, so each one is confirmed by a consistent read. Events are read eventually consistently, at half the
 * price, so their latest changes can be missing. A new seat is missing until the index has it.
 *
 * @param after the order key of the last seat of the page before; null for the first page
 * @throws StoreUnavailableError when the tables do not answer within `USER_EVENTS_DEADLINE_MS`
 */
export async function listUserEvents(
  store: Store,
  userId: string,
  limit: number = PAGE_MAX_ROWS,
  after: string | null = null,
): Promise<UserEvents> {
  const deadline = Date.now() + USER_EVENTS_DEADLINE_MS;
  const { nominees, isCut } = await nominate(store, userId, after ?? '', deadline);
  const events: EventRecord[] = [];
  let seen = 0;
  while (seen < nominees.length && events.length < limit) {
    const waveSize = Math.min(limit - events.length, PAIRS_PER_CALL * USER_EVENTS_MAX_IN_FLIGHT);
    const wave = nominees.slice(seen, seen + waveSize);
    const parts: Nominee[][] = [];
    for (let i = 0; i < wave.length; i += PAIRS_PER_CALL) {
      parts.push(wave.slice(i, i + PAIRS_PER_CALL));
    }
    const confirmed = await Promise.all(parts.map((part) => confirm(store, part, deadline)));
    events.push(...confirmed.flat());
    seen += wave.length;
  }
  const last = nominees[seen - 1];
  const hasMore = seen < nominees.length || isCut;
  return { events, last: last && hasMore ? orderKeyOf(last) : null };
}

/** The oldest seats after an order key, as the index shows them. `isCut`: there are more. */
async function nominate(
  store: Store,
  userId: string,
  after: string,
  deadline: number,
): Promise<{ nominees: Nominee[]; isCut: boolean }> {
  let nominees: Nominee[] = [];
  let isCut = false;
  let ExclusiveStartKey: Record<string, unknown> | undefined;
  do {
    const command = new QueryCommand({
      TableName: store.tables.registrations,
      IndexName: INDEXES.registrationsByUser,
      KeyConditionExpression: 'userId = :userId',
      ExpressionAttributeValues: { ':userId': userId },
      ProjectionExpression: 'registrationId, eventId, createdAt, #status',
      ExpressionAttributeNames: { '#status': 'status' },
      ...(ExclusiveStartKey ? { ExclusiveStartKey } : {}),
    });
    const page = await callTables((options) => store.client.send(command, options), {
      deadline,
      timeoutMs: PAGE_TIMEOUT_MS,
    });
    // The index has no sort key, so all pages are read, and only the oldest seats are kept.
    const read = ((page.Items ?? []) as Row[]).filter(
      (each) => each.status !== 'OFFERED' && orderKeyOf(each) > after,
    );
    nominees = [...nominees, ...read].sort((a, b) => (orderKeyOf(a) < orderKeyOf(b) ? -1 : 1));
    isCut ||= nominees.length > NOMINEES_MAX;
    nominees.splice(NOMINEES_MAX);
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey);
  return { nominees, isCut };
}

/** The events of the nominees that are still seats, in the order of the nominees. */
async function confirm(
  store: Store,
  nominees: Nominee[],
  deadline: number,
): Promise<EventRecord[]> {
  const { registrations, events } = store.tables;
  // A stale seat and a new one can be of the same event, and DynamoDB refuses a repeated key.
  const eventIds = new Set(nominees.map(({ eventId }) => eventId));
  const keysOf = (ids: Iterable<string>) => [...ids].map((eventId) => ({ eventId }));
  const found = await batchGet(
    store,
    {
      [registrations]: nominees.map(({ registrationId }) => ({ registrationId })),
      [events]: keysOf(eventIds),
    },
    deadline,
    { eventual: [events] },
  );
  const rows = (found[registrations] ?? []) as Registration[];
  const standing = new Set(rows.map(({ registrationId }) => registrationId));
  const seats = nominees.filter(({ registrationId }) => standing.has(registrationId));
  const eventById = new Map<string, EventRecord>();
  const keep = (items: object[] = []) => {
    for (const item of items as EventRecord[]) eventById.set(item.eventId, toEventRecord(item));
  };
  keep(found[events]);
  // A seat has an event. If the event is missing, it was created a moment ago: read it consistently.
  const missing = new Set(
    seats.map(({ eventId }) => eventId).filter((eventId) => !eventById.has(eventId)),
  );
  if (missing.size > 0) {
    keep((await batchGet(store, { [events]: keysOf(missing) }, deadline))[events]);
  }
  return seats.flatMap(({ eventId }) => eventById.get(eventId) ?? []);
}
