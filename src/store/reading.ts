import { type Place, Places } from '../event/places.ts';
import { EventState } from '../event/state.ts';
import { idBits, toUuid } from '../event/uuid.ts';
import { BOTH_ENDS_MIN_SEATS, LINE_RANGES, LINE_RANGES_BESIDE_BOTH_ENDS } from '../limits.ts';
import type { Store } from './client.ts';
import { readOne } from './one-call.ts';
import { type FirstPages, type Page, readPage } from './pages.ts';
import {
  type Attributes,
  placeOfRow,
  type Range,
  ROW_TABLES,
  type RowTable,
  toRanges,
} from './rows.ts';
import { type EventItem, toBooks, toDigest, toEventRecord, toRowKey } from './tables.ts';

/** The rows of an event that an index shows. An index lags: new rows can be missing, and removed rows still there. */
export class Shown {
  readonly places = new Places();
  /** Second rows of users who have a row in `places` already, by id. One of the two is stale. */
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

  /** Whether the index showed this row. */
  has({ id, userId }: Place): boolean {
    return this.places.get(userId)?.id === id || this.#seconds.has(id);
  }

  /** Adds a row. The same row may come twice, from two pages. */
  add(place: Place): void {
    const first = this.places.get(place.userId);
    if (!first) this.places.add(place);
    else if (first.id !== place.id) this.#seconds.set(place.id, place);
  }

  /** Removes a stale row, and tells whether it was there. */
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
 * Builds the state if these rows are exactly those that the event item was written with; null otherwise.
 * Counts are no proof, since a missing row and a stale row cancel each other out. The digest is one: ids are
 * random, so a different set of rows has the same digest with a probability of 2^-122.
 *
 * @param seatRows the rows in the table of the registrations: seats, and offers, which are taken out of them
 */
export function prove(item: EventItem, seatRows: Places, line: Places): EventState | null {
  const { eventId, registeredCount, offeredCount = 0, waitlistCount } = item;
  const isWhole =
    seatRows.size === registeredCount + offeredCount &&
    line.size === waitlistCount &&
    toDigest(seatRows.digest ^ line.digest) === item.digest;
  if (!isWhole) return null;
  // A user with a row in each: one of them is stale.
  const [few, many] = seatRows.size < line.size ? [seatRows, line] : [line, seatRows];
  for (const userId of few.userIds()) if (many.has(userId)) return null;
  const offers = seatRows.takeEnding();
  if (offers.size !== offeredCount) return null;
  const state = new EventState({ eventId, seats: seatRows, offers, line });
  state.event = toEventRecord(item);
  state.version = item.version;
  state.revision = item.revision ?? 1;
  state.lastPosition = item.lastPosition;
  state.lastSeq = item.lastSeq ?? 0;
  Object.assign(state, toBooks(item));
  return state;
}

/** Rows that the event item counts in the registrations table: seats and offers. */
const seatRowsOf = ({ registeredCount, offeredCount = 0 }: EventItem) =>
  registeredCount + offeredCount;

/** The rows of an event that were read so far. Each pass reads only the indexes that may be incomplete. */
export class Reading {
  readonly #store: Store;
  readonly #eventId: string;
  readonly #shown = { registrations: new Shown(), waitlist: new Shown() };
  #isBegun = false;
  /** The last guess of a missing row that proved wrong: the version of the item, and the row id. */
  #wrongGuess = '';

  constructor(store: Store, eventId: string) {
    this.#store = store;
    this.#eventId = eventId;
  }

  /**
   * Reads the doubtful indexes once, and proves the rows. Null when they don't match the item.
   *
   * @param firstPages what was read of the indexes already, of the first pass
   */
  async pass(item: EventItem, firstPages: FirstPages | null): Promise<EventState | null> {
    const early = this.#isBegun ? await this.#conclude(item) : null;
    if (early) return early;
    const doubtful = this.#isBegun ? this.#doubtful(item) : ROW_TABLES;
    this.#isBegun = true;
    await Promise.all(doubtful.map((table) => this.#readIndex(table, item, firstPages)));
    return this.#conclude(item);
  }

  /** The indexes whose number of rows is wrong; both when the numbers are right and only the digest is wrong. */
  #doubtful(item: EventItem): RowTable[] {
    const { seats, entries } = this.#missing(item);
    const tables = ROW_TABLES.filter((table) => (table === 'waitlist' ? entries : seats) !== 0);
    return tables.length > 0 ? tables : ROW_TABLES;
  }

  /** How many more rows the item counts than the indexes showed; negative where they showed more. */
  #missing(item: EventItem) {
    const { registrations, waitlist } = this.#shown;
    return {
      seats: seatRowsOf(item) - registrations.count,
      entries: item.waitlistCount - waitlist.count,
    };
  }

  /** Proves the rows that were shown. If the counts differ by a single row, that row is corrected first. */
  async #conclude(item: EventItem): Promise<EventState | null> {
    const { seats, entries } = this.#missing(item);
    if (Math.abs(seats) + Math.abs(entries) === 1) await this.#mend(item, seats + entries);
    const { registrations, waitlist } = this.#shown;
    if (registrations.isAmbiguous || waitlist.isAmbiguous) return null;
    return prove(item, registrations.places, waitlist.places);
  }

  /**
   * Corrects a single row. If one row is missing or stale, the XOR of the digests is its id. A stale row is
   * dropped; a missing row is read by its id, past the index. The proof shows whether the guess was right.
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
    const row = await readOne(this.#store, this.#store.tables[table], toRowKey(table, id));
    return row?.eventId?.S === this.#eventId ? placeOfRow(table, row) : null;
  }

  /** Reads an index, and replaces the rows that it showed before. */
  async #readIndex(table: RowTable, item: EventItem, firstPages: FirstPages | null): Promise<void> {
    const shown = new Shown();
    this.#shown[table] = shown;
    const counted = table === 'waitlist' ? item.waitlistCount : seatRowsOf(item);
    // The item counts no rows, so any row that the index showed would be stale.
    if (counted === 0) return;
    const first = await firstPages?.of(table);
    if (first) this.#show(table, first, shown);
    if (first && !first.next) return;
    const isLong = seatRowsOf(item) >= BOTH_ENDS_MIN_SEATS;
    if (table === 'registrations') {
      // This index has no sort key, so it can't be read in ranges.
      const left = counted - shown.count;
      // Worth it where more than one page is left.
      const isBothEnds = isLong && first?.next && left > first.rows.length;
      if (isBothEnds) await this.#readFromBothEnds(shown, first.next);
      else await this.#readRange(table, [null, null], shown, first?.next);
      return;
    }
    const last = first?.next?.position?.N;
    const ranges = toRanges({
      after: last === undefined ? null : Number(last),
      count: counted - shown.count,
      lastPosition: item.lastPosition,
      most: isLong ? LINE_RANGES_BESIDE_BOTH_ENDS : LINE_RANGES,
    });
    await Promise.all(ranges.map((range) => this.#readRange(table, range, shown)));
  }

  /** Reads a range of an index page by page, from its beginning or after a key. */
  async #readRange(table: RowTable, range: Range, shown: Shown, key?: Attributes): Promise<void> {
    const part = { eventId: this.#eventId, table, range };
    let after = key;
    do {
      const page = await readPage(this.#store, { ...part, after });
      this.#show(table, page, shown);
      after = page.next;
    } while (after);
  }

  /**
   * Reads the seats' index from both ends, until these meet. That DynamoDB turns round an index without a sort key
   * is not documented. Where the first page from the end begins with a row that the first page from the beginning
   * had, it does not, and the index is read from its beginning alone. In any other order rows can be missed: the
   * proof fails then, and later passes read from the beginning.
   *
   * @param next the key that the first page from the beginning ended with
   */
  async #readFromBothEnds(shown: Shown, next: Attributes | undefined): Promise<void> {
    const table: RowTable = 'registrations';
    let isWhole = false;
    const read = async (isBackward: boolean, key?: Attributes) => {
      let after = key;
      while (!isWhole) {
        const part = { eventId: this.#eventId, table, isBackward, after };
        const page = await readPage(this.#store, { ...part, range: [null, null] });
        const isKnown = (row: Attributes | undefined) => !!row && shown.has(placeOfRow(table, row));
        if (isBackward && !after && isKnown(page.rows[0])) return;
        isWhole ||= !page.next || isKnown(page.rows.at(-1));
        this.#show(table, page, shown);
        after = page.next;
      }
    };
    await Promise.all([read(false, next), read(true)]);
  }

  #show(table: RowTable, { rows }: Page, shown: Shown): void {
    for (const row of rows) shown.add(placeOfRow(table, row));
  }
}
