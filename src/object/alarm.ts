import { ALARM_EARLY_MAX_MS, ALARM_GRACE_MS, CREATION_LANDS_MS } from '../limits.ts';

/** What of the object's storage the alarm needs. */
export type AlarmStorage = Pick<DurableObjectStorage, 'getAlarm' | 'setAlarm'>;

/**
 * The object's one alarm. It is a hint that may be late, or lost with a restored table: what is due stands in
 * the event item, and is looked up whenever the object wakes.
 */
export class Alarm {
  readonly #storage: AlarmStorage;
  readonly #now: () => number;
  /** Epoch milliseconds; null when no alarm is set, undefined when that is not known yet. */
  #setFor: number | null | undefined;

  constructor(storage: AlarmStorage, now: () => number) {
    this.#storage = storage;
    this.#now = now;
  }

  /**
   * Makes sure that the object is woken when something is due; what is due already is being done, and
   * the alarm comes after it. Done when that is durable.
   *
   * @param dueAt epoch milliseconds
   */
  async ensure(dueAt: number): Promise<void> {
    const now = this.#now();
    const at = dueAt > now ? dueAt : now + ALARM_GRACE_MS;
    if (this.#setFor === undefined) {
      const found = await this.#storage.getAlarm();
      // Unless somebody else has set it meanwhile: what was found is older.
      if (this.#setFor === undefined) this.#setFor = found;
    }
    if (this.#setFor !== null && this.#setFor <= at) return;
    await this.#set(at);
  }

  /**
   * Before the creation of the event: the object is woken when it is known what became of it, instead of any earlier
   * time. An alarm that finds no event sets no other. Done when that is durable.
   */
  ensureAfterCreation(): Promise<void> {
    return this.#set(this.#now() + CREATION_LANDS_MS);
  }

  async #set(at: number): Promise<void> {
    this.#setFor = at;
    try {
      await this.#storage.setAlarm(at);
    } catch (error) {
      this.#setFor = undefined;
      throw error;
    }
  }

  /** The alarm may have been lost: it is looked up again. */
  doubt(): void {
    this.#setFor = undefined;
  }

  /**
   * By how many milliseconds an alarm is early that goes off now, by this machine's clock; 0 where it is not early, or
   * where nobody knows what it was set for.
   */
  get earlyMs(): number {
    const earlyMs = Math.max(0, (this.#setFor ?? 0) - this.#now());
    // Clocks are not further apart: the platform has called twice, and the next alarm is set already.
    return earlyMs <= ALARM_EARLY_MAX_MS ? earlyMs : 0;
  }

  /** The alarm has gone off, and is not set any more. */
  wentOff(): void {
    this.#setFor = null;
  }
}
