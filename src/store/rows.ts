import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { Place } from '../event/places.ts';
import { LINE_RANGES_MIN_ENTRIES, READ_DEADLINE_MS } from '../limits.ts';
import type { Store } from './client.ts';
import { INDEXES, toAttributes } from './tables.ts';

export type Attributes = Record<string, AttributeValue>;

/** A table with rows of an event. */
export type RowTable = 'registrations' | 'waitlist';
export const ROW_TABLES: RowTable[] = ['registrations', 'waitlist'];

/** The deadline of a read that starts now, and the timeout of each attempt. */
export const readTimes = (timeoutMs: number) => ({
  deadline: Date.now() + READ_DEADLINE_MS,
  timeoutMs,
});

/** Names of the attributes that hold a row's id and its order number. */
export const ROW_ATTRIBUTES = {
  registrations: { id: 'registrationId', order: 'seq' },
  waitlist: { id: 'entryId', order: 'position' },
} as const;

/**
 * A row as memory holds it. A seat without `seq`, from an old release, has order number 0. A row of the
 * registrations that ends is an offer, and is ordered by its position.
 */
export function placeOfRow(table: RowTable, row: Attributes): Place {
  const { id, order } = ROW_ATTRIBUTES[table];
  const text = (name: string) => row[name]?.S ?? '';
  const place: Place = {
    id: text(id),
    userId: text('userId'),
    order: Number(row[order]?.N ?? 0),
    createdAt: text('createdAt'),
  };
  const endsAt = row.offerEndsAt?.S;
  if (endsAt !== undefined) {
    return { ...place, order: Number(row.position?.N), endsAt: Date.parse(endsAt) };
  }
  const overrideReason = row.overrideReason?.S;
  if (overrideReason !== undefined) place.overrideReason = overrideReason;
  return place;
}

/** A range of positions: greater than `after`, at most `upTo`; null for no bound. */
export type Range = [after: number | null, upTo: number | null];

/** The query for an event's rows in an index. It projects only what memory holds of a row. */
export function toQuery(store: Store, eventId: string, table: RowTable, [after, upTo]: Range) {
  const { id, order } = ROW_ATTRIBUTES[table];
  const conditions = ['eventId = :eventId'];
  const values: Record<string, string | number> = { ':eventId': eventId };
  // A key condition allows one comparison of the sort key. BETWEEN includes its first value, hence `after + 1`.
  if (after !== null && upTo !== null) {
    conditions.push('#order BETWEEN :first AND :last');
    Object.assign(values, { ':first': after + 1, ':last': upTo });
  } else if (after !== null) {
    conditions.push('#order > :after');
    values[':after'] = after;
  } else if (upTo !== null) {
    conditions.push('#order <= :last');
    values[':last'] = upTo;
  }
  const isSeats = table === 'registrations';
  return {
    TableName: store.tables[table],
    IndexName: isSeats ? INDEXES.registrationsByEvent : INDEXES.waitlistByPosition,
    KeyConditionExpression: conditions.join(' AND '),
    ExpressionAttributeNames: { '#order': order, ...(isSeats ? { '#position': 'position' } : {}) },
    ExpressionAttributeValues: toAttributes(values),
    ProjectionExpression: `${id}, userId, #order, createdAt${isSeats ? ', overrideReason, #position, offerEndsAt' : ''}`,
  };
}

/**
 * Cuts the positions after one into ranges that are read in parallel. Most entries have recent positions, so the
 * last `count` positions are cut evenly; the first range also covers all older ones.
 *
 * @param after the position that was read last; null where none was read
 * @param count how many entries are expected after it
 * @param lastPosition the position given last
 * @param most how many ranges there may be
 */
export function toRanges({
  after,
  count,
  lastPosition,
  most,
}: {
  after: number | null;
  count: number;
  lastPosition: number;
  most: number;
}): Range[] {
  // A lagging index can have shown too few rows: there are never more entries than positions.
  const left = Math.min(count, lastPosition - (after ?? 0));
  if (left < LINE_RANGES_MIN_ENTRIES) return [[after, null]];
  const share = Math.ceil(left / most);
  const cuts = Array.from({ length: most - 1 }, (_, i) => {
    return lastPosition - share * (most - 1 - i);
  });
  return [...cuts, null].map((upTo, i) => [cuts[i - 1] ?? after, upTo]);
}
