import { type AttributeValue, GetItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { idBits, type Place, Places, toUuid } from '../event/places.ts';
import { EventState } from '../event/state.ts';
import {
  ATTEMPT_TIMEOUT_MS,
  FENCE_MAX_ATTEMPTS,
  LINE_RANGES,
  LINE_RANGES_MIN_ENTRIES,
  LOAD_DEADLINE_MS,
  LOAD_PAUSES_MS,
  LOAD_REST_MS,
  PAGE_TIMEOUT_MS,
  READ_DEADLINE_MS,
} from '../limits.ts';
import {
  backoffMs,
  ConditionFailedError,
  NotAdoptedError,
  persist,
  type Store,
  StoreUnavailableError,
  sleep,
} from './client.ts';
import {
  type EventItem,
  INDEXES,
  toAttributes,
  toDigest,
  toEventRecord,
  toPlaceKey,
} from './tables.ts';

type Attributes = Record<string, AttributeValue>;

/** A table with rows of an event. */
type RowTable = 'registrations' | 'waitlist';
const ROW_TABLES: RowTable[] = ['registrations', 'waitlist'];

/** How one read is tried. */
const read = (timeoutMs: number) => ({ deadline: Date.now() + READ_DEADLINE_MS, timeoutMs });

/** Without these an item was not written by this service, and says nothing about its rows. */
const BOOKS = ['version', 'registeredCount', 'waitlistCount', 'lastPosition', 'digest'] as const;

/**
 * Reads an event item, consistently.
 *
 * @throws NotAdoptedError for an item without books
 */
async function readItem(store: Store, eventId: string): Promise<EventItem | undefined> {
  const command = new GetCommand({
    TableName: store.tables.events,
    Key: { eventId },
    ConsistentRead: true,
  });
  const { Item } = await persist(
    (options) => store.client.send(command, options),
    read(ATTEMPT_TIMEOUT_MS),
  );
  if (Item && BOOKS.some((name) => Item[name] === undefined)) throw new NotAdoptedError();
  return Item as EventItem | undefined;
}

/** The id and the order number of a row, by the attributes' names in its table. */
const NAMES = {
  registrations: { id: 'registrationId', order: 'seq' },
  waitlist: { id: 'entryId', order: 'position' },
} as const;

/** A row as memory holds it. Seats of the first releases have no `seq`: they come first. */
function toPlace(table: RowTable, row: Attributes): Place {
  const { id, order } = NAMES[table];
  const text = (name: string) => row[name]?.S ?? '';
  const place: Place = {
    id: text(id),
    userId: text('userId'),
    order: Number(row[order]?.N ?? 0),
    createdAt: text('createdAt'),
  };
  const overrideReason = row.overrideReason?.S;
  if (overrideReason !== undefined) place.overrideReason = overrideReason;
  return place;
}

/** Positions after one and up to another; null where there is no bound. */
type Range = [after: number | null, upTo: number | null];

/** What a query of an index asks for: what memory holds of the rows, and of those no more than that. */
function toQuery(store: Store, eventId: string, table: RowTable, [after, upTo]: Range) {
  const { id, order } = NAMES[table];
  const conditions = ['eventId = :eventId'];
  const values: Record<string, string | number> = { ':eventId': eventId };
  // A key condition takes one comparison of the position; positions are whole numbers.
  if (after !== null && upTo !== null) {
    conditions.push('#order BETWEEN :first AND :last');
    Object.assign(values, { ':first': after + 1, ':last': upTo });
  } else if (after !== null) {
    conditions.push('#order > :after');
    values[':after'] = after;
  } else if (upTo !== null) {
    conditions.push('#order <= :last');
    values[':last'] = upTo;
  }
  const isSeats = table === 'registrations';
  return {
    TableName: store.tables[table],
    IndexName: isSeats ? INDEXES.registrationsByEvent : INDEXES.waitlistByPosition,
    KeyConditionExpression: conditions.join(' AND '),
    ExpressionAttributeNames: { '#order': order },
    ExpressionAttributeValues: toAttributes(values),
    ProjectionExpression: `${id}, userId, #order, createdAt${isSeats ? ', overrideReason' : ''}`,
  };
}

/** What an index shows of an event: late rows are missing, and stale ones still there. */
class Shown {
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
 * Positions in ranges that can be read side by side. Those who wait came last, so the latest positions are
 * cut evenly; the first range also has whoever waits since long before.
 */
export function toRanges({
  waitlistCount,
  lastPosition,
}: Pick<EventItem, 'waitlistCount' | 'lastPosition'>): Range[] {
  if (waitlistCount < LINE_RANGES_MIN_ENTRIES) return [[null, null]];
  const share = Math.ceil(waitlistCount / LINE_RANGES);
  const cuts = Array.from({ length: LINE_RANGES - 1 }, (_, i) => {
    return lastPosition - share * (LINE_RANGES - 1 - i);
  });
  return [...cuts, null].map((upTo, i) => [cuts[i - 1] ?? null, upTo]);
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
  return state;
}

/** What was read of an event's rows so far. What is in doubt is read again, and nothing else. */
class Reading {
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
    const { Item } = await persist(
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
      const { Items = [], LastEvaluatedKey } = await persist(
        (options) => this.#store.client.send(command, options),
        read(PAGE_TIMEOUT_MS),
      );
      for (const row of Items) shown.add(toPlace(table, row));
      next = LastEvaluatedKey;
    } while (next);
  }
}

/**
 * Moves the event's version on, so that no earlier transaction can be applied any more: whatever is
 * read afterwards stays true until we change it.
 */
async function winFence(store: Store, eventId: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const item = await readItem(store, eventId);
    // Nothing to fence: a late creation is refused by its own condition once somebody else creates.
    if (!item) return;
    const command = new UpdateCommand({
      TableName: store.tables.events,
      Key: { eventId },
      UpdateExpression: 'SET #version = :next',
      ConditionExpression: '#version = :version',
      ExpressionAttributeNames: { '#version': 'version' },
      ExpressionAttributeValues: { ':version': item.version, ':next': item.version + 1 },
    });
    try {
      await persist((options) => store.client.send(command, options), read(ATTEMPT_TIMEOUT_MS));
      return;
    } catch (error) {
      // Somebody wrote in between, perhaps an attempt of our own whose answer was lost: read again.
      if (!(error instanceof ConditionFailedError)) throw error;
      if (attempt + 1 >= FENCE_MAX_ATTEMPTS) {
        throw new StoreUnavailableError('the event is written by others all the time', false);
      }
      await sleep(backoffMs(attempt));
    }
  }
}

/** Loads one event out of the tables, proven whole; lets it rest after loads that could not be proven. */
export class EventLoader {
  readonly #store: Store;
  readonly #eventId: string;
  /** Epoch milliseconds before which the tables are not asked again. */
  #restsUntil = 0;

  constructor(store: Store, eventId: string) {
    this.#store = store;
    this.#eventId = eventId;
  }

  /**
   * Loads the event. One without an item is a state with version 0.
   *
   * @param fence whether a transaction of ours may still be on its way, which must be ruled out first
   * @throws NotAdoptedError for an event of another system
   * @throws StoreUnavailableError when the tables do not answer, or the indexes go on lagging
   */
  async load({ fence }: { fence: boolean }): Promise<EventState> {
    if (Date.now() < this.#restsUntil) {
      throw new StoreUnavailableError('the indexes lag behind the event item, which rests', false);
    }
    const deadline = Date.now() + LOAD_DEADLINE_MS;
    if (fence) await winFence(this.#store, this.#eventId);
    const reading = new Reading(this.#store, this.#eventId);
    for (let pass = 0; ; pass++) {
      // First: most who ask for an event that does not exist cost one call, and ranges follow from it.
      const item = await readItem(this.#store, this.#eventId);
      if (!item) return new EventState();
      const state = await reading.pass(item);
      if (state) return state;
      const pause = LOAD_PAUSES_MS[pass];
      // However long the first pass took, what it brought is worth a second one.
      const isOver = pass > 0 && Date.now() + (pause ?? 0) >= deadline;
      if (pause === undefined || isOver) break;
      // Drawn from the upper half, so that events that wait for one index do not ask at one time.
      await sleep(pause * (0.5 + Math.random() / 2));
    }
    this.#restsUntil = Date.now() + LOAD_REST_MS;
    throw new StoreUnavailableError('the indexes lag behind the event item', false);
  }
}
