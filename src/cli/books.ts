import { GetCommand, paginateScan, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { EventState, type Seat } from '../event/state.ts';
import type { WaitlistEntry } from '../schemas.ts';
import type { Store } from '../store/client.ts';
import { type EventItem, toDigest } from '../store/tables.ts';
import { CliError } from './terminal.ts';

/** What an event item says of its rows. */
export type Books = Pick<
  EventItem,
  'registeredCount' | 'waitlistCount' | 'lastPosition' | 'lastSeq' | 'digest'
>;

/** All rows of an event, read past the indexes: consistent, and as long as the whole table is. */
async function scanRows<Row>(store: Store, TableName: string, eventId: string): Promise<Row[]> {
  const rows: Row[] = [];
  const pages = paginateScan(
    { client: store.client },
    {
      TableName,
      ConsistentRead: true,
      FilterExpression: 'eventId = :eventId',
      ExpressionAttributeValues: { ':eventId': eventId },
    },
  );
  for await (const { Items = [] } of pages) rows.push(...(Items as Row[]));
  return rows;
}

/**
 * Holds an event's books against its rows, as after a restore whose tables are not of one moment, and
 * where asked to writes what the rows say. Numbers that were given once are not given again. Nobody
 * may use the event meanwhile; whoever does loses the fence or makes the write be refused.
 *
 * @returns both versions of the books
 * @throws CliError when there is no such event, when a user has two places, or the event was written
 */
export async function mendBooks(
  store: Store,
  eventId: string,
  { write }: { write: boolean },
): Promise<{ kept: Books; counted: Books }> {
  const Key = { eventId };
  const TableName = store.tables.events;
  const get = new GetCommand({ TableName, Key, ConsistentRead: true });
  const item = (await store.client.send(get)).Item as EventItem | undefined;
  if (!item) throw new CliError(`There is no event ${eventId}.`);
  const seats = await scanRows<Seat>(store, store.tables.registrations, eventId);
  const entries = await scanRows<WaitlistEntry>(store, store.tables.waitlist, eventId);

  const placed = new Set<string>();
  for (const { userId } of [...seats, ...entries]) {
    if (placed.has(userId)) {
      throw new CliError(
        `User ${userId} has two places in ${eventId}: delete one of the rows first.`,
      );
    }
    placed.add(userId);
  }
  const state = new EventState();
  for (const row of seats) {
    state.applyRow({ op: 'add', table: 'registrations', id: row.registrationId, row });
  }
  for (const row of entries) {
    state.applyRow({ op: 'add', table: 'waitlist', id: row.entryId, row });
  }
  const { registeredCount, waitlistCount, lastPosition, lastSeq, digest } = item;
  const kept: Books = { registeredCount, waitlistCount, lastPosition, lastSeq, digest };
  const most = (numbers: number[]) => numbers.reduce((a, b) => Math.max(a, b), 0);
  const counted: Books = {
    registeredCount: seats.length,
    waitlistCount: entries.length,
    lastPosition: Math.max(lastPosition, most(entries.map(({ position }) => position))),
    lastSeq: Math.max(lastSeq ?? 0, most(seats.map(({ seq }) => seq))),
    digest: toDigest(state.digest),
  };
  if (write) await writeBooks(store, item, counted);
  return { kept, counted };
}

async function writeBooks(store: Store, item: EventItem, books: Books): Promise<void> {
  const values = Object.entries({ ...books, version: item.version + 1 });
  const command = new UpdateCommand({
    TableName: store.tables.events,
    Key: { eventId: item.eventId },
    UpdateExpression: `SET ${values.map((_, i) => `#a${i} = :a${i}`).join(', ')}`,
    ConditionExpression: '#version = :version',
    ExpressionAttributeNames: {
      '#version': 'version',
      ...Object.fromEntries(values.map(([name], i) => [`#a${i}`, name])),
    },
    ExpressionAttributeValues: {
      ':version': item.version,
      ...Object.fromEntries(values.map(([, value], i) => [`:a${i}`, value])),
    },
  });
  try {
    await store.client.send(command);
  } catch (error) {
    if ((error as Error).name !== 'ConditionalCheckFailedException') throw error;
    throw new CliError(`Event ${item.eventId} was written meanwhile: keep callers away from it.`);
  }
}
