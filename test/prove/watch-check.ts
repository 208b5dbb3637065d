import { isDeepStrictEqual } from 'node:util';
import type { LogEntry } from './log.ts';
import { LoggedEvent } from './replay.ts';
import { lineEndOf } from './rules.ts';

/** What everybody who watches is told. */
export interface ToldOccupancy {
  type: 'occupancy';
  version: number;
  revision: number;
  totalCapacity: number;
  availableCapacity: number;
  registeredCount: number;
  offeredCount: number;
  waitlistCount: number;
  status: string;
}

/** What somebody is told of their own place. */
export interface ToldPlace {
  type: 'place';
  status: string;
  ahead: number | null;
  registration: { registrationId: string; userId: string } | null;
  offer: { offerId: string; userId: string; position: number; expiresAt: string } | null;
  waitlistEntry: { entryId: string; userId: string; position: number } | null;
}

/** A socket, from its opening to its end. */
export interface Watching {
  eventId: string;
  worker: number;
  /** Whose place is told; null: nobody's. */
  userId: string | null;
  /** The highest version of which somebody had a receipt before the socket was asked for. */
  known: number;
  /** What came, in the order in which it came. */
  told: (ToldOccupancy | ToldPlace)[];
  /** Whether the service or its end closed the socket: then a message may be missing at the end. */
  isCut: boolean;
}

/** An event as it was after each entry of its log. */
class States {
  readonly #entries: readonly LogEntry[];
  readonly #known = new Map<number, LoggedEvent | null>();

  constructor(entries: readonly LogEntry[]) {
    this.#entries = entries;
  }

  /** Null for a version that no commit led to. */
  at(version: number): LoggedEvent | null {
    const known = this.#known.get(version);
    if (known !== undefined) return known;
    const count = this.#entries.findIndex((entry) => entry.version === version) + 1;
    const state = count === 0 ? null : new LoggedEvent(this.#entries.slice(0, count));
    this.#known.set(version, state);
    return state;
  }

  /** Whether the line of an event had ended when the entry of this version was decided; it may have ended since. */
  hadLineEnded(version: number, { settings }: LoggedEvent): boolean {
    const at = this.#entries.find((entry) => entry.version === version)?.at ?? '';
    return settings !== null && lineEndOf(settings) <= Date.parse(at);
  }
}

/** @param isLineOver whether free seats are not owed to those who wait */
function occupancyOf(version: number, event: LoggedEvent, isLineOver: boolean): ToldOccupancy {
  const { settings, seats, offers, line, revision } = event;
  const { capacity = 0, status = 'OPEN' } = settings ?? {};
  const free = Math.max(0, capacity - seats.size - offers.length);
  return {
    ...{ type: 'occupancy', version, revision, totalCapacity: capacity },
    availableCapacity: isLineOver ? free : Math.max(0, free - line.length),
    ...{ registeredCount: seats.size, offeredCount: offers.length, waitlistCount: line.length },
    status,
  };
}

function placeOf(userId: string, { settings, seats, offers, line }: LoggedEvent): ToldPlace {
  const none = { registration: null, offer: null, waitlistEntry: null, ahead: null };
  const seat = seats.get(userId);
  if (seat) {
    const registration = { registrationId: seat.id, userId };
    return { type: 'place', status: 'ACTIVE', ...none, registration };
  }
  const held = offers.find((offer) => offer.userId === userId);
  if (held) {
    const lineEnd = settings ? lineEndOf(settings) : Number.POSITIVE_INFINITY;
    const endsAt = Math.min(Date.parse(held.expiresAt), lineEnd);
    const { id: offerId, position } = held;
    // An event that was called off ends its offers at once.
    const expiresAt = Number.isFinite(endsAt) ? new Date(endsAt).toISOString() : held.expiresAt;
    const offer = { offerId, userId, position, expiresAt };
    return { type: 'place', status: 'OFFERED', ...none, offer };
  }
  const ahead = line.findIndex((entry) => entry.userId === userId);
  const entry = line[ahead];
  if (!entry) return { type: 'place', status: 'NONE', ...none };
  const waitlistEntry = { entryId: entry.id, userId, position: entry.position };
  return { type: 'place', status: 'WAITLISTED', ...none, waitlistEntry, ahead };
}

/**
 * Where a socket told what is not so: each message must be the event, or the place of the one who watches, as
 * it was after a commit; never after an earlier one than was told; and a place that has changed comes with it.
 *
 * @param mayBeStale whether a worker may not have heard of what another one wrote
 */
function checkWatching(watching: Watching, states: States, mayBeStale: boolean): string[] {
  const { userId, known, told, isCut } = watching;
  const faults: string[] = [];
  let version = 0;
  let place: ToldPlace | null = null;
  let owed: ToldPlace | null = null;
  const complain = (what: string) => {
    const who = userId === null ? 'somebody who watches' : `${userId}, who watches,`;
    faults.push(`${who} was told ${what}`);
  };
  const noteOwed = () => {
    if (owed) complain(`version ${version} without ${JSON.stringify(owed)}`);
  };
  for (const message of told) {
    if (message.type === 'occupancy') {
      noteOwed();
      if (message.version < version) {
        complain(`version ${message.version} after version ${version}`);
      }
      const isFirst = version === 0;
      version = message.version;
      if (isFirst && version < known && !mayBeStale) {
        complain(`version ${version} at first, when version ${known} was committed`);
      }
      const state = states.at(version);
      const canLiveOn = state !== null && !states.hadLineEnded(version, state);
      const hasEnd = state?.settings && Number.isFinite(lineEndOf(state.settings));
      const ways = [...(canLiveOn ? [false] : []), ...(hasEnd || !canLiveOn ? [true] : [])];
      const expected = ways.map((isLineOver) => state && occupancyOf(version, state, isLineOver));
      if (!expected.some((each) => isDeepStrictEqual(message, each))) {
        complain(`${JSON.stringify(message)}, and the log has ${JSON.stringify(expected[0])}`);
      }
      const next = state && userId !== null ? placeOf(userId, state) : null;
      owed = isDeepStrictEqual(next, place) ? null : next;
    } else {
      const state = states.at(version);
      const expected = userId === null || !state ? null : placeOf(userId, state);
      if (!isDeepStrictEqual(message, expected)) {
        const instead = `the log has ${JSON.stringify(expected)}`;
        complain(`${JSON.stringify(message)} at version ${version}, and ${instead}`);
      }
      place = message;
      owed = null;
    }
  }
  if (!isCut) noteOwed();
  return faults;
}

/** What is wrong with what the watchers of an event were told, by its log. */
export function checkWatchings(
  watchings: readonly Watching[],
  entries: readonly LogEntry[],
  mayBeStale: boolean,
): string[] {
  const states = new States(entries);
  return watchings.flatMap((watching) => checkWatching(watching, states, mayBeStale));
}

/** A message of a socket as the checks compare it; null for one that is not understood. */
export function readMessage(text: string, eventId: string): ToldOccupancy | ToldPlace | null {
  // biome-ignore lint/suspicious/noExplicitAny: whatever the wire brings; the checks compare every field
  const message: any = JSON.parse(text);
  if (message.type === 'occupancy') {
    const { eventId: which, now, ...occupancy } = message;
    return which === eventId && Number.isFinite(Date.parse(now)) ? occupancy : null;
  }
  if (message.type !== 'place') return null;
  const { status, ahead, registration, offer, waitlistEntry } = message;
  const isElsewhere = [registration, offer, waitlistEntry].some(
    (place) => place !== null && place.eventId !== eventId,
  );
  if (isElsewhere) return null;
  const pick = (place: Record<string, unknown> | null, ...names: string[]) =>
    place && Object.fromEntries(names.map((name) => [name, place[name]]));
  return {
    ...{ type: 'place', status, ahead },
    registration: pick(registration, 'registrationId', 'userId'),
    offer: pick(offer, 'offerId', 'userId', 'position', 'expiresAt'),
    waitlistEntry: pick(waitlistEntry, 'entryId', 'userId', 'position'),
  } as ToldPlace;
}
