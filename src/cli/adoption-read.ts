import { paginateQuery } from '@aws-sdk/lib-dynamodb';
import { BATCH_GET_MAX_KEYS } from '../limits.ts';
import { batchGet } from '../store/batch-get.ts';
import type { Store } from '../store/client.ts';
import { INDEXES } from '../store/tables.ts';
import type { OldEvent } from './adoption-plan.ts';
import { idOf, type OldItem, type PlaceTable } from './adoption-rows.ts';
import { scanTable } from './scan.ts';

const READ_DEADLINE_MS = 60_000;

/** What the tables hold that is no event of ours. */
export interface Found {
  events: Map<string, OldEvent>;
  already: number;
  /** Rows by the id of an event that is in no table. */
  unknown: Map<string, { table: PlaceTable; row: OldItem }[]>;
  /** Rows that name no event at all. */
  stray: { table: PlaceTable; row: OldItem }[];
}

/** The tables that have the places. */
export const PLACE_TABLES: PlaceTable[] = ['registrations', 'waitlist'];

/** Idempotency keys and other rows of the service's own are in no index, and their ids begin like `key#`. */
const isOurs = (table: PlaceTable, row: OldItem) =>
  row.eventId === undefined && /^[a-z]+#/.test(idOf(table, row));

/** Is told how far it is. */
export interface ReadProgress {
  /** Gives back how many rows were read with this page. */
  onPage: (table: string, before: number, more: number) => number;
  onEnd: (table: string, rows: number) => void;
}

/** Everything that is not ours, consistently. */
export async function readPlaces(store: Store, progress: ReadProgress): Promise<Found> {
  const { tables } = store;
  const found: Found = { events: new Map(), already: 0, unknown: new Map(), stray: [] };
  const ours = new Set<string>();
  for await (const page of scanTable<OldItem>(store, tables.events)) {
    for (const item of page) {
      const eventId = String(item.eventId);
      if (item.version !== undefined) ours.add(eventId);
      else found.events.set(eventId, { item, seats: [], entries: [] });
    }
  }
  found.already = ours.size;
  for (const table of PLACE_TABLES) {
    let read = 0;
    for await (const page of scanTable<OldItem>(store, tables[table])) {
      for (const row of page) {
        if (isOurs(table, row)) continue;
        if (typeof row.eventId !== 'string') {
          found.stray.push({ table, row });
          continue;
        }
        if (ours.has(row.eventId)) continue;
        const event = found.events.get(row.eventId);
        if (event) event[table === 'registrations' ? 'seats' : 'entries'].push(row);
        else {
          const rows = found.unknown.get(row.eventId);
          if (rows) rows.push({ table, row });
          else found.unknown.set(row.eventId, [{ table, row }]);
        }
      }
      read = progress.onPage(tables[table], read, page.length);
    }
    progress.onEnd(tables[table], read);
  }
  await forgetCreated(store, found);
  return found;
}

/** An event may have been created while the rows were read: then its rows are not of an unknown one. */
async function forgetCreated(store: Store, { unknown }: Found): Promise<void> {
  const { events } = store.tables;
  const eventIds = [...unknown.keys()];
  for (let i = 0; i < eventIds.length; i += BATCH_GET_MAX_KEYS) {
    const keys = eventIds.slice(i, i + BATCH_GET_MAX_KEYS).map((eventId) => ({ eventId }));
    const deadline = Date.now() + READ_DEADLINE_MS;
    const there = await batchGet(store, { [events]: keys }, deadline, { attributes: 'eventId' });
    for (const { eventId } of (there[events] ?? []) as { eventId: string }[])
      unknown.delete(eventId);
  }
}

/** Whether an index has just these rows, with these numbers. */
export async function isShown(
  store: Store,
  table: PlaceTable,
  eventId: string,
  orders: Map<string, number>,
): Promise<boolean> {
  const [IndexName, name] =
    table === 'registrations'
      ? [INDEXES.registrationsByEvent, 'seq']
      : [INDEXES.waitlistByPosition, 'position'];
  const pages = paginateQuery(
    { client: store.client },
    {
      TableName: store.tables[table],
      IndexName,
      KeyConditionExpression: 'eventId = :eventId',
      ExpressionAttributeValues: { ':eventId': eventId },
    },
  );
  const seen = new Set<string>();
  for await (const { Items = [] } of pages) {
    for (const row of Items as OldItem[]) {
      const id = idOf(table, row);
      if (orders.get(id) !== row[name]) return false;
      seen.add(id);
    }
  }
  return seen.size === orders.size;
}
