import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { PAGE_TIMEOUT_MS, READ_DEADLINE_MS } from '../limits.ts';
import type { EventRecord } from '../schemas.ts';
import { persist, type Store } from './client.ts';
import { toEventRecord } from './tables.ts';

/**
 * A page of all events, in the table's own order, which is arbitrary and lasting. Eventually consistent, at
 * half the price: what was created or changed within the last moments can be missing or as it was.
 *
 * @param after the id of the last event of the page before
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
  const page = await persist((options) => store.client.send(command, options), {
    deadline: Date.now() + READ_DEADLINE_MS,
    timeoutMs: PAGE_TIMEOUT_MS,
  });
  const events = ((page.Items ?? []) as EventRecord[]).map(toEventRecord);
  const last = (page.LastEvaluatedKey?.eventId as string | undefined) ?? null;
  return { events, last };
}
