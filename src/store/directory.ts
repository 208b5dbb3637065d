import { Recent } from '../event/recent.ts';
import {
  BATCH_GET_MAX_KEYS,
  KNOWN_USERS_MAX,
  KNOWN_USERS_MS,
  LOOKUPS_MAX_IN_FLIGHT,
  LOOKUPS_MAX_PENDING,
} from '../limits.ts';
import { StoreUnavailableError } from './client.ts';

/** A look-up of one user, which all who ask for that user share. */
interface LookUp {
  /** Epoch milliseconds from which on nobody waits for it any more. */
  expiresAt: number;
  promise: Promise<boolean>;
  resolve: (exists: boolean) => void;
  reject: (error: unknown) => void;
}

/**
 * Users who are known to exist: at most `KNOWN_USERS_MAX`, the oldest are dropped first, and none for longer
 * than `KNOWN_USERS_MS`, since users can be erased. The objects of an isolate share one instance.
 */
export class KnownUsers {
  readonly #now: () => number;
  /** When each was looked up, in epoch milliseconds. */
  readonly #known = new Recent<number>(KNOWN_USERS_MAX);

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  has(userId: string): boolean {
    const at = this.#known.get(userId);
    return at !== undefined && this.#now() < at + KNOWN_USERS_MS;
  }

  /** @param at epoch milliseconds at which the look-up was sent: it saw the table at that time or later */
  add(userId: string, at: number): void {
    this.#known.set(userId, at);
  }

  /** Forgets a user who is being erased, in this isolate; others follow within `KNOWN_USERS_MS`. */
  forget(userId: string): void {
    this.#known.delete(userId);
  }
}

/**
 * Tells whether users exist. Only users who exist are remembered, since others may be created at any
 * moment. Look-ups that arrive together share one call.
 */
export class UserDirectory {
  readonly #find: (userIds: string[]) => Promise<Set<string>>;
  readonly #known: KnownUsers;
  /** Look-ups that are not sent yet, by user id. */
  readonly #unsent = new Map<string, LookUp>();
  #inFlight = 0;
  #isScheduled = false;

  constructor(find: (userIds: string[]) => Promise<Set<string>>, known: KnownUsers) {
    this.#find = find;
    this.#known = known;
  }

  /** Looks a user up anew who is asked for again. */
  forget(userId: string): void {
    this.#known.forget(userId);
  }

  /** Whether the user is known to exist without a look-up. */
  isKnown(userId: string): boolean {
    return this.#known.has(userId);
  }

  /**
   * Whether a user exists.
   *
   * @param expiresAt epoch milliseconds from which on the look-up is given up
   * @throws StoreUnavailableError when too many look-ups wait, or for too long, or the table does not answer
   */
  exists(userId: string, expiresAt: number): Promise<boolean> {
    if (this.#known.has(userId)) return Promise.resolve(true);
    const asked = this.#unsent.get(userId);
    if (asked) {
      asked.expiresAt = Math.max(asked.expiresAt, expiresAt);
      return asked.promise;
    }
    if (this.#unsent.size >= LOOKUPS_MAX_PENDING) {
      return Promise.reject(new StoreUnavailableError('too many users are being looked up', false));
    }
    const lookUp = { ...Promise.withResolvers<boolean>(), expiresAt };
    this.#unsent.set(userId, lookUp);
    this.#schedule();
    return lookUp.promise;
  }

  /**
   * Sends in the next turn of the event loop, so that look-ups that arrive until then share the call. While a
   * call is in flight only a full one is sent beside it: a call takes as long for one user as for a hundred.
   */
  #schedule(): void {
    const minimum = this.#inFlight === 0 ? 1 : BATCH_GET_MAX_KEYS;
    if (this.#isScheduled || this.#unsent.size < minimum) return;
    if (this.#inFlight >= LOOKUPS_MAX_IN_FLIGHT) return;
    this.#isScheduled = true;
    setTimeout(() => {
      this.#isScheduled = false;
      void this.#send();
    }, 0);
  }

  /** Refuses expired look-ups before each call. Calls have a deadline, so this happens in time. */
  #expire(): void {
    const now = Date.now();
    for (const [userId, { expiresAt, reject }] of this.#unsent) {
      if (expiresAt > now) continue;
      this.#unsent.delete(userId);
      reject(new StoreUnavailableError('too many users are being looked up', false));
    }
  }

  async #send(): Promise<void> {
    this.#expire();
    const batch = [...this.#unsent].slice(0, BATCH_GET_MAX_KEYS);
    if (batch.length === 0) return;
    for (const [userId] of batch) this.#unsent.delete(userId);
    this.#inFlight++;
    this.#schedule();
    const sentAt = Date.now();
    try {
      const found = await this.#find(batch.map(([userId]) => userId));
      for (const [userId, lookUp] of batch) {
        if (found.has(userId)) this.#known.add(userId, sentAt);
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
