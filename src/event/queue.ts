import { QUEUE_MAX_COMMANDS, QUEUE_SWEEP_MS } from '../limits.ts';
import type { Command, Outcome } from './command.ts';
import type { IdempotencyKey, Replay } from './idempotency.ts';

/** The reply to a command that got no outcome. */
export interface Unavailable {
  type: 'unavailable';
  /**
   * `uncertain`: the command may have been carried out. With any other reason it was not.
   * `notAdopted`: it can't be, until the event of the seed system is adopted.
   * `defect`: it can't be; trying again fails too.
   */
  reason: 'busy' | 'expired' | 'unreachable' | 'notAdopted' | 'unapplied' | 'uncertain' | 'defect';
}

/** An earlier request with this key is still in flight. */
export interface KeyInFlight {
  type: 'keyRefused';
  reason: 'in-flight';
}

/** What it took to answer a command. Times are milliseconds of the runtime's clock. */
export interface Timing {
  /** From the request until its batch was sent or it was refused: look-up of the user, load, and queue. */
  queueMs: number;
  /** How long the commit took that the answer rests on; 0 where it rests on none. */
  commitMs: number;
  /** Rows and keys of that commit. */
  batch: number;
  /** Calls to DynamoDB that the commit took. */
  attempts: number;
}

/** The timing of an answer that rests on no commit. */
export const NO_COMMIT: Omit<Timing, 'queueMs'> = { commitMs: 0, batch: 0, attempts: 0 };

/** What the object answers. */
export type Reply = (Outcome | Unavailable | KeyInFlight | Replay) & {
  timing?: Timing;
  /** Proves that the change is in the log; only there where something was changed. */
  receipt?: string;
};

/** A command in the queue, and how to reply to it. */
export interface Pending {
  command: Command;
  key: IdempotencyKey | undefined;
  /** Who asks, as the log tells it; null where nobody has shown who they are. */
  actor: string | null;
  /** Epoch milliseconds at which it joined the queue. */
  askedAt: number;
  /** Epoch milliseconds from which on the command is refused rather than decided. */
  expiresAt: number;
  /** It was decided in a batch that was not committed. It is decided again before new commands. */
  isPutBack?: boolean;
  settle: (reply: Reply) => void;
}

/** Replies to commands that they get no outcome. */
export function refuseAll(
  pending: Pending[],
  reason: Unavailable['reason'],
  timingOf?: (pending: Pending) => Timing,
): void {
  for (const each of pending) {
    each.settle({ type: 'unavailable', reason, ...(timingOf ? { timing: timingOf(each) } : {}) });
  }
}

/** Whether a command is to update the event, and not only to say what would become of it. */
export function asksUpdate({ command }: Pick<Pending, 'command'>): boolean {
  return command.type === 'update' && !command.isDryRun;
}

/** Commands in order of arrival: at most `QUEUE_MAX_COMMANDS`, and each until it expires. */
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

  /** Takes the first `count` commands out. */
  take(count: number): Pending[] {
    return this.#pending.splice(0, count);
  }

  /** Takes commands out of the front, as long as they are of a kind. */
  takeWhile(isKind: (pending: Pending) => boolean): Pending[] {
    const end = this.#pending.findIndex((each) => !isKind(each));
    return this.take(end === -1 ? this.length : end);
  }

  remove(pending: Pending): void {
    this.#pending = this.#pending.filter((each) => each !== pending);
  }

  /**
   * Puts commands back to the front of the queue, and refuses those that have expired.
   *
   * @param timingOf gives the timing of an expired command
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
   * The commands to decide next, in order. Commands that were put back get a batch of their own: in a batch
   * with new commands, a used key among those could cancel it again, and a stream of replays would starve them.
   */
  *next(): Iterable<Pending> {
    const isSecondTry = this.#pending[0]?.isPutBack === true;
    for (const each of this.#pending) {
      if (isSecondTry && !each.isPutBack) return;
      yield each;
    }
  }

  /** Stops the timer of an empty queue: while a timer runs, the platform does not evict the object. */
  rest(): void {
    if (this.#sweep !== null) clearTimeout(this.#sweep);
    this.#sweep = null;
  }

  /** Refuses expired commands every `QUEUE_SWEEP_MS`, also while a load or a commit is under way. */
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
