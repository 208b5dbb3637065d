import { TABLE_SCHEMAS } from '../../src/store/tables.ts';
import type { IndexWeather } from './faults.ts';
import type { Random } from './random.ts';
import type { Action, Item, Query, QueryPage } from './wire.ts';

/** A row that was written during the run, and when its index shows that. */
interface Trace {
  table: string;
  item: Item;
  /** Milliseconds on the performance clock. */
  shownFrom: number;
  shownUntil: number;
}

/** The attribute that is the id of a table's rows, and the one that an index on `eventId` sorts by. */
interface Order {
  key: string;
  range: string | undefined;
}

/** The order of an index that is keyed by the event. */
function orderOf(indexName: string | undefined): Order | undefined {
  for (const { hash, indexes } of Object.values(TABLE_SCHEMAS)) {
    const index = indexes.find(({ name }) => name === indexName);
    if (index?.hash.name === 'eventId') return { key: hash.name, range: index.range?.name };
  }
  return undefined;
}

/**
 * Makes indexes lag. Each row has a delay of its own: a new row may be missing, a deleted row may still be shown,
 * and both at once. Pages can have only a few rows.
 */
export class LaggingIndexes {
  readonly #traces = new Map<string, Trace>();
  readonly #weather: IndexWeather;
  readonly #random: Random;

  constructor(weather: IndexWeather, random: Random) {
    this.#weather = weather;
    this.#random = random;
  }

  /** Records a transaction that was carried out. */
  observe(actions: Action[]): void {
    const { lateShare, lagMs } = this.#weather;
    if (lateShare === 0) return;
    for (const { Put, Delete } of actions) {
      const late = this.#random.chance(lateShare) ? this.#random.between(0, lagMs) : 0;
      const moment = performance.now() + late;
      if (Put) {
        const id = idOf(Put.Item);
        this.#traces.set(id, {
          table: Put.TableName,
          item: Put.Item,
          shownFrom: moment,
          shownUntil: Number.POSITIVE_INFINITY,
        });
      }
      const gone = Delete && this.#traces.get(idOf(Delete.Key));
      if (gone) gone.shownUntil = Math.max(moment, gone.shownFrom);
    }
  }

  /** Whether these indexes answer a query. If not, the database does. */
  covers({ IndexName }: Query): boolean {
    const { lateShare, pagedShare } = this.#weather;
    return (lateShare > 0 || pagedShare > 0) && orderOf(IndexName) !== undefined;
  }

  /** Answers a query, given all rows that the database has for it. */
  answer(query: Query, rows: Item[]): QueryPage {
    const order = orderOf(query.IndexName) ?? { key: '', range: undefined };
    const eventId = query.ExpressionAttributeValues?.[':eventId']?.S;
    const now = performance.now();
    const shown = new Map<string, Item>();
    for (const item of rows) {
      const trace = this.#traces.get(idOf(item));
      if (!trace || trace.shownFrom <= now) shown.set(idOf(item), item);
    }
    for (const [id, { table, item, shownFrom, shownUntil }] of this.#traces) {
      const isLeft = shownUntil !== Number.POSITIVE_INFINITY && shownUntil > now;
      const isAsked = table === query.TableName && item.eventId?.S === eventId;
      if (isLeft && isAsked && shownFrom <= now) shown.set(id, item);
    }
    const compare = (a: Item, b: Item) =>
      Number(a[order.range ?? '']?.N ?? 0) - Number(b[order.range ?? '']?.N ?? 0) ||
      ((a[order.key]?.S ?? '') < (b[order.key]?.S ?? '') ? -1 : 1);
    const start = query.ExclusiveStartKey;
    const items = [...shown.values()]
      .filter((item) => !start || (compare(start, item) < 0 && idOf(item) !== idOf(start)))
      .sort(compare);
    const isPaged = this.#random.chance(this.#weather.pagedShare);
    const size = isPaged ? this.#random.int(1, 3) : items.length;
    const last = size < items.length ? items[size - 1] : undefined;
    return {
      Items: items.slice(0, size),
      ...(last ? { LastEvaluatedKey: keyOf(last, order) } : {}),
    };
  }
}

function idOf(item: Item): string {
  return item.registrationId?.S ?? item.entryId?.S ?? '';
}

function keyOf(item: Item, { key, range }: Order): Item {
  const names = ['eventId', key, ...(range ? [range] : [])];
  return Object.fromEntries(names.map((name) => [name, item[name] ?? {}]));
}
