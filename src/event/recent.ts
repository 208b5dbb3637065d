/**
 * A map of the latest values, bounded by weight. It has two halves: the older half is dropped when the
 * younger half is full. Deleting the oldest key of a single map is slow, since finding the next takes time.
 */
export class Recent<Value> {
  readonly #maxWeight: number;
  #younger = new Map<string, Value>();
  #older = new Map<string, Value>();
  #weight = 0;

  /** @param maxWeight what all values together may weigh, in the unit of `set` */
  constructor(maxWeight: number) {
    this.#maxWeight = maxWeight;
  }

  get(key: string): Value | undefined {
    return this.#younger.get(key) ?? this.#older.get(key);
  }

  /** Drops a value; its weight stays counted until the halves change. */
  delete(key: string): void {
    this.#younger.delete(key);
    this.#older.delete(key);
  }

  /** Keeps a value until later values need its room. */
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
