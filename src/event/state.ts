import type { LogHead } from './log.ts';
import type { EventRecord, Offer, Seat, WaitlistEntry } from './model.ts';
import type { Pointer } from './outbox.ts';
import { type Place, Places } from './places.ts';

export { bytesOf } from './places.ts';
export { idBits } from './uuid.ts';

/** Something that happened to an event. `decide` returns changes; memory and the tables apply them. */
export type Change =
  | { type: 'created'; event: EventRecord }
  | { type: 'updated'; event: EventRecord }
  | { type: 'registered'; registration: Seat }
  | { type: 'waitlisted'; entry: WaitlistEntry }
  /** `erased`: by the erasure of the user, here and below. */
  | { type: 'unregistered'; registration: Seat; erased?: true }
  | { type: 'leftLine'; entry: WaitlistEntry; erased?: true }
  | { type: 'promoted'; entry: WaitlistEntry; registration: Seat }
  /** `expiresAt`: when it ends as things stand, with the line at the latest. */
  | { type: 'offered'; entry: WaitlistEntry; offer: Offer; expiresAt: string }
  | { type: 'accepted'; offer: Offer; registration: Seat }
  | { type: 'declined'; offer: Offer; erased?: true }
  | { type: 'offerExpired'; offer: Offer };

/**
 * A row that a change adds or removes. Rows are never altered, and an id is never used again. Offers are
 * kept in the table of the registrations.
 */
export type RowChange = { op: 'add' | 'remove' } & (
  | { table: 'registrations'; id: string; row: Seat }
  | { table: 'offers'; id: string; row: Offer }
  | { table: 'waitlist'; id: string; row: WaitlistEntry }
);

const seatRow = (op: RowChange['op'], row: Seat): RowChange => ({
  op,
  table: 'registrations',
  id: row.registrationId,
  row,
});

const offerRow = (op: RowChange['op'], row: Offer): RowChange => ({
  op,
  table: 'offers',
  id: row.offerId,
  row,
});

const entryRow = (op: RowChange['op'], row: WaitlistEntry): RowChange => ({
  op,
  table: 'waitlist',
  id: row.entryId,
  row,
});

/** The rows that a change adds and removes. */
export function rowChanges(change: Change): RowChange[] {
  switch (change.type) {
    case 'created':
    case 'updated':
      return [];
    case 'registered':
      return [seatRow('add', change.registration)];
    case 'waitlisted':
      return [entryRow('add', change.entry)];
    case 'unregistered':
      return [seatRow('remove', change.registration)];
    case 'leftLine':
      return [entryRow('remove', change.entry)];
    case 'promoted':
      return [entryRow('remove', change.entry), seatRow('add', change.registration)];
    case 'offered':
      return [entryRow('remove', change.entry), offerRow('add', change.offer)];
    case 'accepted':
      return [offerRow('remove', change.offer), seatRow('add', change.registration)];
    case 'declined':
    case 'offerExpired':
      return [offerRow('remove', change.offer)];
  }
}

/** Sees an open offer: its own end, whatever the line's is, its position, and when it was made; epoch milliseconds. */
export type OfferVisitor = (end: number, position: number, createdAt: number) => void;

/** The event, and what is counted of its rows. */
export interface EventTotals {
  /** Null for an event that does not exist. */
  readonly event: EventRecord | null;
  readonly registeredCount: number;
  /** Open offers. Each holds a seat. */
  readonly offeredCount: number;
  readonly waitlistCount: number;
  /**
   * When the first open offer ends, in epoch milliseconds, unless the line ends before; infinity without one. Of a
   * change set it may be an offer that is closed by now: then it is too early, never too late.
   */
  readonly firstOfferEnd: number;
  /** Visits all open offers, in any order. It is fast: no row is made of them. */
  eachOffer(visit: OfferVisitor): void;
  /** How often the event itself was created or updated; changes of its rows don't count. */
  readonly revision: number;
  /** The position given last. */
  readonly lastPosition: number;
  /** The `seq` given last. */
  readonly lastSeq: number;
  /** XOR of the ids of all rows: equal sets of rows have equal digests. */
  readonly digest: bigint;
  /** What all rows take of `EVENT_MAX_BYTES` together, as `bytesOf` counts it. */
  readonly bytes: number;
  /** The log's end; null where it has no entry yet. */
  readonly log: LogHead | null;
  /** How far the log was sent to each endpoint. */
  readonly pointers: readonly Pointer[];
  /** When the event has something to do by itself: epoch milliseconds; null for never. */
  readonly dueAt: number | null;
}

/** What a commit leads to beside its changes. */
export type Books = Pick<EventTotals, 'log' | 'pointers' | 'dueAt'>;

/** What the rules may ask of an event. */
export interface EventView extends EventTotals {
  registrationOf(userId: string): Seat | undefined;
  offerOf(userId: string): Offer | undefined;
  entryOf(userId: string): WaitlistEntry | undefined;
  /** The seats by `seq`: those after a `seq`, or all. */
  seated(after?: number): Iterable<Seat>;
  /** The open offers by position: those after a position, or all. */
  offered(after?: number): Iterable<Offer>;
  /** The open offers that end at this time (epoch milliseconds) or before, by position. */
  offersEndedBy(time: number): Iterable<Offer>;
  /** The entries by position: those after a position, or all. */
  waiting(after?: number): Iterable<WaitlistEntry>;
  /** How many entries come before this one. */
  aheadOf(entry: WaitlistEntry): number;
}

/** Throws when an invariant does not hold, such as one place per user. */
function assertRow(holds: boolean, what: string, { table, id }: RowChange): void {
  if (!holds) throw new Error(`broken invariant: ${what} (${table} row ${id})`);
}

/** An event as committed: what the tables hold, without commits in flight. */
export class EventState implements EventView {
  event: EventRecord | null = null;
  /** Version of the event item that this memory rests on; 0 where there is no item. */
  version = 0;
  revision = 0;
  lastPosition = 0;
  lastSeq = 0;
  log: LogHead | null = null;
  pointers: readonly Pointer[] = [];
  dueAt: number | null = null;
  readonly eachOffer = (visit: OfferVisitor): void => this.#offers.eachEnd(visit);
  /** Of all rows: it is kept once. */
  #eventId: string;
  readonly #seats: Places;
  readonly #offers: Places;
  readonly #line: Places;

  /** @param rows the rows of an event, which the state takes over; no rows when left out */
  constructor(rows?: { eventId: string; seats: Places; offers: Places; line: Places }) {
    this.#eventId = rows?.eventId ?? '';
    this.#seats = rows?.seats ?? new Places();
    this.#offers = rows?.offers ?? new Places();
    this.#line = rows?.line ?? new Places();
  }

  get registeredCount(): number {
    return this.#seats.size;
  }

  get offeredCount(): number {
    return this.#offers.size;
  }

  get waitlistCount(): number {
    return this.#line.size;
  }

  get digest(): bigint {
    return this.#seats.digest ^ this.#offers.digest ^ this.#line.digest;
  }

  get bytes(): number {
    return this.#seats.bytes + this.#offers.bytes + this.#line.bytes;
  }

  get firstOfferEnd(): number {
    return this.#offers.firstEnd;
  }

  registrationOf(userId: string): Seat | undefined {
    const place = this.#seats.get(userId);
    return place && this.#toSeat(place);
  }

  offerOf(userId: string): Offer | undefined {
    const place = this.#offers.get(userId);
    return place && this.#toOffer(place);
  }

  entryOf(userId: string): WaitlistEntry | undefined {
    const place = this.#line.get(userId);
    return place && this.#toEntry(place);
  }

  *seated(after?: number): Generator<Seat> {
    for (const place of this.#seats.inOrder(after)) yield this.#toSeat(place);
  }

  *offered(after?: number): Generator<Offer> {
    for (const place of this.#offers.inOrder(after)) yield this.#toOffer(place);
  }

  *offersEndedBy(time: number): Generator<Offer> {
    for (const place of this.#offers.endedBy(time)) yield this.#toOffer(place);
  }

  *waiting(after?: number): Generator<WaitlistEntry> {
    for (const place of this.#line.inOrder(after)) yield this.#toEntry(place);
  }

  aheadOf({ userId }: WaitlistEntry): number {
    return this.#line.aheadOf(userId);
  }

  /** Takes over what was committed; the event item has this version and the log this end now. */
  applyCommit(changes: Iterable<Change>, version: number, books?: Books): void {
    for (const change of changes) {
      if (change.type === 'created' || change.type === 'updated') {
        this.event = change.event;
        this.revision++;
      }
      for (const row of rowChanges(change)) this.applyRow(row);
    }
    this.version = version;
    if (books) {
      this.log = books.log;
      this.pointers = books.pointers;
      this.dueAt = books.dueAt;
    }
  }

  /** Adds or removes one row. */
  applyRow(change: RowChange): void {
    const { userId, eventId } = change.row;
    const tables = [this.#seats, this.#offers, this.#line] as const;
    const [seats, offers, line] = tables;
    const places = { registrations: seats, offers, waitlist: line }[change.table];
    if (change.op === 'remove') {
      assertRow(places.remove(userId, change.id), 'a removed row was there', change);
      return;
    }
    const isFree = !tables.some((each) => each.has(userId));
    assertRow(isFree, 'one place per user', change);
    if (tables.every(({ size }) => size === 0)) this.#eventId = eventId;
    assertRow(eventId === this.#eventId, 'all rows are of one event', change);
    places.add(toPlace(change));
    if (change.table === 'registrations') {
      this.lastSeq = Math.max(this.lastSeq, change.row.seq);
    } else {
      assertRow(change.row.position > 0, 'positions start at 1', change);
      this.lastPosition = Math.max(this.lastPosition, change.row.position);
    }
  }

  #toSeat({ id, userId, order, createdAt, overrideReason }: Place): Seat {
    const eventId = this.#eventId;
    const status = 'ACTIVE';
    const seat: Seat = { registrationId: id, userId, eventId, status, createdAt, seq: order };
    if (overrideReason !== undefined) seat.overrideReason = overrideReason;
    return seat;
  }

  #toOffer({ id, userId, order, createdAt, endsAt = 0 }: Place): Offer {
    const offer = { offerId: id, userId, eventId: this.#eventId, position: order, createdAt };
    return { ...offer, expiresAt: new Date(endsAt).toISOString() };
  }

  #toEntry({ id, userId, order, createdAt }: Place): WaitlistEntry {
    return { entryId: id, userId, eventId: this.#eventId, position: order, createdAt };
  }
}

function toPlace(change: RowChange): Place {
  const { id } = change;
  if (change.table === 'offers') {
    const { userId, position, createdAt, expiresAt } = change.row;
    return { id, userId, order: position, createdAt, endsAt: Date.parse(expiresAt) };
  }
  if (change.table === 'waitlist') {
    const { userId, position, createdAt } = change.row;
    return { id, userId, order: position, createdAt };
  }
  const { userId, seq, createdAt, overrideReason } = change.row;
  const place: Place = { id, userId, order: seq, createdAt };
  if (overrideReason !== undefined) place.overrideReason = overrideReason;
  return place;
}
