import { PLACE_BYTES } from '../limits.ts';
import { clearBit, countBitsBefore, setBit, WORD_BITS } from './bits.ts';
import { ID_WORDS, readId, writeId } from './uuid.ts';

/** A user's place in the event, a seat, an offer or an entry, as memory keeps it. */
export interface Place {
  /** Id of the row. */
  id: string;
  userId: string;
  /** What rows are ordered by: the `seq` of a seat, the `position` of an offer or an entry. */
  order: number;
  createdAt: string;
  overrideReason?: string;
  /** Of an offer: the epoch milliseconds at which it ends. */
  endsAt?: number;
}

/** What only few rows have: an id or a time in another spelling than ours, or an override's reason. */
type Rarity = Partial<Pick<Place, 'id' | 'createdAt' | 'overrideReason'>>;

const FIRST_SLOTS = 64;
/**
 * What a row takes of `EVENT_MAX_BYTES`: two bytes for each UTF-16 code unit of its texts, and
 * `PLACE_BYTES` for everything else.
 */
export function bytesOf({
  userId,
  overrideReason,
}: {
  userId: string;
  overrideReason?: string | undefined;
}) {
  return PLACE_BYTES + 2 * (userId.length + (overrideReason?.length ?? 0));
}

/** Times that surely stand as `toISOString` writes them: to write them again takes longer than all else of a row's time. */
const USUAL_TIME =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/;

/** `createdAt` in milliseconds; NaN where it is not written as `toISOString` writes it. */
function toTime(createdAt: string): number {
  const ms = Date.parse(createdAt);
  if (USUAL_TIME.test(createdAt)) return ms;
  return Number.isNaN(ms) || new Date(ms).toISOString() !== createdAt ? Number.NaN : ms;
}

/**
 * The rows of one table, in order. They are kept in columns, a third of the size of objects: an id takes
 * 16 bytes instead of a text of 48, and a user's id is kept once. A row's index in the columns is its slot.
 * `add` takes an object, and the methods that read make a new one.
 *
 * A removed row leaves a gap. Gaps are skipped, and removed before they outnumber the rows.
 */
export class Places {
  readonly #slotOf = new Map<string, number>();
  #userIds: (string | undefined)[] = [];
  #orders = new Float64Array(FIRST_SLOTS);
  #times = new Float64Array(FIRST_SLOTS);
  #ids = new Uint32Array(FIRST_SLOTS * ID_WORDS);
  /** A bit for each slot, set where it has a row. */
  #taken = new Uint32Array(FIRST_SLOTS / WORD_BITS);
  #rarities = new Map<number, Rarity>();
  /** When each row ends, NaN for never; null until there is a row that does. */
  #ends: Float64Array | null = null;
  /** The earliest of them; null when it has to be looked for. */
  #firstEnd: number | null = Number.POSITIVE_INFINITY;
  readonly #digest = new Uint32Array(ID_WORDS);
  /** All slots before this one are gaps. */
  #head = 0;
  #isSorted = true;
  #bytes = 0;

  get size(): number {
    return this.#slotOf.size;
  }

  /** XOR of the ids of all rows. */
  get digest(): bigint {
    return this.#digest.reduce((bits, word) => (bits << 32n) | BigInt(word), 0n);
  }

  /** What all rows take of `EVENT_MAX_BYTES` together, as `bytesOf` counts it. */
  get bytes(): number {
    return this.#bytes;
  }

  /** When the first row ends that does, in epoch milliseconds; infinity when none does. */
  get firstEnd(): number {
    if (this.#firstEnd === null) {
      let first = Number.POSITIVE_INFINITY;
      for (const end of this.#ends ?? []) if (end < first) first = end;
      this.#firstEnd = first;
    }
    return this.#firstEnd;
  }

  has(userId: string): boolean {
    return this.#slotOf.has(userId);
  }

  get(userId: string): Place | undefined {
    const slot = this.#slotOf.get(userId);
    return slot === undefined ? undefined : this.#read(slot);
  }

  /** The users who have a row. */
  userIds(): Iterable<string> {
    return this.#slotOf.keys();
  }

  /** The user who has the row with this id. Looks at every row. */
  whoHas(id: string): string | undefined {
    for (const [userId, slot] of this.#slotOf) if (this.#idAt(slot) === id) return userId;
    return undefined;
  }

  /** Adds the row of a user who has none. Rows may be added in any order. */
  add(place: Place): void {
    const { id, userId, order, createdAt, overrideReason, endsAt } = place;
    if (this.#slotOf.has(userId)) throw new Error(`user of row ${id} has a place already`);
    const slot = this.#userIds.length;
    if (slot === this.#orders.length) this.#resize(slot * 2);
    const rarity: Rarity = {};
    if (!writeId(this.#ids, slot, id)) rarity.id = id;
    const time = toTime(createdAt);
    if (Number.isNaN(time)) rarity.createdAt = createdAt;
    if (overrideReason !== undefined) rarity.overrideReason = overrideReason;
    if (Object.keys(rarity).length > 0) this.#rarities.set(slot, rarity);
    if (slot > 0 && order < Number(this.#orders[slot - 1])) this.#isSorted = false;
    this.#userIds.push(userId);
    this.#orders[slot] = order;
    this.#times[slot] = time;
    if (endsAt !== undefined) {
      this.#ends ??= new Float64Array(this.#orders.length).fill(Number.NaN);
      this.#ends[slot] = endsAt;
      if (this.#firstEnd !== null) this.#firstEnd = Math.min(this.#firstEnd, endsAt);
    }
    setBit(this.#taken, slot);
    this.#slotOf.set(userId, slot);
    this.#sum(slot);
    this.#bytes += bytesOf(place);
  }

  /** Removes the row of a user, and tells whether there was one with this id. */
  remove(userId: string, id: string): boolean {
    const slot = this.#slotOf.get(userId);
    if (slot === undefined || this.#idAt(slot) !== id) return false;
    this.#sum(slot);
    if (this.#ends) {
      if (this.#ends[slot] === this.#firstEnd) this.#firstEnd = null;
      this.#ends[slot] = Number.NaN;
    }
    this.#bytes -= bytesOf({ userId, overrideReason: this.#rarities.get(slot)?.overrideReason });
    this.#slotOf.delete(userId);
    this.#userIds[slot] = undefined;
    this.#rarities.delete(slot);
    clearBit(this.#taken, slot);
    const { length } = this.#userIds;
    while (this.#head < length && this.#userIds[this.#head] === undefined) this.#head++;
    if (length > 2 * this.size + FIRST_SLOTS) this.#rebuild(this.#liveSlots());
    return true;
  }

  /** How many rows come before the row of this user, who must have one. */
  aheadOf(userId: string): number {
    this.#sort();
    const slot = this.#slotOf.get(userId);
    if (slot === undefined) throw new Error('the user has no place');
    if (this.#userIds.length - this.#head === this.size) return slot - this.#head;
    return countBitsBefore(this.#taken, this.#head, slot);
  }

  /** Rows in order: those after an order number, or all. */
  *inOrder(after = Number.NEGATIVE_INFINITY): Generator<Place> {
    this.#sort();
    let [low, high] = [this.#head, this.#userIds.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (Number(this.#orders[middle]) <= after) low = middle + 1;
      else high = middle;
    }
    for (let slot = low; slot < this.#userIds.length; slot++) {
      if (this.#userIds[slot] !== undefined) yield this.#read(slot);
    }
  }

  /** The rows that end at this time or before, in order. */
  *endedBy(time: number): Generator<Place> {
    if (this.firstEnd > time) return;
    this.#sort();
    for (let slot = this.#head; slot < this.#userIds.length; slot++) {
      if (Number(this.#ends?.[slot]) <= time) yield this.#read(slot);
    }
  }

  /** Visits the rows that end, in any order: when, their order, and when they were made, in epoch milliseconds. */
  eachEnd(visit: (end: number, order: number, createdAt: number) => void): void {
    if (this.#ends === null) return;
    for (let slot = this.#head; slot < this.#userIds.length; slot++) {
      const end = Number(this.#ends[slot]);
      if (!Number.isNaN(end)) visit(end, Number(this.#orders[slot]), Number(this.#times[slot]));
    }
  }

  /** Moves the rows that end into another instance, which it returns. */
  takeEnding(): Places {
    const taken = new Places();
    if (this.#ends === null) return taken;
    for (const userId of [...this.#slotOf.keys()]) {
      const slot = this.#slotOf.get(userId) ?? 0;
      if (Number.isNaN(Number(this.#ends[slot]))) continue;
      const place = this.#read(slot);
      this.remove(userId, place.id);
      taken.add(place);
    }
    return taken;
  }

  #read(slot: number): Place {
    const rarity = this.#rarities.get(slot);
    const place: Place = {
      id: this.#idAt(slot),
      userId: this.#userIds[slot] ?? '',
      order: Number(this.#orders[slot]),
      createdAt: rarity?.createdAt ?? new Date(Number(this.#times[slot])).toISOString(),
    };
    if (rarity?.overrideReason !== undefined) place.overrideReason = rarity.overrideReason;
    const endsAt = this.#ends?.[slot];
    if (endsAt !== undefined && !Number.isNaN(endsAt)) place.endsAt = endsAt;
    return place;
  }

  #idAt(slot: number): string {
    const rare = this.#rarities.get(slot)?.id;
    if (rare !== undefined) return rare;
    return readId(this.#ids, slot);
  }

  /** Adds a row's id to the digest, or takes it out again: XOR does both. */
  #sum(slot: number): void {
    for (let i = 0; i < ID_WORDS; i++) {
      this.#digest[i] = Number(this.#digest[i]) ^ Number(this.#ids[slot * ID_WORDS + i]);
    }
  }

  #liveSlots(): Uint32Array {
    return Uint32Array.from(this.#slotOf.values()).sort();
  }

  #sort(): void {
    if (this.#isSorted) return;
    const orders = this.#orders;
    this.#rebuild(this.#liveSlots().sort((a, b) => Number(orders[a]) - Number(orders[b])));
    this.#isSorted = true;
  }

  #resize(slots: number): void {
    const grown = <Column extends Float64Array | Uint32Array>(
      column: Column,
      to: Column,
    ): Column => {
      to.set(column);
      return to;
    };
    this.#orders = grown(this.#orders, new Float64Array(slots));
    this.#times = grown(this.#times, new Float64Array(slots));
    this.#ids = grown(this.#ids, new Uint32Array(slots * ID_WORDS));
    this.#taken = grown(this.#taken, new Uint32Array(slots / WORD_BITS));
    if (this.#ends) this.#ends = grown(this.#ends, new Float64Array(slots).fill(Number.NaN));
  }

  /** Moves all rows to the front, so that no gap is left. `slots` are theirs, in the new order. */
  #rebuild(slots: Uint32Array): void {
    const [userIds, orders, times] = [this.#userIds, this.#orders, this.#times];
    const [ids, rarities, ends] = [this.#ids, this.#rarities, this.#ends];
    let room = FIRST_SLOTS;
    while (room < slots.length) room *= 2;
    this.#userIds = [];
    this.#orders = new Float64Array(room);
    this.#times = new Float64Array(room);
    this.#ids = new Uint32Array(room * ID_WORDS);
    this.#taken = new Uint32Array(room / WORD_BITS);
    this.#rarities = new Map();
    if (ends) this.#ends = new Float64Array(room).fill(Number.NaN);
    this.#head = 0;
    for (const [to, from] of slots.entries()) {
      const userId = userIds[from] ?? '';
      this.#userIds.push(userId);
      this.#slotOf.set(userId, to);
      this.#orders[to] = Number(orders[from]);
      this.#times[to] = Number(times[from]);
      if (this.#ends) this.#ends[to] = Number(ends?.[from]);
      this.#ids.set(ids.subarray(from * ID_WORDS, (from + 1) * ID_WORDS), to * ID_WORDS);
      setBit(this.#taken, to);
      const rarity = rarities.get(from);
      if (rarity) this.#rarities.set(to, rarity);
    }
  }
}
