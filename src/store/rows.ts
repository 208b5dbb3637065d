import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { Place } from '../event/places.ts';
import { LINE_RANGES, LINE_RANGES_MIN_ENTRIES, READ_DEADLINE_MS } from '../limits.ts';
import type { Store } from './client.ts';
import { type EventItem, INDEXES, toAttributes } from './tables.ts';

export type Attributes = Record<string, AttributeValue>;

/** A table with rows of an event. */
export type RowTable = 'registrations' | 'waitlist';
export const ROW_TABLES: RowTable[] = ['registrations', 'waitlist'];

/** How one read is tried. */
export const read = (timeoutMs: number) => ({ deadline: Date.now() + READ_DEADLINE_MS, timeoutMs });

/** The id and the order number of a row, by the attributes' names in its table. */
export const NAMES = {
  registrations: { id: 'registrationId', order: 'seq' },
  waitlist: { id: 'entryId', order: 'position' },
} as const;

/** A row as memory holds it. Seats of the first releases have no `seq`: they come first. */
export function toPlace(table: RowTable, row: Attributes): Place {
  const { id, order } = NAMES[table];
  const text = (name: string) => row[name]?.S ?? '';
  const place: Place = {
    id: text(id),
    userId: text('userId'),
    order: Number(row[order]?.N ?? 0),
    createdAt: text('createdAt'),
  };
  const overrideReason = row.overrideReason?.S;
  if (overrideReason !== undefined) place.overrideReason = overrideReason;
  return place;
}

/** Positions after one and up to another; null where there is no bound. */
export type Range = [after: number | null, upTo: number | null];

/** What a query of an index asks for: what memory holds of the rows, and of those no more than that. */
export function toQuery(store: Store, eventId: string, table: RowTable, [after, upTo]: Range) {
  const { id, order } = NAMES[table];
  const conditions = ['eventId = :eventId'];
  const values: Record<string, string | number> = { ':eventId': eventId };
  // A key condition takes one comparison of the position; positions are whole numbers.
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
    ExpressionAttributeNames: { '#order': order },
    ExpressionAttributeValues: toAttributes(values),
    ProjectionExpression: `${id}, userId, #order, createdAt${isSeats ? ', overrideReason' : ''}`,
  };
}

/**
 * Positions in ranges that can be read side by side. Those who wait came last, so the latest positions are
 * cut evenly; the first range also has whoever waits since long before.
 */
export function toRanges({
  waitlistCount,
  lastPosition,
}: Pick<EventItem, 'waitlistCount' | 'lastPosition'>): Range[] {
  if (waitlistCount < LINE_RANGES_MIN_ENTRIES) return [[null, null]];
  const share = Math.ceil(waitlistCount / LINE_RANGES);
  const cuts = Array.from({ length: LINE_RANGES - 1 }, (_, i) => {
    return lastPosition - share * (LINE_RANGES - 1 - i);
  });
  return [...cuts, null].map((upTo, i) => [cuts[i - 1] ?? null, upTo]);
}
