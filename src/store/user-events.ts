import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import {
  BATCH_GET_MAX_KEYS,
  PAGE_MAX_ROWS,
  PAGE_TIMEOUT_MS,
  USER_EVENTS_DEADLINE_MS,
  USER_EVENTS_MAX_IN_FLIGHT,
} from '../limits.ts';
import type { EventRecord, Registration } from '../schemas.ts';
import { batchGet } from './batch-get.ts';
import { persist, type Store } from './client.ts';
import { INDEXES, toEventRecord } from './tables.ts';

/** Registrations and their events, two keys each, that one BatchGetItem call reads. */
const PAIRS_PER_CALL = BATCH_GET_MAX_KEYS / 2;

/** Nominees that are kept: those of the longest page, and as many that may turn out to be given up. */
const NOMINEES_MAX = 2 * PAGE_MAX_ROWS;

/** A page of a user's events, and the place of its last seat; null when no more follow. */
export interface UserEvents {
  events: EventRecord[];
  last: string | null;
}

/** A seat as the index has it: all that is needed to confirm it and to put it in order. */
type Nominee = Pick<Registration, 'registrationId' | 'eventId' | 'createdAt'>;

/** Where a seat comes among those of its user: by time, then by id. Places compare as text. */
const placeOf = ({ createdAt, registrationId }: Nominee) => `${createdAt}#${registrationId}`;

/** Whether it is the place of a seat, as far as that can be told without looking. */
export function isSeatPlace(text: string): boolean {
  return /^\d{4}-\d\d-\d\d[^#]*#./.test(text);
}

/**
 * The events in which a user has a seat, oldest registration first. The index only nominates: each
 * registration is confirmed by a consistent read, since an older copy of the table can still have one that was
 * given up. Events are read at half the price: what of them was changed within the last moments can be as it
 * was. A seat that was taken within the last moments can be missing until the index has it.
 *
 * @param after the place of the last seat of the page before
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
    const most = Math.min(limit - events.length, PAIRS_PER_CALL * USER_EVENTS_MAX_IN_FLIGHT);
    const wave = nominees.slice(seen, seen + most);
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
  return { events, last: last && hasMore ? placeOf(last) : null };
}

/** The oldest seats after a place, as the index has them; `isCut` when there are more. */
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
      ProjectionExpression: 'registrationId, eventId, createdAt',
      ...(ExclusiveStartKey ? { ExclusiveStartKey } : {}),
    });
    const page = await persist((options) => store.client.send(command, options), {
      deadline,
      timeoutMs: PAGE_TIMEOUT_MS,
    });
    // In no order: the index has no key to sort by, so each page is read and only the oldest are kept.
    const read = ((page.Items ?? []) as Nominee[]).filter((each) => placeOf(each) > after);
    nominees = [...nominees, ...read].sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1));
    isCut ||= nominees.length > NOMINEES_MAX;
    nominees.splice(NOMINEES_MAX);
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey);
  return { nominees, isCut };
}

/** The events of those nominees who still have their seat, in their order. */
async function confirm(
  store: Store,
  nominees: Nominee[],
  deadline: number,
): Promise<EventRecord[]> {
  const { registrations, events } = store.tables;
  // A stale row and its successor name the same event, and a key must not be asked for twice.
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
  const keep = (items: Record<string, unknown>[] = []) => {
    for (const item of items as EventRecord[]) eventById.set(item.eventId, toEventRecord(item));
  };
  keep(found[events]);
  // Who has a seat has an event: one created within the last moments has to be asked for in earnest.
  const missing = new Set(
    seats.map(({ eventId }) => eventId).filter((eventId) => !eventById.has(eventId)),
  );
  if (missing.size > 0) {
    keep((await batchGet(store, { [events]: keysOf(missing) }, deadline))[events]);
  }
  return seats.flatMap(({ eventId }) => eventById.get(eventId) ?? []);
}
