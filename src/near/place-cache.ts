import { toHex } from '../digest.ts';
import { NEAR_LEASE_MS, NEAR_MAX_AGE_SECONDS } from '../http-limits.ts';
import type { ReadReply } from './shared-reads.ts';

/** What the isolates of one place tell each other of an event. */
export interface Note {
  eventId: string;
  /** What its object answered last; null: nothing yet. */
  reply: ReadReply | null;
  /** When the object was asked for that, in epoch milliseconds. */
  askedAt: number;
  /** Since when an isolate has been asking the object anew; 0: none is. */
  leasedAt: number;
  /** Which isolate that is, or was. */
  leasedBy: string;
}

/** How a note is laid down; a release that changes `Note` raises it. */
const FORMAT = 1;

/** Whether an isolate is asking the object for all others of its place. After `NEAR_LEASE_MS` it counts as cut off. */
export function isLeased({ leasedAt }: Note, now: number): boolean {
  return Math.abs(now - leasedAt) < NEAR_LEASE_MS;
}

/**
 * The platform's cache of one place, a data centre. It is a help and never needed: where there is none (workers.dev,
 * a runtime without one), nothing is found.
 *
 * A request cannot reach a note: it is in a cache of its own, and the worker, which runs first, has no route of its
 * URL. The URL has every byte of the event's id, in hex, so that nothing can make two of them one; and the note
 * tells which event it is about.
 */
export class PlaceCache {
  readonly #open: () => Promise<Cache>;
  readonly #scope: string;
  readonly #onFailure: (cause: string) => void;

  /**
   * @param scope tells apart services that share a host
   * @param onFailure is told why the cache can't be used
   */
  constructor(open: () => Promise<Cache>, scope: string, onFailure: (cause: string) => void) {
    this.#open = open;
    this.#scope = scope;
    this.#onFailure = onFailure;
  }

  /** @param origin of the request: the platform keeps a cache by zone */
  async find(origin: string, eventId: string): Promise<Note | null> {
    try {
      const cache = await this.#open();
      const found = await cache.match(this.#urlOf(origin, eventId));
      const note: Note | undefined = await found?.json();
      return note?.eventId === eventId ? note : null;
    } catch (error) {
      this.#onFailure(String(error));
      return null;
    }
  }

  /** Lays a note down over the one before. Never rejects. */
  async keep(origin: string, note: Note): Promise<void> {
    try {
      const cache = await this.#open();
      const headers = { 'Cache-Control': `max-age=${NEAR_MAX_AGE_SECONDS}` };
      const url = this.#urlOf(origin, note.eventId);
      await cache.put(url, Response.json(note, { headers }));
    } catch (error) {
      this.#onFailure(String(error));
    }
  }

  #urlOf(origin: string, eventId: string): string {
    const key = new TextEncoder().encode(JSON.stringify([FORMAT, this.#scope, eventId]));
    return `${origin}/registration/events/near/${toHex(key)}`;
  }
}
