import { paginateQuery } from '@aws-sdk/lib-dynamodb';
import { BATCH_GET_MAX_KEYS } from '../limits.ts';
import { batchGet } from '../store/batch-get.ts';
import type { Store } from '../store/client.ts';
import { ROW_ATTRIBUTES, ROW_TABLES, type RowTable } from '../store/rows.ts';
import { INDEXES } from '../store/tables.ts';
import type { OldEvent } from './adoption-plan.ts';
import { idOf, type OldItem } from './adoption-rows.ts';
import { scanTable } from './scan.ts';

const LOOKUP_DEADLINE_MS = 60_000;

/** What the tables hold that has not been taken over yet. */
export interface Found {
  events: Map<string, OldEvent>;
  /** Events that have their books already. */
  already: number;
  /** Rows of events that do not exist, by event id. */
  unknown: Map<string, { table: RowTable; row: OldItem }[]>;
  /** Rows that name no event at all. */
  stray: { table: RowTable; row: OldItem }[];
}

/** Whether a row is not a place, but one that the service keeps beside them: its id begins like `key#`. */
const isOurs = (table: RowTable, row: OldItem) =>
  row.eventId === undefined && /^[a-z]+#/.test(idOf(table, row));

/** Reports the progress of a read. */
export interface ReadProgress {
  /** Called after each page; returns how many rows of the table were read so far. */
  onPage: (table: string, before: number, more: number) => number;
  onEnd: (table: string, rows: number) => void;
}

/** Reads all rows of events that have no books, and all rows without an event; consistently. */
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
  for (const table of ROW_TABLES) {
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
  await dropCreated(store, found);
  return found;
}

/** Drops events from `unknown` that were created while the rows were read. */
async function dropCreated(store: Store, { unknown }: Found): Promise<void> {
  const { events } = store.tables;
  const eventIds = [...unknown.keys()];
  for (let i = 0; i < eventIds.length; i += BATCH_GET_MAX_KEYS) {
    const keys = eventIds.slice(i, i + BATCH_GET_MAX_KEYS).map((eventId) => ({ eventId }));
    const deadline = Date.now() + LOOKUP_DEADLINE_MS;
    const there = await batchGet(store, { [events]: keys }, deadline, { attributes: 'eventId' });
    for (const { eventId } of (there[events] ?? []) as { eventId: string }[])
      unknown.delete(eventId);
  }
}

/** Whether the index of a table shows exactly these rows of an event, with these order numbers. */
export async function isShown(
  store: Store,
  table: RowTable,
  eventId: string,
  orders: Map<string, number>,
): Promise<boolean> {
  const IndexName =
    table === 'registrations' ? INDEXES.registrationsByEvent : INDEXES.waitlistByPosition;
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
      if (orders.get(id) !== row[ROW_ATTRIBUTES[table].order]) return false;
      seen.add(id);
    }
  }
  return seen.size === orders.size;
}
