import { DurableObject } from 'cloudflare:workers';
import app from '../../../src/app.ts';
import { Sequencer } from '../../../src/event/sequencer.ts';
import { EventState } from '../../../src/event/state.ts';
import { QUEUE_WAIT_MS } from '../../../src/limits.ts';
import { UserDirectory } from '../../../src/store/directory.ts';
import type { EventApi } from './event-api.ts';

/**
 * The ceiling: the product's object over a store that answers at once, and knows every user. What is
 * left is the price of HTTP, routing, calling the object and deciding.
 */
export class EventObject extends DurableObject<Env> implements EventApi {
  readonly #users = new UserDirectory(async (userIds) => new Set(userIds));
  readonly #sequencer = new Sequencer({
    load: async () => new EventState(),
    commit: async () => ({ type: 'committed', attempts: 1 }),
    now: () => Date.now(),
    newId: () => crypto.randomUUID(),
    log: () => {},
  });

  create(event: Parameters<EventApi['create']>[0]) {
    return this.#sequencer.submit({ type: 'create', event }, Date.now() + QUEUE_WAIT_MS);
  }

  read() {
    return this.#sequencer.submit({ type: 'read' }, Date.now() + QUEUE_WAIT_MS);
  }

  async register(userId: string) {
    const expiresAt = Date.now() + QUEUE_WAIT_MS;
    if (!this.#sequencer.knows(userId) && !this.#users.isKnown(userId)) {
      this.#sequencer.warmUp();
      await this.#users.exists(userId);
    }
    return this.#sequencer.submit({ type: 'register', userId }, expiresAt);
  }

  unregister(userId: string) {
    return this.#sequencer.submit({ type: 'unregister', userId }, Date.now() + QUEUE_WAIT_MS);
  }
}

export default app;
