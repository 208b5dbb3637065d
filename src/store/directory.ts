import { Recent } from '../event/recent.ts';
import {
  BATCH_GET_MAX_KEYS,
  KNOWN_USERS_MAX,
  LOOKUPS_MAX_IN_FLIGHT,
  LOOKUPS_MAX_PENDING,
} from '../limits.ts';
import { StoreUnavailableError } from './client.ts';

interface LookUp {
  /** Epoch milliseconds from which on nobody waits for it any more. */
  expiresAt: number;
  promise: Promise<boolean>;
  resolve: (exists: boolean) => void;
  reject: (error: unknown) => void;
}

/**
 * Users who are known to exist: so many at most, the oldest go first. Users are never deleted, so
 * whatever one object of an isolate has learnt holds for all of them.
 */
export class KnownUsers {
  readonly #known = new Recent<true>(KNOWN_USERS_MAX);

  has(userId: string): boolean {
    return this.#known.has(userId);
  }

  add(userId: string): void {
    this.#known.set(userId, true);
  }
}

/**
 * Tells whether users exist. Those found are remembered, those not found are not (they may be
 * created the next moment). Questions that arrive together share one call.
 */
export class UserDirectory {
  readonly #find: (userIds: string[]) => Promise<Set<string>>;
  readonly #known: KnownUsers;
  /** Asked, and not yet sent. */
  readonly #waiting = new Map<string, LookUp>();
  #inFlight = 0;
  #isScheduled = false;

  constructor(find: (userIds: string[]) => Promise<Set<string>>, known: KnownUsers) {
    this.#find = find;
    this.#known = known;
  }

  /** True when the user is known to exist without asking. */
  isKnown(userId: string): boolean {
    return this.#known.has(userId);
  }

  /**
   * @param expiresAt epoch milliseconds from which on it is not looked up any more
   * @throws StoreUnavailableError when too many look-ups wait, or for too long, or the table does not answer
   */
  exists(userId: string, expiresAt: number): Promise<boolean> {
    if (this.#known.has(userId)) return Promise.resolve(true);
    const asked = this.#waiting.get(userId);
    if (asked) {
      asked.expiresAt = Math.max(asked.expiresAt, expiresAt);
      return asked.promise;
    }
    if (this.#waiting.size >= LOOKUPS_MAX_PENDING) {
      return Promise.reject(new StoreUnavailableError('too many users are being looked up', false));
    }
    const lookUp = { ...Promise.withResolvers<boolean>(), expiresAt };
    this.#waiting.set(userId, lookUp);
    this.#schedule();
    return lookUp.promise;
  }

  /**
   * Sends with the next turn, so that whoever asks until then travels along: each request reaches the
   * object in a turn of its own. Beside a call in flight only a full one goes out, since a call costs
   * the same for one user as for a hundred.
   */
  #schedule(): void {
    const enough = this.#inFlight === 0 ? 1 : BATCH_GET_MAX_KEYS;
    if (this.#isScheduled || this.#waiting.size < enough) return;
    if (this.#inFlight >= LOOKUPS_MAX_IN_FLIGHT) return;
    this.#isScheduled = true;
    setTimeout(() => {
      this.#isScheduled = false;
      void this.#send();
    }, 0);
  }

  /** Refuses what has waited too long. Calls end by a deadline of their own, so this comes in time. */
  #expire(): void {
    const now = Date.now();
    for (const [userId, { expiresAt, reject }] of this.#waiting) {
      if (expiresAt > now) continue;
      this.#waiting.delete(userId);
      reject(new StoreUnavailableError('too many users are being looked up', false));
    }
  }

  async #send(): Promise<void> {
    this.#expire();
    const batch = [...this.#waiting].slice(0, BATCH_GET_MAX_KEYS);
    if (batch.length === 0) return;
    for (const [userId] of batch) this.#waiting.delete(userId);
    this.#inFlight++;
    this.#schedule();
    try {
      const found = await this.#find(batch.map(([userId]) => userId));
      for (const [userId, lookUp] of batch) {
        if (found.has(userId)) this.#known.add(userId);
        lookUp.resolve(found.has(userId));
      }
    } catch (error) {
      for (const [, lookUp] of batch) lookUp.reject(error);
    } finally {
      this.#inFlight--;
      this.#schedule();
    }
  }
}
