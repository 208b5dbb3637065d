import { TABLE_SCHEMAS } from '../../src/store/tables.ts';
import type { IndexWeather } from './faults.ts';
import type { Random } from './random.ts';
import type { Action, Item, Query, QueryPage } from './wire.ts';

/** A row that was written during the run, and when its index shows that. */
interface Trace {
  table: string;
  item: Item;
  /** When it was put, and deleted: an index by user is behind by `userLagMs` at most. */
  putAt: number;
  deletedAt: number;
  /** Milliseconds on the performance clock. */
  shownFrom: number;
  shownUntil: number;
}

/** The attributes that an index is keyed by, that is the id of a table's rows, and that the index sorts by. */
interface Order {
  hash: string;
  key: string;
  range: string | undefined;
}

/** The order of an index of these. Two tables have one by user, each with a key of its own. */
function orderOf({ IndexName, TableName }: Query): Order | undefined {
  for (const [table, { hash, indexes }] of Object.entries(TABLE_SCHEMAS)) {
    const index = indexes.find(({ name }) => name === IndexName);
    if (!index || !TableName.startsWith(table)) continue;
    return { hash: index.hash.name, key: hash.name, range: index.range?.name };
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

  readonly #userLagMs: number;

  /** @param userLagMs how far the indexes by user are behind at most: the second look of an erasure rests on it */
  constructor(weather: IndexWeather, random: Random, userLagMs = Number.POSITIVE_INFINITY) {
    this.#userLagMs = userLagMs;
    this.#weather = weather;
    this.#random = random;
  }

  /** Records a transaction that was carried out. */
  observe(actions: Action[]): void {
    const { lateShare, lagMs } = this.#weather;
    if (lateShare === 0) return;
    for (const { Put, Delete } of actions) {
      const late = this.#random.chance(lateShare) ? this.#random.between(0, lagMs) : 0;
      const now = performance.now();
      const moment = now + late;
      if (Put) {
        const id = idOf(Put.Item);
        this.#traces.set(id, {
          table: Put.TableName,
          item: Put.Item,
          putAt: now,
          deletedAt: Number.POSITIVE_INFINITY,
          shownFrom: moment,
          shownUntil: Number.POSITIVE_INFINITY,
        });
      }
      const gone = Delete && this.#traces.get(idOf(Delete.Key));
      if (!gone) continue;
      gone.shownUntil = Math.max(moment, gone.shownFrom);
      gone.deletedAt = now;
    }
  }

  /** Whether these indexes answer a query. If not, the database does. */
  covers(query: Query): boolean {
    const { lateShare, pagedShare } = this.#weather;
    return (lateShare > 0 || pagedShare > 0) && orderOf(query) !== undefined;
  }

  /** Answers a query, given all rows that the database has for it. */
  answer(query: Query, rows: Item[]): QueryPage {
    const order = orderOf(query) ?? { hash: '', key: '', range: undefined };
    const asked = query.ExpressionAttributeValues?.[`:${order.hash}`]?.S;
    const now = performance.now();
    const lagMs = order.hash === 'userId' ? this.#userLagMs : Number.POSITIVE_INFINITY;
    const from = ({ putAt, shownFrom }: Trace) => Math.min(shownFrom, putAt + lagMs);
    const until = ({ deletedAt, shownUntil }: Trace) => Math.min(shownUntil, deletedAt + lagMs);
    const shown = new Map<string, Item>();
    for (const item of rows) {
      const trace = this.#traces.get(idOf(item));
      if (!trace || from(trace) <= now) shown.set(idOf(item), item);
    }
    for (const [id, trace] of this.#traces) {
      const { table, item } = trace;
      const isLeft = until(trace) !== Number.POSITIVE_INFINITY && until(trace) > now;
      const isAsked = table === query.TableName && item[order.hash]?.S === asked;
      if (isLeft && isAsked && from(trace) <= now) shown.set(id, item);
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

function keyOf(item: Item, { hash, key, range }: Order): Item {
  const names = [hash, key, ...(range ? [range] : [])];
  return Object.fromEntries(names.map((name) => [name, item[name] ?? {}]));
}
