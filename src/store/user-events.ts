import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import { BATCH_GET_MAX_KEYS, PAGE_TIMEOUT_MS, USER_EVENTS_DEADLINE_MS } from '../limits.ts';
import type { EventRecord, Registration } from '../schemas.ts';
import { batchGet } from './batch-get.ts';
import { persist, type Store } from './client.ts';
import { INDEXES, toEventRecord } from './tables.ts';

/** Registrations and their events, two keys each, that one BatchGetItem call confirms. */
const PAIRS_PER_CALL = BATCH_GET_MAX_KEYS / 2;

/**
 * The events in which a user has a seat, oldest registration first. The index only nominates: each
 * registration is confirmed by a consistent read, so that one given up is never shown. One made
 * within the last moments can be missing until the index has it.
 */
export async function listUserEvents(store: Store, userId: string): Promise<EventRecord[]> {
  const deadline = Date.now() + USER_EVENTS_DEADLINE_MS;
  const { registrations, events } = store.tables;
  const nominated: Registration[] = [];
  let ExclusiveStartKey: Record<string, unknown> | undefined;
  do {
    const command = new QueryCommand({
      TableName: registrations,
      IndexName: INDEXES.registrationsByUser,
      KeyConditionExpression: 'userId = :userId',
      ExpressionAttributeValues: { ':userId': userId },
      ...(ExclusiveStartKey ? { ExclusiveStartKey } : {}),
    });
    const page = await persist((options) => store.client.send(command, options), {
      deadline,
      timeoutMs: PAGE_TIMEOUT_MS,
    });
    nominated.push(...((page.Items ?? []) as Registration[]));
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey);

  const confirmed: { createdAt: string; event: EventRecord }[] = [];
  for (let i = 0; i < nominated.length; i += PAIRS_PER_CALL) {
    const some = nominated.slice(i, i + PAIRS_PER_CALL);
    // A stale row and its successor name the same event, and a key must not be asked for twice.
    const eventIds = [...new Set(some.map(({ eventId }) => eventId))];
    const found = await batchGet(
      store,
      {
        [registrations]: some.map(({ registrationId }) => ({ registrationId })),
        [events]: eventIds.map((eventId) => ({ eventId })),
      },
      deadline,
    );
    const eventById = new Map(
      ((found[events] ?? []) as EventRecord[]).map((item) => [item.eventId, toEventRecord(item)]),
    );
    for (const { eventId, createdAt } of (found[registrations] ?? []) as Registration[]) {
      const event = eventById.get(eventId);
      if (event) confirmed.push({ createdAt, event });
    }
  }
  confirmed.sort((a, b) => (a.createdAt < b.createdAt ? -1 : a.createdAt > b.createdAt ? 1 : 0));
  return confirmed.map(({ event }) => event);
}
