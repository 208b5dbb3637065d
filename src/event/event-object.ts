import { DurableObject } from 'cloudflare:workers';
import { readConfig } from '../config.ts';
import { QUEUE_WAIT_MS } from '../limits.ts';
import type { EventRecord } from '../schemas.ts';
import { openStore, type Store, StoreUnavailableError } from '../store/client.ts';
import { commit } from '../store/commit.ts';
import { UserDirectory } from '../store/directory.ts';
import { loadEvent } from '../store/load.ts';
import { findUsers } from '../store/users.ts';
import { type Reply, Sequencer } from './sequencer.ts';

/** The sequencer of an event over the tables, as the object runs it. */
export function openSequencer(store: Store, eventId: string): Sequencer {
  return new Sequencer({
    load: (options) => loadEvent(store, eventId, options),
    commit: (base, draft) => commit(store, base, draft, crypto.randomUUID()),
    now: () => Date.now(),
    newId: () => crypto.randomUUID(),
    // biome-ignore lint/suspicious/noConsole: the platform's log
    log: (problem, details) => console.warn(JSON.stringify({ problem, eventId, ...details })),
  });
}

/** The object of one event: the only place where the rules and the store meet. */
export class EventObject extends DurableObject<Env> {
  readonly #sequencer: Sequencer;
  readonly #users: UserDirectory;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const eventId = ctx.id.name;
    if (eventId === undefined)
      throw new Error('an event object is addressed by the id of its event');
    const store = openStore(readConfig(env));
    this.#users = new UserDirectory((userIds) => findUsers(store, userIds));
    this.#sequencer = openSequencer(store, eventId);
  }

  /** Creates the event. */
  create(event: Omit<EventRecord, 'createdAt'>): Promise<Reply> {
    return this.#sequencer.submit({ type: 'create', event }, Date.now() + QUEUE_WAIT_MS);
  }

  /** The event and its counts, as committed. */
  read(): Promise<Reply> {
    return this.#sequencer.submit({ type: 'read' }, Date.now() + QUEUE_WAIT_MS);
  }

  /** Gives a user a seat, or a place in line. */
  async register(userId: string): Promise<Reply> {
    const expiresAt = Date.now() + QUEUE_WAIT_MS;
    if (!this.#sequencer.knows(userId) && !this.#users.isKnown(userId)) {
      this.#sequencer.warmUp();
      try {
        if (!(await this.#users.exists(userId))) return { type: 'refused', reason: 'no-such-user' };
      } catch (error) {
        if (!(error instanceof StoreUnavailableError)) throw error;
        return { type: 'unavailable', reason: 'unreachable' };
      }
    }
    return this.#sequencer.submit({ type: 'register', userId }, expiresAt);
  }

  /** Takes a user's seat back, and gives it to whoever is first in line. */
  unregister(userId: string): Promise<Reply> {
    return this.#sequencer.submit({ type: 'unregister', userId }, Date.now() + QUEUE_WAIT_MS);
  }
}
