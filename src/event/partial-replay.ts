import type { LoggedSettings } from './log.ts';
import { lineEndsAt } from './model.ts';
import { closure } from './rules/registration.ts';
import { LogFault, nameOf, type SeenChange, type SeenEntry } from './seen-log.ts';

/** A place that the log told of. */
interface KnownPlace {
  kind: 'seat' | 'offer' | 'entry';
  /** Of an entry; null for the others. */
  position: number | null;
  userId?: string | undefined;
}

/**
 * Follows a log whose beginning is not there. Who had a place before is not known, so a full event cannot be
 * told from one with free seats. What can be checked is: the order of positions and promotions, ids, the users
 * and places that the log told of, and the settings as soon as it has told them.
 */
export class PartialReplay {
  /** The places that the log told of and that are still there, by id. */
  readonly places = new Map<string, KnownPlace>();
  /** As the log told them last; null before that. */
  settings: LoggedSettings | null = null;
  readonly #gone = new Set<string>();
  readonly #users = new Set<string>();
  /** Positions of the entries that the log told of and that wait, in order. */
  readonly #line = new Set<number>();
  #seatCount = 0;
  /** The first and the last position that the log saw given. */
  #firstGiven = Number.POSITIVE_INFINITY;
  #lastGiven = 0;
  /** The highest position that was heard of. */
  #lastSeen = 0;
  #lastPromoted = 0;

  /**
   * Follows the next entry.
   *
   * @throws LogFault when it does not follow by the rules
   */
  follow({ version, at, changes }: SeenEntry): void {
    for (const change of changes) {
      const fault = this.#follow(change, at);
      if (fault) throw new LogFault(version, `${nameOf(change)}: ${fault}`);
    }
  }

  /** Whether the log told that a place was given up. */
  isGone(id: string): boolean {
    return this.#gone.has(id);
  }

  #follow(change: SeenChange, at: string): string | null {
    switch (change.type) {
      case 'event.created':
        return 'the event was there before';
      case 'event.updated':
      case 'event.cancelled': {
        if (this.settings?.status === 'CANCELLED') return 'the event was cancelled before';
        if ((change.settings.status === 'CANCELLED') !== (change.type === 'event.cancelled')) {
          return `the status is ${change.settings.status}`;
        }
        this.settings = change.settings;
        return null;
      }
      case 'registration.created': {
        const { registrationId: id, userId, override = false } = change;
        if (this.#line.size > 0 && !override && this.#isLineAlive(at)) {
          return 'somebody waits, and is passed';
        }
        return this.#newcomer(at, override) ?? this.#seat(id, userId, override);
      }
      case 'registration.cancelled':
        return this.#leave(change.registrationId, { ...change, kind: 'seat', position: null });
      case 'waitlist.joined':
        if (this.settings && !this.#isLineAlive(at)) return 'the line has ended';
        return this.#newcomer(at, false) ?? this.#join(change);
      case 'waitlist.left':
        return this.#leave(change.entryId, { ...change, kind: 'entry' });
      case 'registration.promoted': {
        const { registrationId, userId } = change;
        return this.#comeFromLine(change, at) ?? this.#seat(registrationId, userId, false);
      }
      case 'offer.made': {
        const { offerId, userId } = change;
        return this.#comeFromLine(change, at) ?? this.#hold(offerId, userId);
      }
      case 'offer.accepted': {
        const { offerId, registrationId, userId } = change;
        const fault = this.#leave(offerId, { kind: 'offer', position: null, userId });
        return fault ?? this.#seat(registrationId, userId, false);
      }
      case 'offer.declined':
      case 'offer.expired': {
        const { offerId, userId } = change;
        return this.#leave(offerId, { kind: 'offer', position: null, userId });
      }
    }
  }

  /** Whether seats go to the line by themselves; only known with the settings. */
  #isLineAlive(at: string): boolean {
    return this.settings !== null && lineEndsAt(this.settings) > Date.parse(at);
  }

  /** The first in line leaves it, for a seat or an offer. */
  #comeFromLine(
    {
      entryId,
      position,
      userId,
    }: { entryId: string; position: number; userId?: string | undefined },
    at: string,
  ): string | null {
    if (this.settings?.status === 'CANCELLED') return 'the event is cancelled';
    if (this.settings && !this.#isLineAlive(at)) return 'the line has ended';
    const first = this.#line.values().next().value;
    if (first !== undefined && first < position) return `position ${first} waits longer`;
    const fault = this.#leave(entryId, { kind: 'entry', position, userId });
    this.#lastPromoted = position;
    return fault;
  }

  /** A seat is held for somebody. */
  #hold(id: string, userId: string | undefined): string | null {
    if (this.settings !== null && this.#seatCount >= this.settings.capacity) {
      return 'the event is full';
    }
    this.#seatCount++;
    return this.#add(id, { kind: 'offer', position: null, userId });
  }

  /** Why nobody can come now; null if somebody can. */
  #newcomer(at: string, isOverride: boolean): string | null {
    if (!this.settings) return null;
    if (this.settings.status === 'CANCELLED') return 'the event is cancelled';
    const closed = isOverride ? null : closure(this.settings, at)?.outcome;
    return closed?.type === 'refused'
      ? `registration is ${closed.reason.replaceAll('-', ' ')}`
      : null;
  }

  #add(id: string, place: KnownPlace): string | null {
    if (this.places.has(id) || this.#gone.has(id)) return `the id ${id} is given a second time`;
    const { userId } = place;
    if (userId !== undefined) {
      if (this.#users.has(userId)) return `user ${userId} has a place already`;
      this.#users.add(userId);
    }
    this.places.set(id, place);
    return null;
  }

  #seat(id: string, userId: string | undefined, isOverride: boolean): string | null {
    const isFull = this.settings !== null && this.#seatCount >= this.settings.capacity;
    if (isFull && !isOverride) return 'the event is full';
    this.#seatCount++;
    return this.#add(id, { kind: 'seat', position: null, userId });
  }

  #join({
    entryId,
    position,
    userId,
  }: {
    entryId: string;
    position: number;
    userId?: string | undefined;
  }) {
    if (this.settings && !this.settings.hasWaitlist) return 'the event has no waitlist';
    if (position <= this.#lastSeen) return `position ${this.#lastSeen} was given before`;
    const next = this.#lastGiven + 1;
    if (this.#lastGiven > 0 && position !== next) return `the next position is ${next}`;
    this.#firstGiven = Math.min(this.#firstGiven, position);
    this.#lastGiven = position;
    this.#lastSeen = position;
    this.#line.add(position);
    return this.#add(entryId, { kind: 'entry', position, userId });
  }

  /** Somebody gives up a place, or gets another one for it. */
  #leave(id: string, { kind, position, userId }: KnownPlace): string | null {
    if (this.#gone.has(id)) return `the place ${id} was given up before`;
    const known = this.places.get(id);
    if (known) {
      if (known.kind !== kind || known.position !== position || known.userId !== userId) {
        return `the place ${id} was another one when it was given`;
      }
    } else if (position !== null && position >= this.#firstGiven) {
      return `the log does not tell that position ${position} was given`;
    }
    if (position !== null) {
      if (position <= this.#lastPromoted)
        return `position ${this.#lastPromoted} was promoted before`;
      this.#lastSeen = Math.max(this.#lastSeen, position);
      this.#line.delete(position);
    }
    if (known && known.kind !== 'entry') this.#seatCount--;
    if (userId !== undefined) this.#users.delete(userId);
    this.places.delete(id);
    this.#gone.add(id);
    return null;
  }
}
