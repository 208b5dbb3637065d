import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import type { EventRecord } from '../event/model.ts';
import { PAGE_TIMEOUT_MS, READ_DEADLINE_MS } from '../limits.ts';
import { callTables, type Store } from './client.ts';
import { toEventRecord } from './tables.ts';

/**
 * A page of all events, in the order of the table: it is arbitrary, but always the same. The read is eventually
 * consistent, at half the price: changes of the last moments can be missing.
 *
 * @param after the id of the last event of the page before; null for the first page
 * @returns `last`: the id of the last event of this page; null on the last page
 */
export async function listEvents(
  store: Store,
  limit: number,
  after: string | number | null,
): Promise<{ events: EventRecord[]; last: string | null }> {
  const command = new ScanCommand({
    TableName: store.tables.events,
    Limit: limit,
    ...(after === null ? {} : { ExclusiveStartKey: { eventId: after } }),
  });
  const page = await callTables((options) => store.client.send(command, options), {
    deadline: Date.now() + READ_DEADLINE_MS,
    timeoutMs: PAGE_TIMEOUT_MS,
  });
  const events = ((page.Items ?? []) as EventRecord[]).map(toEventRecord);
  const last = (page.LastEvaluatedKey?.eventId as string | undefined) ?? null;
  return { events, last };
}

/**
 * A page of the events that have had something to do by themselves since before a time. Eventually consistent.
 *
 * @param before epoch milliseconds
 * @param after the event after which the page begins; null for the first page
 * @returns `last`: where the next page begins; null on the last page
 */
export async function overdueEvents(
  store: Store,
  before: number,
  after: string | null,
): Promise<{ eventIds: string[]; last: string | null }> {
  const command = new ScanCommand({
    TableName: store.tables.events,
    FilterExpression: 'dueAt < :before',
    ProjectionExpression: 'eventId',
    ExpressionAttributeValues: { ':before': before },
    ...(after === null ? {} : { ExclusiveStartKey: { eventId: after } }),
  });
  const page = await callTables((options) => store.client.send(command, options), {
    deadline: Date.now() + READ_DEADLINE_MS,
    timeoutMs: PAGE_TIMEOUT_MS,
  });
  const eventIds = ((page.Items ?? []) as { eventId: string }[]).map(({ eventId }) => eventId);
  return { eventIds, last: (page.LastEvaluatedKey?.eventId as string | undefined) ?? null };
}
