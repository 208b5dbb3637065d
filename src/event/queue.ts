import { QUEUE_MAX_COMMANDS, QUEUE_SWEEP_MS } from '../limits.ts';
import type { Command, Outcome } from './command.ts';
import type { IdempotencyKey, Replay } from './idempotency.ts';

/** Why a command got no outcome. */
export interface Unavailable {
  type: 'unavailable';
  /**
   * `uncertain`: it may have been carried out. Otherwise it was not. `notAdopted`: not before somebody
   * adopts the event of another system. `defect`: never.
   */
  reason: 'busy' | 'expired' | 'unreachable' | 'notAdopted' | 'unapplied' | 'uncertain' | 'defect';
}

/** A first attempt with this key is still at work. */
export interface KeyInFlight {
  type: 'keyRefused';
  reason: 'in-flight';
}

/** What it took to answer a command. Milliseconds, as the runtime's clock has them. */
export interface Timing {
  /** Until its batch was sent, or it was refused: look-up, load and queue. */
  queueMs: number;
  /** The commit that the answer rests on; 0 where it rests on none. */
  commitMs: number;
  /** Rows and keys of that commit. */
  batch: number;
  /** Calls to DynamoDB that the commit took, those of all its parts. */
  attempts: number;
}

/** What is said of a commit where there was none. */
export const NO_COMMIT: Omit<Timing, 'queueMs'> = { commitMs: 0, batch: 0, attempts: 0 };

/** What the object answers. */
export type Reply = (Outcome | Unavailable | KeyInFlight | Replay) & {
  timing?: Timing;
  /** Proves that the change is in the log; only there where something was changed. */
  receipt?: string;
};

/** A command in the queue, and whoever waits for its reply. */
export interface Pending {
  command: Command;
  key: IdempotencyKey | undefined;
  /** Who asks, as the log tells it; null where nobody has shown who they are. */
  actor: string | null;
  /** Epoch milliseconds at which it joined the queue. */
  askedAt: number;
  /** Epoch milliseconds from which on the command is refused rather than decided. */
  expiresAt: number;
  /** It was decided once, and nothing came of it: its turn is before everybody else's. */
  isPutBack?: boolean;
  settle: (reply: Reply) => void;
}

/** Tells those who wait that there is no outcome, and what it took to find out. */
export function refuseAll(
  pending: Pending[],
  reason: Unavailable['reason'],
  timingOf?: (pending: Pending) => Timing,
): void {
  for (const each of pending) {
    each.settle({ type: 'unavailable', reason, ...(timingOf ? { timing: timingOf(each) } : {}) });
  }
}

/** Commands in order of arrival: so many at most, and none for longer than it is willing to wait. */
export class CommandQueue {
  readonly #now: () => number;
  #pending: Pending[] = [];
  /** One timer for all: it runs while the queue is not empty. */
  #sweep: ReturnType<typeof setTimeout> | null = null;

  constructor(now: () => number) {
    this.#now = now;
  }

  get length(): number {
    return this.#pending.length;
  }

  get isFull(): boolean {
    return this.#pending.length >= QUEUE_MAX_COMMANDS;
  }

  add(pending: Pending): void {
    this.#pending.push(pending);
    this.#scheduleSweep();
  }

  /** Takes the first so many out. */
  take(count: number): Pending[] {
    return this.#pending.splice(0, count);
  }

  remove(pending: Pending): void {
    this.#pending = this.#pending.filter((each) => each !== pending);
  }

  /**
   * Puts those that were taken back where they were, and refuses those whose time is over.
   *
   * @param timingOf what it took to find out that they expired
   */
  putBack(taken: Pending[], timingOf: (pending: Pending) => Timing): void {
    const now = this.#now();
    const isAlive = ({ expiresAt }: Pending) => expiresAt > now;
    refuseAll(
      taken.filter((each) => !isAlive(each)),
      'expired',
      timingOf,
    );
    const alive = taken.filter(isAlive);
    for (const each of alive) each.isPutBack = true;
    this.#pending.unshift(...alive);
    this.#scheduleSweep();
  }

  /**
   * The commands to decide next, in order. Those that were put back come by themselves: a used key
   * among new ones would cancel their batch again, and a stream of replays would starve them.
   */
  *next(): Iterable<Pending> {
    const isSecondTry = this.#pending[0]?.isPutBack === true;
    for (const each of this.#pending) {
      if (isSecondTry && !each.isPutBack) return;
      yield each;
    }
  }

  /** Stops the timer of an empty queue, which would keep the object from resting. */
  rest(): void {
    if (this.#sweep !== null) clearTimeout(this.#sweep);
    this.#sweep = null;
  }

  /** Refuses those who have waited too long, whatever the queue is waiting for. */
  #scheduleSweep(): void {
    if (this.#sweep !== null || this.#pending.length === 0) return;
    this.#sweep = setTimeout(() => {
      this.#sweep = null;
      const now = this.#now();
      const expired = this.#pending.filter(({ expiresAt }) => expiresAt <= now);
      if (expired.length > 0) {
        this.#pending = this.#pending.filter(({ expiresAt }) => expiresAt > now);
        refuseAll(expired, 'expired');
      }
      this.#scheduleSweep();
    }, QUEUE_SWEEP_MS);
  }
}
