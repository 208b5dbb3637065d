/**
 * A map of what came last, bounded by weight: when the younger half is full, the older one goes. A map
 * from which the oldest entry is deleted one by one would be slow to find the next.
 */
export class Recent<Value> {
  readonly #maxWeight: number;
  #younger = new Map<string, Value>();
  #older = new Map<string, Value>();
  #weight = 0;

  /** @param maxWeight what all entries together may weigh, in the unit of `set` */
  constructor(maxWeight: number) {
    this.#maxWeight = maxWeight;
  }

  get(key: string): Value | undefined {
    return this.#younger.get(key) ?? this.#older.get(key);
  }

  has(key: string): boolean {
    return this.#younger.has(key) || this.#older.has(key);
  }

  /** Keeps a value, for as long as what comes after it leaves room. */
  set(key: string, value: Value, weight = 1): void {
    if (this.#weight + weight > this.#maxWeight / 2) {
      this.#older = this.#younger;
      this.#younger = new Map();
      this.#weight = 0;
    }
    this.#younger.set(key, value);
    this.#weight += weight;
  }
}
