import type { Outcome } from '../event/command.ts';
import type { Reply } from '../event/queue.ts';
import { Recent } from '../event/recent.ts';
import {
  NEAR_AHEAD_MS,
  NEAR_GRACE_MS,
  NEAR_LEASE_MS,
  NEAR_LEASE_POLL_MS,
  NEAR_MAX_EVENTS,
  NEAR_POLL_MS,
  NEAR_TURN_MS,
} from '../http-limits.ts';
import { isLeased, type Note, type PlaceCache } from './place-cache.ts';

/** What the object answers to a read. */
export type ReadReply = Extract<Outcome, { type: 'read' }>;

/** An answer of the object that others may get too, and when it was asked for: it is no older than that. */
interface Shared {
  reply: ReadReply;
  askedAt: number;
  /** Whether this isolate asked, and no other of its place at the same time. */
  isOwn: boolean;
  /** How long the turn took that brought it. */
  tookMs: number;
}

/** One request asks for all others. */
interface Turn {
  startedAt: number;
  /** How long it may take: as long as the last one took. */
  expectedMs: number;
  /** How it ended without an answer to keep: with a refusal, or an error. */
  end?: { reply: Reply } | { error: unknown };
}

/**
 * After how long a reader looks whether a turn is over: first when it should be, then ever less often, so that a
 * thousand who wait do not keep the isolate busy.
 */
function pauseOf({ startedAt, expectedMs }: Turn, now: number): number {
  const tookMs = now - startedAt;
  return Math.max(NEAR_POLL_MS, expectedMs - tookMs, tookMs / 4);
}

/**
 * Whether an answer is asked for anew though it is still young enough, so that nobody waits when it no longer is.
 * With `max-age=1` it is not: the object is asked once a second.
 */
function isAging({ askedAt }: Shared, { maxAgeMs }: Reading, now: number): boolean {
  const ageMs = now - askedAt;
  return ageMs > 1_000 && ageMs > maxAgeMs - NEAR_AHEAD_MS;
}

/** Who reads, and how. */
export interface Reading {
  eventId: string;
  /** Of the request. */
  origin: string;
  /** How old the answer may be. */
  maxAgeMs: number;
  /** Asks the event's object, in the context of this request. */
  ask: () => Promise<Reply>;
}

/** What a reader gets. `ageMs` is null for what the object answered to this very request. */
export interface Read {
  reply: Reply;
  ageMs: number | null;
}

/** What it needs of the runtime. */
export interface ReadPorts {
  cache: PlaceCache;
  /** Epoch milliseconds. */
  now(): number;
  sleep(ms: number): Promise<void>;
  /** 0 to 1. */
  random(): number;
  /** Lets work finish even if the request that started it is cut off. */
  keepAlive(work: Promise<unknown>): void;
}

/**
 * Reads of events that may be some seconds old, for all requests of an isolate; through the cache of the place, for
 * all isolates there.
 *
 * Of the requests that want an event, one has its turn: it looks into the cache, asks the object where that has
 * nothing young enough, and leaves the answer for all. The others poll until it is there: the runtime cancels a
 * request that waits for another's I/O.
 *
 * Across isolates a note in the cache is the lease. Their answers end at the same moment, and the cache is no lock:
 * those that look together would all ask. So the isolate that asked last looks at once, and the others a little later,
 * when its lease is there. Of several that did ask together, the one whose lease was last goes on as that.
 *
 * The age of an answer counts from when the object was *asked*. The state that it tells is younger than that, and
 * with an answer younger than a second the object is not asked again: once a second for a place at most.
 */
export class SharedReads {
  readonly #ports: ReadPorts;
  /** Tells this isolate from others of its place. */
  readonly #name = crypto.randomUUID();
  readonly #shared = new Recent<Shared>(NEAR_MAX_EVENTS);
  readonly #turns = new Map<string, Turn>();

  constructor(ports: ReadPorts) {
    this.#ports = ports;
  }

  /** @throws what `ask` throws, for this request or for the one that asked for it */
  async read(reading: Reading): Promise<Read> {
    const { eventId, maxAgeMs } = reading;
    const since = this.#ports.now();
    for (;;) {
      const now = this.#ports.now();
      const shared = this.#shared.get(eventId);
      const turn = this.#turns.get(eventId);
      if (shared && now - shared.askedAt <= maxAgeMs) {
        if (!turn && isAging(shared, reading, now)) {
          // Should it fail, whoever comes when the answer is too old asks again, and is told.
          this.#take({ ...reading, maxAgeMs: maxAgeMs - NEAR_AHEAD_MS }, now).catch(() => {});
        }
        return this.#give(shared, now);
      }
      const isOver = (at: number) => now - at >= NEAR_TURN_MS;
      if (!turn || isOver(turn.startedAt) || isOver(since)) return this.#take(reading, now);
      await this.#ports.sleep(pauseOf(turn, now));
      if (!turn.end) continue;
      if ('error' in turn.end) throw turn.end.error;
      return { reply: turn.end.reply, ageMs: null };
    }
  }

  #give({ reply, askedAt }: Shared, now: number): Read {
    // A request's clock stands still while it waits for nothing, so that of another may be ahead.
    return { reply, ageMs: Math.max(0, now - askedAt) };
  }

  /** Takes the turn. Without `keepAlive` a client that hangs up would leave the others waiting for `NEAR_TURN_MS`. */
  #take(reading: Reading, startedAt: number): Promise<Read> {
    const expectedMs = this.#shared.get(reading.eventId)?.tookMs ?? 0;
    const turn: Turn = { startedAt, expectedMs };
    this.#turns.set(reading.eventId, turn);
    const work = this.#readForAll(reading, turn);
    // Who waits for it is told of a failure; here it only has to end.
    this.#ports.keepAlive(work.catch(() => {}));
    return work;
  }

  async #readForAll(reading: Reading, turn: Turn): Promise<Read> {
    const { eventId } = reading;
    try {
      const note = await this.#lookUp(reading);
      const now = this.#ports.now();
      if (note?.reply && now - note.askedAt <= reading.maxAgeMs) {
        const { reply, askedAt } = note;
        const shared = { reply, askedAt, isOwn: false, tookMs: now - turn.startedAt };
        return this.#give(this.#share(eventId, shared), now);
      }
      const reply = await this.#askForAll(reading, turn, note);
      if (reply.type !== 'read') turn.end = { reply };
      return { reply, ageMs: null };
    } catch (error) {
      turn.end = { error };
      throw error;
    } finally {
      if (this.#turns.get(eventId) === turn) this.#turns.delete(eventId);
    }
  }

  /**
   * Looks into the cache of the place. While another isolate is asking, its answer is waited for, a second at most.
   * Whoever did not ask last looks twice: on a busy machine the lease of the one that did takes longer to be there.
   */
  async #lookUp({ origin, eventId, maxAgeMs }: Reading): Promise<Note | null> {
    const { cache, now: clock, sleep, random } = this.#ports;
    const since = clock();
    let givesWay = this.#shared.get(eventId)?.isOwn === false;
    for (;;) {
      const lookedAt = clock();
      const note = await cache.find(origin, eventId);
      const now = clock();
      // Nobody knows how old an answer from the future is: the clock of the other machine is ahead.
      if (!note || note.askedAt > now) return null;
      if (now - note.askedAt <= maxAgeMs) return note;
      if (isLeased(note, now) && now - since < NEAR_LEASE_MS) {
        await sleep(NEAR_LEASE_POLL_MS);
      } else if (givesWay) {
        givesWay = false;
        await sleep(NEAR_GRACE_MS * (1 + random()) + 2 * (now - lookedAt));
      } else {
        return note;
      }
    }
  }

  /** Asks the object, and tells the other isolates before and after. */
  async #askForAll(
    { origin, eventId, ask }: Reading,
    turn: Turn,
    before: Note | null,
  ): Promise<Reply> {
    const { cache, now, keepAlive } = this.#ports;
    const askedAt = now();
    const old = before ?? { eventId, reply: null, askedAt: 0 };
    const leased = cache.keep(origin, { ...old, leasedAt: askedAt, leasedBy: this.#name });
    let shared: Shared | null = null;
    try {
      const reply = await ask();
      const tookMs = now() - turn.startedAt;
      if (reply.type === 'read') {
        shared = this.#share(eventId, { reply, askedAt, isOwn: true, tookMs });
      }
      return reply;
    } finally {
      keepAlive(leased.then(() => this.#endLease(origin, old, shared)));
    }
  }

  /** Lays down what came of a lease, unless another isolate has taken it meanwhile. */
  async #endLease(
    origin: string,
    old: Omit<Note, 'leasedAt' | 'leasedBy'>,
    shared: Shared | null,
  ): Promise<void> {
    const { cache } = this.#ports;
    const note = await cache.find(origin, old.eventId);
    if (note && note.leasedBy !== this.#name) {
      if (shared) shared.isOwn = false;
      return;
    }
    const { reply, askedAt } = shared ?? old;
    const { eventId } = old;
    await cache.keep(origin, { eventId, reply, askedAt, leasedAt: 0, leasedBy: this.#name });
  }

  /** Keeps an answer for the others, unless they have a younger one. */
  #share(eventId: string, shared: Shared): Shared {
    const known = this.#shared.get(eventId);
    if (!known || known.askedAt <= shared.askedAt) this.#shared.set(eventId, shared);
    return shared;
  }
}
