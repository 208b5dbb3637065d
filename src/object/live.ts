import type { Occupancy, Place } from '../event/shown.ts';
import {
  LIVE_MESSAGES_PER_SECOND,
  LIVE_PERIOD_MS,
  LIVE_SILENCE_MS,
  LIVE_SLICE_MESSAGES,
  LIVE_SLICE_WATCHERS,
} from '../http-limits.ts';

/** Who watches an event. */
export interface Watcher {
  /** Whose place they are told; null: nobody's. */
  userId: string | null;
  /** Epoch milliseconds. */
  openedAt: number;
  /** Epoch milliseconds from which on they are told nothing: their token is over then, or they have watched long enough. */
  endsAt: number;
}

/** An event as it is now. */
export interface Sight {
  /** What everybody is told: as a text to send, and without the time, which is no news. */
  occupancy: { text: string; what: string };
  place(userId: string): Place | null;
}

/** Puts into words what everybody is told, once for all of them. */
export function toWords(occupancy: Occupancy): Sight['occupancy'] {
  const { now: _, ...what } = occupancy;
  return { text: JSON.stringify(occupancy), what: JSON.stringify(what) };
}

/** What a watcher was told last. */
export interface Told {
  occupancy: string;
  place: string;
}

export const NOTHING_TOLD: Told = { occupancy: '', place: '' };

/** Why a socket is closed: the code and the reason that its client gets. */
export const CLOSINGS = {
  expired: [4401, 'the token has expired'],
  silent: [4408, 'the pings have stopped'],
  replaced: [4429, 'too many sockets of one caller'],
  failed: [1011, 'a message could not be sent'],
  talked: [1008, 'only ping is understood'],
} as const satisfies Record<string, readonly [number, string]>;

export type Closing = keyof typeof CLOSINGS;

/** The messages that tell a watcher what they do not know yet, and what they know with them. */
export function newsFor(
  userId: string | null,
  told: Told,
  sight: Sight,
): { messages: string[]; told: Told } {
  const messages: string[] = [];
  const news = { ...told };
  if (sight.occupancy.what !== told.occupancy) {
    news.occupancy = sight.occupancy.what;
    messages.push(sight.occupancy.text);
  }
  const place = userId === null ? null : sight.place(userId);
  if (place) {
    news.place = JSON.stringify(place);
    if (news.place !== told.place) messages.push(news.place);
  }
  return { messages, told: news };
}

/**
 * Why a watcher is told nothing more; null for one who goes on. Who has never sent a ping need not begin to.
 *
 * @param pingedAt epoch milliseconds of the last ping; null for none
 */
export function endOf(watcher: Watcher, pingedAt: number | null, now: number): Closing | null {
  if (watcher.endsAt <= now) return 'expired';
  return pingedAt !== null && now - pingedAt > LIVE_SILENCE_MS ? 'silent' : null;
}

/** What rounds need from outside. */
export interface RoundsDeps<Socket, View> {
  /** All who watch now. */
  watchers(): Socket[];
  /** The event as it is now. Null while it is not in memory: then it gets loaded, and `changed` is called. */
  look(): View | null;
  /** Tells a watcher what they do not know yet; the number of messages that it took. */
  tell(socket: Socket, view: View): number;
  now(): number;
  after(ms: number, run: () => void): void;
}

/**
 * Tells all watchers what has changed. A round begins `LIVE_PERIOD_MS` after the last one at the earliest, and
 * goes in slices, with pauses that keep it below `LIVE_MESSAGES_PER_SECOND`: so it takes longer the more there is
 * to tell, and commits go on in between. What changes during a round is told in the next one, so the last state
 * always arrives. No timer is left when nothing has changed.
 */
export class Rounds<Socket, View> {
  readonly #deps: RoundsDeps<Socket, View>;
  #isUnderWay = false;
  #hasChanged = false;
  /** When the next round may begin, in epoch milliseconds. */
  #restsUntil = 0;
  /** Who is left to be told in this round. */
  #left: Socket[] = [];

  constructor(deps: RoundsDeps<Socket, View>) {
    this.#deps = deps;
  }

  /** Whether somebody is being told, or will be. */
  get isUnderWay(): boolean {
    return this.#isUnderWay;
  }

  /** The event may be different now. */
  changed(): void {
    this.#hasChanged = true;
    if (this.#isUnderWay) return;
    this.#isUnderWay = true;
    this.#beginLater();
  }

  #beginLater(): void {
    this.#later(Math.max(0, this.#restsUntil - this.#deps.now()), () => this.#begin());
  }

  /** After an error the round is over, and the next change begins another. */
  #later(ms: number, run: () => void): void {
    this.#deps.after(ms, () => {
      try {
        run();
      } catch (error) {
        this.#left = [];
        this.#isUnderWay = false;
        throw error;
      }
    });
  }

  #begin(): void {
    const { watchers, now } = this.#deps;
    this.#hasChanged = false;
    this.#left = watchers();
    this.#restsUntil = now() + LIVE_PERIOD_MS;
    this.#goOn();
  }

  #goOn(): void {
    const { look, tell, now } = this.#deps;
    const view = look();
    if (view === null) {
      this.#left = [];
      this.#isUnderWay = false;
      return;
    }
    let messages = 0;
    for (let count = 0; count < LIVE_SLICE_WATCHERS && messages < LIVE_SLICE_MESSAGES; count++) {
      const socket = this.#left.pop();
      if (socket === undefined) break;
      messages += tell(socket, view);
    }
    const pauseMs = Math.ceil((messages * 1_000) / LIVE_MESSAGES_PER_SECOND);
    this.#restsUntil = Math.max(this.#restsUntil, now() + pauseMs);
    if (this.#left.length > 0) this.#later(pauseMs, () => this.#goOn());
    else if (this.#hasChanged) this.#beginLater();
    else this.#isUnderWay = false;
  }
}
