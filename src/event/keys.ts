import { USED_KEYS_MAX_CHARS } from '../limits.ts';
import type { Command } from './command.ts';
import { type IdempotencyKey, type KeyRecord, type Replay, replay } from './idempotency.ts';
import type { KeyInFlight } from './queue.ts';
import { Recent } from './recent.ts';

/** The idempotency keys that an event has in memory: those in flight, and those that were used lately. */
export class Keys {
  readonly #now: () => number;
  readonly #inFlight = new Set<string>();
  /** Records that are durable: a replay of one of them costs no transaction. */
  readonly #used = new Recent<KeyRecord>(USED_KEYS_MAX_CHARS);

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Does the work of a request, or refuses it while another with the same key is in flight. */
  async hold<T>(key: IdempotencyKey, work: () => Promise<T>): Promise<T | KeyInFlight> {
    if (this.#inFlight.has(key.id)) return { type: 'keyRefused', reason: 'in-flight' };
    this.#inFlight.add(key.id);
    try {
      return await work();
    } finally {
      this.#inFlight.delete(key.id);
    }
  }

  /** The answer to a key that was used; null for a new key, and for one that memory has dropped. */
  replayOf(key: IdempotencyKey, command: Command): Replay | null {
    const record = this.#used.get(key.id);
    const isUsed = record !== undefined && record.expiresAt * 1_000 > this.#now();
    return isUsed ? replay(record, key, command) : null;
  }

  /** @param record a record that is durable */
  remember(record: KeyRecord): void {
    this.#used.set(record.id, record, record.id.length + record.outcome.length);
  }
}
