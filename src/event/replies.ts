import { REPLIES_PER_TURN } from '../limits.ts';
import type { Pending, Reply } from './queue.ts';

/** Waits for the next turn of the event loop, so that other requests and pending sends run first. */
export const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

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
