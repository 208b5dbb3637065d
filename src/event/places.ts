import { PLACE_BYTES } from '../limits.ts';

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

/** Words of 32 bits in a UUID. */
const ID_WORDS = 4;
const WORD_BITS = 32;
const FIRST_SLOTS = 64;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The 128 bits of a UUID, as the digest takes them. */
export function idBits(uuid: string): bigint {
  return BigInt(`0x${uuid.replaceAll('-', '')}`);
}

/** The UUID that has these bits. */
export function toUuid(bits: bigint): string {
  const hex = bits.toString(16).padStart(32, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

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

/** How many bits of a word are set. */
function countBits(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** The value of a lower-case hexadecimal digit. */
const digitOf = (code: number): number => (code < 58 ? code - 48 : code - 87);

/** `createdAt` in milliseconds; NaN where it is not written as `toISOString` writes it. */
function toTime(createdAt: string): number {
  const ms = Date.parse(createdAt);
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
    if (!this.#writeId(slot, id)) rarity.id = id;
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
    this.#take(slot);
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
    const word = slot >>> 5;
    this.#taken[word] = Number(this.#taken[word]) & ~(1 << (slot % WORD_BITS));
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
    const last = slot >>> 5;
    let ahead = countBits(Number(this.#taken[last]) & ((1 << (slot % WORD_BITS)) - 1));
    for (let word = this.#head >>> 5; word < last; word++)
      ahead += countBits(Number(this.#taken[word]));
    return ahead;
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
    const word = (i: number) =>
      Number(this.#ids[slot * ID_WORDS + i])
        .toString(16)
        .padStart(8, '0');
    const [b, c] = [word(1), word(2)];
    return `${word(0)}-${b.slice(0, 4)}-${b.slice(4)}-${c.slice(0, 4)}-${c.slice(4)}${word(3)}`;
  }

  /** Writes the bits of an id. Returns false when the bits don't give its spelling back. */
  #writeId(slot: number, id: string): boolean {
    const first = slot * ID_WORDS;
    if (!UUID.test(id)) {
      const bits = idBits(id);
      for (let i = 0; i < ID_WORDS; i++) {
        this.#ids[first + i] = Number(BigInt.asUintN(32, bits >> BigInt(32 * (ID_WORDS - 1 - i))));
      }
      return false;
    }
    let at = 0;
    for (let i = 0; i < ID_WORDS; i++) {
      let word = 0;
      for (let digits = 0; digits < 8; at++) {
        const code = id.charCodeAt(at);
        if (code === 45) continue;
        word = (word << 4) | digitOf(code);
        digits++;
      }
      this.#ids[first + i] = word;
    }
    return true;
  }

  /** Adds a row's id to the digest, or takes it out again: XOR does both. */
  #sum(slot: number): void {
    for (let i = 0; i < ID_WORDS; i++) {
      this.#digest[i] = Number(this.#digest[i]) ^ Number(this.#ids[slot * ID_WORDS + i]);
    }
  }

  #take(slot: number): void {
    const word = slot >>> 5;
    this.#taken[word] = Number(this.#taken[word]) | (1 << (slot % WORD_BITS));
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
      this.#take(to);
      const rarity = rarities.get(from);
      if (rarity) this.#rarities.set(to, rarity);
    }
  }
}
