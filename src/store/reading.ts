import { GetItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { idBits, type Place, Places, toUuid } from '../event/places.ts';
import { EventState } from '../event/state.ts';
import { ATTEMPT_TIMEOUT_MS, PAGE_TIMEOUT_MS } from '../limits.ts';
import { callTables, type Store } from './client.ts';
import {
  type Attributes,
  type Range,
  ROW_TABLES,
  type RowTable,
  read,
  toPlace,
  toQuery,
  toRanges,
} from './rows.ts';
import {
  type EventItem,
  toAttributes,
  toDigest,
  toEventRecord,
  toLogHead,
  toPlaceKey,
} from './tables.ts';

/** What an index shows of an event: late rows are missing, and stale ones still there. */
export class Shown {
  readonly places = new Places();
  /** Rows of users who have another one here, by id: one of the two is stale. */
  readonly #seconds = new Map<string, Place>();

  get count(): number {
    return this.places.size + this.#seconds.size;
  }

  get digest(): bigint {
    let bits = this.places.digest;
    for (const id of this.#seconds.keys()) bits ^= idBits(id);
    return bits;
  }

  /** Whether there is a user with two rows. */
  get isAmbiguous(): boolean {
    return this.#seconds.size > 0;
  }

  /** Takes a row. Two pages may show the same one. */
  add(place: Place): void {
    const first = this.places.get(place.userId);
    if (!first) this.places.add(place);
    else if (first.id !== place.id) this.#seconds.set(place.id, place);
  }

  /** Takes a stale row out, and tells whether it was there. */
  drop(id: string): boolean {
    if (this.#seconds.delete(id)) return true;
    const userId = this.places.whoHas(id);
    if (userId === undefined) return false;
    this.places.remove(userId, id);
    for (const second of this.#seconds.values()) {
      if (second.userId !== userId || this.places.has(userId)) continue;
      this.#seconds.delete(second.id);
      this.places.add(second);
    }
    return true;
  }
}

/**
 * Builds the state if these rows are exactly those that the item was written with. Indexes lag, and
 * counts alone prove nothing (one row missing and one stale count the same); the XOR of the ids does:
 * ids are random, so another set has the same one with a probability of 2^-122.
 */
export function prove(item: EventItem, seats: Places, line: Places): EventState | null {
  const state = new EventState({ eventId: item.eventId, seats, line });
  const isWhole =
    state.registeredCount === item.registeredCount &&
    state.waitlistCount === item.waitlistCount &&
    toDigest(state.digest) === item.digest;
  if (!isWhole) return null;
  // A user with two places means that a row is stale: an event never holds both at once.
  const [few, many] = seats.size < line.size ? [seats, line] : [line, seats];
  for (const userId of few.userIds()) if (many.has(userId)) return null;
  state.event = toEventRecord(item);
  state.version = item.version;
  state.revision = item.revision ?? 1;
  state.lastPosition = item.lastPosition;
  state.lastSeq = item.lastSeq ?? 0;
  state.log = toLogHead(item);
  return state;
}

/** What was read of an event's rows so far. What is in doubt is read again, and nothing else. */
export class Reading {
  readonly #store: Store;
  readonly #eventId: string;
  readonly #shown = { registrations: new Shown(), waitlist: new Shown() };
  #isBegun = false;
  /** A row that was guessed and is not there, and the version of which it was guessed. */
  #wrongGuess = '';

  constructor(store: Store, eventId: string) {
    this.#store = store;
    this.#eventId = eventId;
  }

  /** Reads until this item's rows are proven, or the indexes have been asked once. */
  async pass(item: EventItem): Promise<EventState | null> {
    const early = this.#isBegun ? await this.#conclude(item) : null;
    if (early) return early;
    const doubtful = this.#isBegun ? this.#doubtful(item) : ROW_TABLES;
    this.#isBegun = true;
    await Promise.all(doubtful.map((table) => this.#readIndex(table, item)));
    return this.#conclude(item);
  }

  /** The indexes whose rows are not as many as they should be; both where the numbers are right. */
  #doubtful(item: EventItem): RowTable[] {
    const { seats, entries } = this.#missing(item);
    const tables = ROW_TABLES.filter((table) => (table === 'waitlist' ? entries : seats) !== 0);
    return tables.length > 0 ? tables : ROW_TABLES;
  }

  /** How many rows there should be beyond those that were shown. */
  #missing({ registeredCount, waitlistCount }: EventItem) {
    const { registrations, waitlist } = this.#shown;
    return {
      seats: registeredCount - registrations.count,
      entries: waitlistCount - waitlist.count,
    };
  }

  /** Proves what was shown, after mending it where a single row is late. */
  async #conclude(item: EventItem): Promise<EventState | null> {
    const { seats, entries } = this.#missing(item);
    if (Math.abs(seats) + Math.abs(entries) === 1) await this.#mend(item, seats + entries);
    const { registrations, waitlist } = this.#shown;
    if (registrations.isAmbiguous || waitlist.isAmbiguous) return null;
    return prove(item, registrations.places, waitlist.places);
  }

  /**
   * If one row is late, its id is the difference of the digests: a stale one is known by it, and a
   * missing one read by it, past the index. The proof tells whether that was so.
   */
  async #mend(item: EventItem, missing: number): Promise<void> {
    const { registrations, waitlist } = this.#shown;
    const table = this.#missing(item).seats === 0 ? 'waitlist' : 'registrations';
    const shown = this.#shown[table];
    const id = toUuid(BigInt(`0x${item.digest}`) ^ registrations.digest ^ waitlist.digest);
    const guess = `${item.version} ${id}`;
    if (missing < 0) shown.drop(id);
    else if (guess !== this.#wrongGuess) {
      const place = await this.#readRow(table, id);
      if (place) shown.add(place);
      else this.#wrongGuess = guess;
    }
  }

  /** Reads one row of the event, consistently. */
  async #readRow(table: RowTable, id: string): Promise<Place | null> {
    const command = new GetItemCommand({
      TableName: this.#store.tables[table],
      Key: toAttributes(toPlaceKey(table, id)),
      ConsistentRead: true,
    });
    const { Item } = await callTables(
      (options) => this.#store.client.send(command, options),
      read(ATTEMPT_TIMEOUT_MS),
    );
    return Item?.eventId?.S === this.#eventId ? toPlace(table, Item) : null;
  }

  /** Reads what an index shows now, in place of what it showed before. */
  async #readIndex(table: RowTable, item: EventItem): Promise<void> {
    const shown = new Shown();
    this.#shown[table] = shown;
    // The item knows that there is nothing: whatever is shown is stale.
    if ((table === 'waitlist' ? item.waitlistCount : item.registeredCount) === 0) return;
    // The other index has no order of its own, and can be read only from its beginning.
    const ranges: Range[] = table === 'waitlist' ? toRanges(item) : [[null, null]];
    await Promise.all(ranges.map((range) => this.#readRange(table, range, shown)));
  }

  async #readRange(table: RowTable, range: Range, shown: Shown): Promise<void> {
    const query = toQuery(this.#store, this.#eventId, table, range);
    let next: Attributes | undefined;
    do {
      const command = new QueryCommand({ ...query, ...(next ? { ExclusiveStartKey: next } : {}) });
      const { Items = [], LastEvaluatedKey } = await callTables(
        (options) => this.#store.client.send(command, options),
        read(PAGE_TIMEOUT_MS),
      );
      for (const row of Items) shown.add(toPlace(table, row));
      next = LastEvaluatedKey;
    } while (next);
  }
}
