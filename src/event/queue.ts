import { QUEUE_MAX_COMMANDS, QUEUE_SWEEP_MS } from '../limits.ts';
import type { Command, Outcome } from './command.ts';
import type { IdempotencyKey, Replay } from './idempotency.ts';

/** Why a command got no outcome. */
export interface Unavailable {
  type: 'unavailable';
  /** `uncertain`: it may have been carried out. Otherwise it was not. */
  reason: 'busy' | 'expired' | 'unreachable' | 'unapplied' | 'uncertain';
}

/** A first attempt with this key is still at work. */
export interface KeyInFlight {
  type: 'keyRefused';
  reason: 'in-flight';
}

/** What it took to answer a command. Milliseconds, as the runtime's clock has them. */
export interface Took {
  /** Until its batch was sent, or it was refused: look-up, load and queue. */
  queueMs: number;
  /** The commit that the answer rests on; 0 where it rests on none. */
  commitMs: number;
  /** Rows and keys of that commit. */
  batch: number;
  attempts: number;
}

/** What is said of a commit where there was none. */
export const NO_COMMIT: Omit<Took, 'queueMs'> = { commitMs: 0, batch: 0, attempts: 0 };

/** What the object answers. */
export type Reply = (Outcome | Unavailable | KeyInFlight | Replay) & { took?: Took };

/** A command, and whoever waits for its reply. */
export interface Waiting {
  command: Command;
  key: IdempotencyKey | undefined;
  /** Epoch milliseconds at which it joined the queue. */
  askedAt: number;
  /** Epoch milliseconds after which the command is not decided any more. */
  expiresAt: number;
  settle: (reply: Reply) => void;
}

/** Tells those who wait that there is no outcome, and what it took to find out. */
export function refuse(
  waiting: Waiting[],
  reason: Unavailable['reason'],
  tookOf?: (waiting: Waiting) => Took,
): void {
  for (const each of waiting) {
    each.settle({ type: 'unavailable', reason, ...(tookOf ? { took: tookOf(each) } : {}) });
  }
}

/** Commands in order of arrival: so many at most, and none for longer than it is willing to wait. */
export class CommandQueue {
  readonly #now: () => number;
  #waiting: Waiting[] = [];
  /** One timer for all: it runs while the queue is not empty. */
  #sweep: ReturnType<typeof setTimeout> | null = null;

  constructor(now: () => number) {
    this.#now = now;
  }

  get length(): number {
    return this.#waiting.length;
  }

  get isFull(): boolean {
    return this.#waiting.length >= QUEUE_MAX_COMMANDS;
  }

  add(waiting: Waiting): void {
    this.#waiting.push(waiting);
    this.#scheduleSweep();
  }

  /** Takes the first so many out. */
  take(count: number): Waiting[] {
    return this.#waiting.splice(0, count);
  }

  /** Puts those that were taken back where they were. */
  putBack(taken: Waiting[]): void {
    this.#waiting.unshift(...taken);
    this.#scheduleSweep();
  }

  [Symbol.iterator](): Iterator<Waiting> {
    return this.#waiting[Symbol.iterator]();
  }

  /** Stops the timer of an empty queue, which would keep the object from resting. */
  rest(): void {
    if (this.#sweep !== null) clearTimeout(this.#sweep);
    this.#sweep = null;
  }

  /** Refuses those who have waited too long, whatever the queue is waiting for. */
  #scheduleSweep(): void {
    if (this.#sweep !== null || this.#waiting.length === 0) return;
    this.#sweep = setTimeout(() => {
      this.#sweep = null;
      const now = this.#now();
      const expired = this.#waiting.filter(({ expiresAt }) => expiresAt <= now);
      if (expired.length > 0) {
        this.#waiting = this.#waiting.filter(({ expiresAt }) => expiresAt > now);
        refuse(expired, 'expired');
      }
      this.#scheduleSweep();
    }, QUEUE_SWEEP_MS);
  }
}
