import { USED_KEYS_MAX_CHARS } from '../limits.ts';
import { type IdempotencyKey, type KeyRecord, type Replay, replay } from './idempotency.ts';
import type { KeyInFlight } from './queue.ts';
import { Recent } from './recent.ts';

/** The idempotency keys that an event knows of: those at work, and those that were used lately. */
export class Keys {
  readonly #now: () => number;
  readonly #atWork = new Set<string>();
  /** Their records are known to be durable: replays of these cost no transaction. */
  readonly #used = new Recent<KeyRecord>(USED_KEYS_MAX_CHARS);

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Does the work of a request, unless another with the same key is at work. */
  async hold<T>(key: IdempotencyKey, work: () => Promise<T>): Promise<T | KeyInFlight> {
    if (this.#atWork.has(key.id)) return { type: 'keyRefused', reason: 'in-flight' };
    this.#atWork.add(key.id);
    try {
      return await work();
    } finally {
      this.#atWork.delete(key.id);
    }
  }

  /** What a key was used for, as far as it is remembered. */
  replayOf(key: IdempotencyKey): Replay | null {
    const record = this.#used.get(key.id);
    const isUsed = record !== undefined && record.expiresAt * 1_000 > this.#now();
    return isUsed ? replay(record, key) : null;
  }

  /** @param record is durable */
  remember(record: KeyRecord): void {
    this.#used.set(record.id, record, record.id.length + record.outcome.length);
  }
}
