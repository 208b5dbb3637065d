import {
  DeleteCommand,
  GetCommand,
  PutCommand,
  QueryCommand,
  type QueryCommandInput,
} from '@aws-sdk/lib-dynamodb';
import type { EventRecord, Registration, WaitlistEntry } from '../../../src/event/model.ts';
import type { Store } from '../../../src/store/client.ts';
import { INDEXES, toEventRecord } from '../../../src/store/tables.ts';
import { type EventApi, refuse, withoutObject } from './event-api.ts';

/**
 * The way of the seed system: read the user, the event, the user's place in
 * both indexes and the count of seats, then write. Each is a call of its own, and nothing keeps
 * two callers from taking the same seat.
 */
function openDirect({ client, tables }: Store, eventId: string): EventApi {
  async function readEvent(): Promise<EventRecord | null> {
    const { Item } = await client.send(
      new GetCommand({ TableName: tables.events, Key: { eventId } }),
    );
    return Item ? toEventRecord(Item as EventRecord) : null;
  }

  async function query<Row>(input: Omit<QueryCommandInput, 'KeyConditionExpression'>) {
    const rows: Row[] = [];
    let count = 0;
    let ExclusiveStartKey: Record<string, unknown> | undefined;
    do {
      const page = await client.send(
        new QueryCommand({
          ...input,
          KeyConditionExpression: 'eventId = :eventId',
          ExpressionAttributeValues: { ':eventId': eventId, ...input.ExpressionAttributeValues },
          ...(ExclusiveStartKey ? { ExclusiveStartKey } : {}),
        }),
      );
      rows.push(...((page.Items ?? []) as Row[]));
      count += page.Count ?? 0;
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey);
    return { rows, count };
  }

  const registrations = {
    TableName: tables.registrations,
    IndexName: INDEXES.registrationsByEvent,
  };
  const waitlist = { TableName: tables.waitlist, IndexName: INDEXES.waitlistByPosition };
  const ofUser = (userId: string) => ({
    FilterExpression: 'userId = :userId',
    ExpressionAttributeValues: { ':userId': userId },
  });
  const countSeats = async () => (await query({ ...registrations, Select: 'COUNT' })).count;

  async function seat(userId: string): Promise<Registration> {
    const createdAt = new Date().toISOString();
    const Item: Registration = {
      registrationId: crypto.randomUUID(),
      userId,
      eventId,
      status: 'ACTIVE',
      createdAt,
    };
    await client.send(new PutCommand({ TableName: tables.registrations, Item }));
    return Item;
  }

  return {
    async create(input) {
      if (await readEvent()) return refuse('event-exists');
      const event = { ...input, status: 'OPEN' as const, createdAt: new Date().toISOString() };
      await client.send(new PutCommand({ TableName: tables.events, Item: event }));
      return { type: 'created', event, revision: 1 };
    },

    async read() {
      const event = await readEvent();
      if (!event) return refuse('no-such-event');
      const registeredCount = await countSeats();
      return {
        type: 'read',
        event,
        revision: 1,
        registeredCount,
        offeredCount: 0,
        waitlistCount: 0,
        owedCount: 0,
      };
    },

    async register(userId) {
      const user = await client.send(new GetCommand({ TableName: tables.users, Key: { userId } }));
      if (!user.Item) return refuse('no-such-user');
      const event = await readEvent();
      if (!event) return refuse('no-such-event');
      const seats = await query({ ...registrations, ...ofUser(userId) });
      if (seats.rows.length > 0) return refuse('already-registered');
      const places = await query({ ...waitlist, ...ofUser(userId) });
      if (places.rows.length > 0) return refuse('already-waitlisted');
      if ((await countSeats()) < event.capacity) {
        return { type: 'registered', registration: await seat(userId) };
      }
      if (!event.hasWaitlist) return refuse('full');
      const last = await client.send(
        new QueryCommand({
          ...waitlist,
          KeyConditionExpression: 'eventId = :eventId',
          ExpressionAttributeValues: { ':eventId': eventId },
          ScanIndexForward: false,
          Limit: 1,
        }),
      );
      const position = ((last.Items?.[0] as WaitlistEntry | undefined)?.position ?? 0) + 1;
      const createdAt = new Date().toISOString();
      const entry = { entryId: crypto.randomUUID(), userId, eventId, position, createdAt };
      await client.send(new PutCommand({ TableName: tables.waitlist, Item: entry }));
      return { type: 'waitlisted', entry };
    },

    async unregister(userId) {
      if (!(await readEvent())) return refuse('no-such-event');
      const { rows } = await query<Registration>({ ...registrations, ...ofUser(userId) });
      const [registration] = rows;
      if (!registration) return refuse('not-registered');
      const { registrationId } = registration;
      await client.send(
        new DeleteCommand({ TableName: tables.registrations, Key: { registrationId } }),
      );
      const next = await client.send(
        new QueryCommand({
          ...waitlist,
          KeyConditionExpression: 'eventId = :eventId',
          ExpressionAttributeValues: { ':eventId': eventId },
          Limit: 1,
        }),
      );
      const entry = next.Items?.[0] as WaitlistEntry | undefined;
      if (!entry) return { type: 'unregistered', registration, promoted: null, offered: null };
      const promoted = await seat(entry.userId);
      const { entryId } = entry;
      await client.send(new DeleteCommand({ TableName: tables.waitlist, Key: { entryId } }));
      return { type: 'unregistered', registration, promoted, offered: null };
    },
  };
}

export { EventObject } from '../../../src/object/event-object.ts';
export default withoutObject(openDirect);
