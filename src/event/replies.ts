import { REPLIES_PER_TURN } from '../limits.ts';
import type { Pending, Reply } from './queue.ts';

/** Lets whatever else is ready run first: other requests, and what a call has still to send. */
export const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

/** Replies whose commit is durable, in order, until they leave. */
export class Replies {
  readonly #due: { pending: Pending; reply: Reply }[] = [];

  get isEmpty(): boolean {
    return this.#due.length === 0;
  }

  add(pending: Pending, reply: Reply): void {
    this.#due.push({ pending, reply });
  }

  /** Lets all leave, a few each turn: a commit that is under way has its turns in between. */
  async leave(): Promise<void> {
    while (this.#due.length > 0) {
      for (const { pending, reply } of this.#due.splice(0, REPLIES_PER_TURN)) pending.settle(reply);
      if (this.#due.length > 0) await turn();
    }
  }
}
