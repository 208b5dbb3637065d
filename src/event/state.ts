import type { EventRecord, Registration, WaitlistEntry } from '../schemas.ts';

/** A registration as it is stored: with its place in the order in which seats were given. */
export type Seat = Registration & { seq: number };

/** Something that happened to an event: what `decide` returns, and memory and tables are changed by. */
export type Change =
  | { type: 'created'; event: EventRecord }
  | { type: 'updated'; event: EventRecord }
  | { type: 'registered'; registration: Seat }
  | { type: 'waitlisted'; entry: WaitlistEntry }
  | { type: 'unregistered'; registration: Seat }
  | { type: 'leftLine'; entry: WaitlistEntry }
  | { type: 'promoted'; entry: WaitlistEntry; registration: Seat };

/** A row that a change adds or removes. Rows are never altered, and their ids never used again. */
export type RowChange = { op: 'add' | 'remove' } & (
  | { table: 'registrations'; id: string; row: Seat }
  | { table: 'waitlist'; id: string; row: WaitlistEntry }
);

const seat = (op: RowChange['op'], row: Seat): RowChange => ({
  op,
  table: 'registrations',
  id: row.registrationId,
  row,
});

const place = (op: RowChange['op'], row: WaitlistEntry): RowChange => ({
  op,
  table: 'waitlist',
  id: row.entryId,
  row,
});

/** What a change means for the rows. */
export function rowChanges(change: Change): RowChange[] {
  switch (change.type) {
    case 'created':
    case 'updated':
      return [];
    case 'registered':
      return [seat('add', change.registration)];
    case 'waitlisted':
      return [place('add', change.entry)];
    case 'unregistered':
      return [seat('remove', change.registration)];
    case 'leftLine':
      return [place('remove', change.entry)];
    case 'promoted':
      return [place('remove', change.entry), seat('add', change.registration)];
  }
}

/** The 128 bits of a UUID, as the digest sums them. */
export function idBits(uuid: string): bigint {
  return BigInt(`0x${uuid.replaceAll('-', '')}`);
}

/** What is counted of an event. */
export interface EventTotals {
  /** Null for an event that does not exist. */
  readonly event: EventRecord | null;
  readonly registeredCount: number;
  readonly waitlistCount: number;
  /** How often the event itself was written: created, then updated. */
  readonly revision: number;
  /** The position given last. */
  readonly lastPosition: number;
  /** The `seq` given last. */
  readonly lastSeq: number;
  /** XOR of the ids of all rows: equal sets of rows have equal digests. */
  readonly digest: bigint;
}

/** What the rules may ask of an event. */
export interface EventView extends EventTotals {
  registrationOf(userId: string): Seat | undefined;
  entryOf(userId: string): WaitlistEntry | undefined;
  /** Those who have a seat, by `seq`. */
  seated(): Iterable<Seat>;
  /** Those who wait, by position. */
  waiting(): Iterable<WaitlistEntry>;
  /** How many wait before this one. */
  aheadOf(entry: WaitlistEntry): number;
}

/** Holds when somebody has two places, or a row is added twice, or removed without being there. */
function assertRow(holds: boolean, what: string, { table, id }: RowChange): void {
  if (!holds) throw new Error(`broken invariant: ${what} (${table} row ${id})`);
}

/**
 * Those who wait, by position. Whoever leaves the middle leaves a gap in `#order`, which is skipped,
 * and swept up before gaps outnumber people.
 */
class Line {
  readonly #byUser = new Map<string, WaitlistEntry>();
  #order: WaitlistEntry[] = [];
  #head = 0;

  get size(): number {
    return this.#byUser.size;
  }

  get(userId: string): WaitlistEntry | undefined {
    return this.#byUser.get(userId);
  }

  push(entry: WaitlistEntry): void {
    this.#byUser.set(entry.userId, entry);
    this.#order.push(entry);
  }

  remove(entry: WaitlistEntry): void {
    this.#byUser.delete(entry.userId);
    while (this.#head < this.#order.length && !this.#isLive(this.#order[this.#head])) this.#head++;
    if (this.#order.length > 2 * this.size + 64) this.#sweep();
  }

  /** O(log n); O(n) for the first one after somebody has left the middle. */
  aheadOf({ position }: WaitlistEntry): number {
    if (this.#order.length - this.#head > this.size) this.#sweep();
    let [low, high] = [this.#head, this.#order.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#order[middle]?.position ?? Number.POSITIVE_INFINITY) < position) low = middle + 1;
      else high = middle;
    }
    return low - this.#head;
  }

  *[Symbol.iterator](): Iterator<WaitlistEntry> {
    for (let i = this.#head; i < this.#order.length; i++) {
      const entry = this.#order[i];
      if (entry && this.#isLive(entry)) yield entry;
    }
  }

  #sweep(): void {
    this.#order = this.#order.filter((each) => this.#isLive(each));
    this.#head = 0;
  }

  #isLive(entry: WaitlistEntry | undefined): boolean {
    return entry !== undefined && this.#byUser.get(entry.userId) === entry;
  }
}

/** An event as committed: what the tables hold, and nothing that is still on its way there. */
export class EventState implements EventView {
  event: EventRecord | null = null;
  /** Version of the event item that this memory rests on; 0 where there is no item. */
  version = 0;
  revision = 0;
  lastPosition = 0;
  lastSeq = 0;
  digest = 0n;
  readonly #registrations = new Map<string, Seat>();
  readonly #line = new Line();

  get registeredCount(): number {
    return this.#registrations.size;
  }

  get waitlistCount(): number {
    return this.#line.size;
  }

  registrationOf(userId: string): Seat | undefined {
    return this.#registrations.get(userId);
  }

  entryOf(userId: string): WaitlistEntry | undefined {
    return this.#line.get(userId);
  }

  seated(): Iterable<Seat> {
    return this.#registrations.values();
  }

  waiting(): Iterable<WaitlistEntry> {
    return this.#line;
  }

  aheadOf(entry: WaitlistEntry): number {
    return this.#line.aheadOf(entry);
  }

  /** Takes over what was committed; the event item has this version now. */
  applyCommit(changes: Iterable<Change>, version: number): void {
    for (const change of changes) {
      if (change.type === 'created' || change.type === 'updated') {
        this.event = change.event;
        this.revision++;
      }
      for (const row of rowChanges(change)) this.applyRow(row);
    }
    this.version = version;
  }

  /** Adds or removes one row. Seats are added in order of `seq`, waitlist rows of position. */
  applyRow(change: RowChange): void {
    this.digest ^= idBits(change.id);
    const { userId } = change.row;
    if (change.op === 'add') {
      const isFree = !this.#registrations.has(userId) && !this.#line.get(userId);
      assertRow(isFree, 'one place per user', change);
      if (change.table === 'registrations') {
        this.#registrations.set(userId, change.row);
        this.lastSeq = Math.max(this.lastSeq, change.row.seq);
      } else {
        assertRow(change.row.position > 0, 'positions start at 1', change);
        this.#line.push(change.row);
        this.lastPosition = Math.max(this.lastPosition, change.row.position);
      }
    } else if (change.table === 'registrations') {
      assertRow(this.#registrations.delete(userId), 'a removed row was there', change);
    } else {
      const entry = this.#line.get(userId);
      assertRow(entry?.entryId === change.id, 'a removed row was there', change);
      this.#line.remove(entry ?? change.row);
    }
  }
}
