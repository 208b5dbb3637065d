import { REPLIES_PER_TURN } from '../limits.ts';
import type { Decided } from './batch.ts';
import { isQuestion } from './command.ts';
import type { Pending, Reply, Timing } from './queue.ts';

/** Waits for the next turn of the event loop, so that other requests and pending sends run first. */
export const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

/** The reply to a command whose commit is durable. An answer to a question tells nothing of commits. */
export function replyTo(
  { pending, outcome }: Decided,
  receipt: string | null | undefined,
  timingOf: (pending: Pending) => Timing,
): Reply {
  if (isQuestion(pending.command)) return outcome;
  return { ...outcome, ...(receipt ? { receipt } : {}), timing: timingOf(pending) };
}

/** Replies that can leave, in order: their commit is durable. */
export class Replies {
  readonly #due: { pending: Pending; reply: Reply }[] = [];

  get isEmpty(): boolean {
    return this.#due.length === 0;
  }

  add(pending: Pending, reply: Reply): void {
    this.#due.push({ pending, reply });
  }

  /** Sends all replies, a few each turn, so that a commit in flight gets turns in between. */
  async leave(): Promise<void> {
    while (this.#due.length > 0) {
      for (const { pending, reply } of this.#due.splice(0, REPLIES_PER_TURN)) pending.settle(reply);
      if (this.#due.length > 0) await turn();
    }
  }
}
