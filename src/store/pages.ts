import { QueryCommand } from '@aws-sdk/client-dynamodb';
import { PAGE_TIMEOUT_MS } from '../limits.ts';
import { callTables, type Store } from './client.ts';
import {
  type Attributes,
  type Range,
  ROW_TABLES,
  type RowTable,
  readTimes,
  toQuery,
} from './rows.ts';

/** One page of an index. */
export interface Page {
  rows: Attributes[];
  /** The key that the next page begins after; undefined on the last page. */
  next: Attributes | undefined;
}

/** What a page is read of. */
interface Part {
  eventId: string;
  table: RowTable;
  range: Range;
  /** Whether it is read from the index's end. */
  isBackward?: boolean;
  /** The key that it begins after. */
  after?: Attributes | undefined;
}

/** Makes one attempt to read a page. */
async function tryPage(
  store: Store,
  { eventId, table, range, isBackward, after }: Part,
  options: { abortSignal: AbortSignal },
): Promise<Page> {
  const query = toQuery(store, eventId, table, range);
  const command = new QueryCommand({
    ...query,
    ...(isBackward ? { ScanIndexForward: false } : {}),
    ...(after ? { ExclusiveStartKey: after } : {}),
  });
  const { Items = [], LastEvaluatedKey } = await store.client.send(command, options);
  return { rows: Items, next: LastEvaluatedKey };
}

/**
 * Reads a page of an index.
 *
 * @throws StoreUnavailableError when the tables do not answer
 */
export const readPage = (store: Store, part: Part): Promise<Page> =>
  callTables((options) => tryPage(store, part, options), readTimes(PAGE_TIMEOUT_MS));

/**
 * The first page of each index of an event, read side by side with the event item: so an event whose rows fit
 * into them is loaded in one round trip. They save time and decide nothing. Each gets one attempt; where
 * it fails, the index is read from its beginning as if there were none.
 */
export class FirstPages {
  readonly #abort = new AbortController();
  readonly #timer = setTimeout(() => this.#abort.abort(), PAGE_TIMEOUT_MS);
  readonly #pages: Map<RowTable, Promise<Page | null>>;

  constructor(store: Store, eventId: string) {
    const options = { abortSignal: this.#abort.signal };
    this.#pages = new Map(
      ROW_TABLES.map((table) => {
        const part: Part = { eventId, table, range: [null, null] };
        return [table, tryPage(store, part, options).catch(() => null)];
      }),
    );
  }

  /** The first page of an index; null where it could not be read. */
  async of(table: RowTable): Promise<Page | null> {
    return (await this.#pages.get(table)) ?? null;
  }

  /** Gives up the pages that have not come yet: nobody waits for them any more. */
  giveUp(): void {
    clearTimeout(this.#timer);
    this.#abort.abort();
  }
}
