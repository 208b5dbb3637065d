import { isDeepStrictEqual } from 'node:util';
import type { Content, Entry, Seat, Settings } from './history.ts';
import type { LogChange, LogEntry } from './log.ts';
import { type Rows, toContent } from './tables.ts';

/** A row that an entry of the log created. */
interface Created {
  userId: string;
  /** When, as the entry tells it. */
  at: string;
}

/** A seat, with its order number, and whether it is past the capacity. */
interface LoggedSeat extends Seat, Created {
  seq: number;
  isOverride: boolean;
}

/** A place in line. */
type LoggedPlace = Entry & Created;

/**
 * An event as its log tells it: the changes applied one after the other to an empty event, each held
 * against the rules, since they are in the order in which they were decided.
 */
export class LoggedEvent {
  /** Null before the event is created. */
  settings: Settings | null = null;
  revision = 0;
  lastPosition = 0;
  lastSeq = 0;
  /** By user. */
  readonly seats = new Map<string, LoggedSeat>();
  /** By position. */
  line: LoggedPlace[] = [];
  /** Changes that the event as it was does not allow. */
  readonly faults: string[] = [];
  readonly #ids = new Set<string>();
  #at = '';

  constructor(entries: readonly LogEntry[]) {
    for (const { version, at, changes } of entries) {
      this.#at = at;
      for (const change of changes) {
        const fault = this.#settings ? this.#apply(change, this.#settings) : this.#begin(change);
        if (fault) this.faults.push(`the log, version ${version}: ${fault}: ${tell(change)}`);
      }
    }
  }

  /** The event in the form in which the tables are compared with everything else. */
  get content(): Content | null {
    const { settings, revision, lastPosition } = this;
    if (!settings) return null;
    const seats = [...this.seats.values()]
      .map(({ userId, id, seq }) => ({ userId, id, seq }))
      .sort((a, b) => (a.userId < b.userId ? -1 : 1));
    const line = this.line.map(({ userId, id, position }) => ({ userId, id, position }));
    return { ...settings, revision, lastPosition, seats, line };
  }

  get #settings(): Settings | null {
    return this.settings;
  }

  #begin(change: LogChange): string | null {
    if (change.type !== 'event.created') return 'the event was not created yet';
    this.#decide(change.settings);
    return null;
  }

  /** Applies a change to an event that exists; tells what is wrong with it, if anything. */
  #apply(change: LogChange, settings: Settings): string | null {
    const isCancelled = settings.status === 'CANCELLED';
    switch (change.type) {
      case 'event.created':
        return 'the event was created before';
      case 'event.updated':
      case 'event.cancelled': {
        this.#decide(change.settings);
        const cancels = change.type === 'event.cancelled';
        if (isCancelled) return 'the event was cancelled before';
        if (cancels !== (change.settings.status === 'CANCELLED')) return 'the type is wrong';
        if (cancels || !isDeepStrictEqual(settings, change.settings)) return null;
        return 'it changes nothing';
      }
      case 'registration.created': {
        const { registrationId: id, userId, override } = change;
        const isFree = this.seats.size < settings.capacity && this.line.length === 0;
        const fault = this.#sit({ id, userId }, override === true);
        if (fault || override) return fault ?? (isCancelled ? 'the event is cancelled' : null);
        return isFree ? this.#closure(settings) : 'no seat was free for a newcomer';
      }
      case 'registration.cancelled': {
        const seat = this.seats.get(change.userId);
        if (seat?.id !== change.registrationId) return 'the user does not have this seat';
        this.seats.delete(change.userId);
        return null;
      }
      case 'registration.promoted': {
        const { registrationId: id, entryId, position, userId } = change;
        const isFree = this.seats.size < settings.capacity;
        const isFirst = this.line[0]?.userId === userId;
        const fault = this.#leave({ id: entryId, position, userId }) ?? this.#sit({ id, userId });
        if (fault) return fault;
        if (!isFirst) return 'others were before the user';
        return isFree && !isCancelled ? null : 'no seat was free';
      }
      case 'waitlist.joined':
        return this.#join(change, settings);
      case 'waitlist.left': {
        const { entryId, position, userId } = change;
        return this.#leave({ id: entryId, position, userId });
      }
    }
  }

  #decide(settings: Settings): void {
    this.settings = settings;
    this.revision++;
  }

  #sit({ id, userId }: Seat, isOverride = false): string | null {
    const fault = this.#admit(id, userId);
    const seat = { id, userId, seq: ++this.lastSeq, isOverride, at: this.#at };
    this.seats.set(userId, seat);
    return fault;
  }

  #join(
    {
      entryId: id,
      position,
      userId,
    }: Extract<LogChange, { type: 'waitlist.joined' | 'waitlist.left' }>,
    settings: Settings,
  ): string | null {
    const mayWait = this.seats.size >= settings.capacity || this.line.length > 0;
    const hasRoom = this.line.length < (settings.waitlistCapacity ?? Number.POSITIVE_INFINITY);
    const fault = this.#admit(id, userId);
    this.line.push({ id, userId, position, at: this.#at });
    const next = ++this.lastPosition;
    this.lastPosition = Math.max(next, position);
    if (fault) return fault;
    if (position !== next) return `the next position was ${next}`;
    if (!mayWait) return 'a seat was free';
    return settings.hasWaitlist && hasRoom ? this.#closure(settings) : 'the line takes nobody';
  }

  #leave(place: Entry): string | null {
    const { id, userId, position } = place;
    const found = this.line.find((each) => each.id === id);
    if (found?.userId !== userId || found.position !== position) {
      return 'the user does not have this place';
    }
    this.line = this.line.filter((each) => each !== found);
    return null;
  }

  /** Why nobody could register when the entry was decided, if so. */
  #closure({ status, registrationOpensAt: opens, registrationClosesAt: closes }: Settings) {
    const at = Date.parse(this.#at);
    if (status !== 'OPEN') return `the event was ${status}`;
    const isEarly = opens !== null && at < Date.parse(opens);
    const isLate = closes !== null && at >= Date.parse(closes);
    return isEarly || isLate ? `registration was not open at ${this.#at}` : null;
  }

  /** One place for each user, and each id once. */
  #admit(id: string, userId: string): string | null {
    const isThere = this.seats.has(userId) || this.line.some((each) => each.userId === userId);
    const isUsed = this.#ids.has(id);
    this.#ids.add(id);
    if (isUsed) return 'the id was given before';
    return isThere ? 'the user had a place' : null;
  }
}

const tell = (change: LogChange) => JSON.stringify(change);

/** How many differences are worth telling. */
const MAX_TOLD = 3;

/** Where the log, applied from its first entry on, does not lead to the rows of the tables. */
export function checkReplay(entries: readonly LogEntry[], rows: Rows): string[] {
  const logged = new LoggedEvent(entries);
  const faults = logged.faults.slice(0, MAX_TOLD);
  const compare = (what: string, inLog: unknown, inTables: unknown) => {
    if (isDeepStrictEqual(inLog, inTables)) return;
    const [log, tables] = [inLog, inTables].map((each) => JSON.stringify(each));
    faults.push(`the log leads to other ${what} than the tables hold: ${log}, not ${tables}`);
  };
  const { content } = logged;
  const held = toContent(rows);
  const { seats: loggedSeats = [], line: loggedLine = [], ...loggedSettings } = content ?? {};
  const { seats = [], line = [], ...settings } = held ?? {};
  compare('settings', content && loggedSettings, held && settings);
  compareRows('seat', loggedSeats, seats, faults);
  compareRows('place in line', loggedLine, line, faults);
  const last = entries.at(-1);
  const { lastSeq = 0, logVersion, logChain, logFrom, version = 0 } = rows.item ?? {};
  compare('lastSeq', logged.lastSeq, lastSeq);
  compare('end', [last?.version, last?.chain], [logVersion, logChain]);
  compare('beginning', entries[0]?.version, logFrom);
  if ((last?.version ?? 0) > version) faults.push(`the log is ahead of version ${version}`);
  for (const { registrationId, userId, createdAt, overrideReason } of rows.registrations) {
    const seat = logged.seats.get(userId);
    if (seat?.id !== registrationId) continue;
    compare(`times of the seat of ${userId}`, seat.at, createdAt);
    compare(`overrides for ${userId}`, seat.isOverride, overrideReason !== undefined);
  }
  const places = new Map(logged.line.map((place) => [place.id, place]));
  for (const { entryId, userId, createdAt } of rows.waitlist) {
    const place = places.get(entryId);
    if (place) compare(`times of the place of ${userId}`, place.at, createdAt);
  }
  return faults;
}

/** Rows that only the log or only the tables have. */
function compareRows(
  what: string,
  inLog: readonly object[],
  inTables: readonly object[],
  faults: string[],
): void {
  const [logged, held] = [inLog, inTables].map((rows) => new Set(rows.map(inOrder)));
  if (!logged || !held) return;
  const onlyLogged = [...logged].filter((row) => !held.has(row)).slice(0, MAX_TOLD);
  const onlyHeld = [...held].filter((row) => !logged.has(row)).slice(0, MAX_TOLD);
  faults.push(...onlyLogged.map((row) => `a ${what} that only the log has: ${row}`));
  faults.push(...onlyHeld.map((row) => `a ${what} that only the tables have: ${row}`));
}

const inOrder = (row: object) => JSON.stringify(row, Object.keys(row).sort());
