import { isDeepStrictEqual } from 'node:util';
import { EXPIRY_MAX_OFFERS, STEP_MAX_SEATS } from '../../src/limits.ts';
import { toEventRecord } from '../../src/store/tables.ts';
import type { Content, Entry, Offered, Seat, Settings } from './history.ts';
import type { LogChange, LogEntry, LoggedSettings } from './log.ts';
import { lineEndOf, RAISED_AT_ONCE, settingsOf } from './rules.ts';
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
  /** Null for a seat that was offered: an override of an offer is told as any other acceptance. */
  isOverride: boolean | null;
}

/** A place in line. */
type LoggedPlace = Entry & Created;

/**
 * An event as its log tells it: the changes applied one after the other to an empty event, each held
 * against the rules, since they are in the order in which they were decided.
 */
export class LoggedEvent {
  /** Null before the event is created. */
  settings: LoggedSettings | null = null;
  revision = 0;
  lastPosition = 0;
  lastSeq = 0;
  /** By user. */
  readonly seats = new Map<string, LoggedSeat>();
  /** Open offers in the order in which they were made, each with its own end. */
  offers: Offered[] = [];
  /** By position. */
  line: LoggedPlace[] = [];
  /** Changes that the event as it was does not allow. */
  readonly faults: string[] = [];
  readonly #ids = new Set<string>();
  #at = '';
  /** Seats that have to go to the line before anything else happens, as far as there are any. */
  #toFill = 0;

  constructor(entries: readonly LogEntry[]) {
    for (const { version, at, changes } of entries) {
      this.#at = at;
      this.#toFill = STEP_MAX_SEATS;
      for (const [i, change] of changes.entries()) {
        const late = this.#whatIsDue(change, changes[i - 1]);
        this.#count(change);
        const fault = this.#settings ? this.#apply(change, this.#settings) : this.#begin(change);
        for (const what of [late, fault]) {
          if (what) this.faults.push(`the log, version ${version}: ${what}: ${tell(change)}`);
        }
      }
      if (this.#isFillDue) {
        this.faults.push(`the log, version ${version}, leaves a seat free while somebody waits`);
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
    const offers = [...this.offers].sort((a, b) => a.position - b.position);
    const line = this.line.map(({ userId, id, position }) => ({ userId, id, position }));
    return { ...settingsOf(settings), revision, lastPosition, seats, offers, line };
  }

  get #settings(): LoggedSettings | null {
    return this.settings;
  }

  /** Whether a seat is neither given nor held. */
  get #isFree(): boolean {
    return this.seats.size + this.offers.length < (this.#settings?.capacity ?? 0);
  }

  /** Whether no seat goes to the line by itself any more when the entry was decided. */
  get #isLineOver(): boolean {
    return this.#settings !== null && lineEndOf(this.#settings) <= Date.parse(this.#at);
  }

  /** Whether a seat is free while somebody waits and the line lives. */
  get #isOwed(): boolean {
    return this.#isFree && this.line.length > 0 && !this.#isLineOver;
  }

  /** Whether a seat has to go to the line before anything else happens. */
  get #isFillDue(): boolean {
    return this.#isOwed && this.#toFill > 0;
  }

  /** Counts what a change has to be followed by: a seat that it makes free, and the first ones of a raise. */
  #count({ type }: LogChange): void {
    if (isFill(type)) this.#toFill--;
    else if (!this.#isOwed) this.#toFill = 0;
    if (type === 'event.updated' && !this.#isOwed) this.#toFill = RAISED_AT_ONCE;
    const isFreed = ['registration.cancelled', 'offer.declined', 'offer.expired'].includes(type);
    if (isFreed) this.#toFill++;
  }

  /**
   * What had to be done before a change, if anything: an entry begins with a step of the seats that are owed to the
   * line, and then offers end that are over. A change that makes seats free, or moves the end of the line, has that
   * done behind it in its own entry, of a large raise as far as it has room.
   */
  #whatIsDue({ type }: LogChange, before: LogChange | undefined): string | null {
    const isEnding = before?.type === 'event.updated' || before?.type === 'offer.expired';
    if (this.#isFillDue) {
      const mayBeNext = isFill(type) || (type === 'offer.expired' && isEnding);
      return mayBeNext ? null : 'a free seat was not given to the line before';
    }
    if (this.#isOwed) return null;
    const isOver = this.offers.filter((offer) => this.#isOver(offer)).length;
    // Of more offers only so many end in one step, and what was asked for comes in between.
    const isDue = before === undefined && isOver > 0 && isOver <= EXPIRY_MAX_OFFERS;
    return isDue && type !== 'offer.expired' ? 'an offer that was over was not ended before' : null;
  }

  /** Whether an offer, or the line with it, had ended when the entry was decided. */
  #isOver({ expiresAt }: Offered): boolean {
    return this.#isLineOver || Date.parse(expiresAt) <= Date.parse(this.#at);
  }

  #begin(change: LogChange): string | null {
    if (change.type !== 'event.created') return 'the event was not created yet';
    this.#decide(change.settings);
    return null;
  }

  /** Applies a change to an event that exists; tells what is wrong with it, if anything. */
  #apply(change: LogChange, settings: LoggedSettings): string | null {
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
        const isFree = this.#isFree && (this.line.length === 0 || this.#isLineOver);
        const fault = this.#sit({ id, userId }, override === true);
        if (fault || override) return fault ?? (isCancelled ? 'the event is cancelled' : null);
        return isFree ? this.#closure(settings) : 'no seat was free for whoever asks';
      }
      case 'registration.cancelled': {
        const seat = this.seats.get(change.userId);
        if (seat?.id !== change.registrationId) return 'the user does not have this seat';
        this.seats.delete(change.userId);
        return null;
      }
      case 'registration.promoted': {
        const { registrationId: id, entryId, position, userId } = change;
        const why = this.#whyNotNext(userId);
        const fault = this.#leave({ id: entryId, position, userId }) ?? this.#sit({ id, userId });
        if (settings.offerSeconds !== null) return fault ?? 'seats are offered, not given';
        return fault ?? why;
      }
      case 'offer.made':
        return this.#offer(change, settings);
      case 'offer.accepted': {
        const { registrationId: id, userId } = change;
        const fault = this.#endOffer(change) ?? this.#sit({ id, userId }, null);
        return fault ?? (isCancelled ? 'the event is cancelled' : null);
      }
      case 'offer.declined':
      case 'offer.expired':
        return this.#endOffer(change);
      case 'waitlist.joined':
        return this.#join(change, settings);
      case 'waitlist.left': {
        const { entryId, position, userId } = change;
        return this.#leave({ id: entryId, position, userId });
      }
    }
  }

  /** Why a user does not get the next seat by themselves, if so. */
  #whyNotNext(userId: string): string | null {
    if (this.line[0]?.userId !== userId) return 'others were before the user';
    if (this.#isLineOver) return 'the line had ended';
    return this.#isFree ? null : 'no seat was free';
  }

  #offer(
    {
      offerId: id,
      entryId,
      position,
      userId,
      expiresAt: told,
    }: Extract<LogChange, { type: 'offer.made' }>,
    settings: Settings,
  ): string | null {
    const why = this.#whyNotNext(userId);
    const fault = this.#leave({ id: entryId, position, userId }) ?? this.#admit(id, userId);
    const createdAt = this.#at;
    const endsAt = Date.parse(createdAt) + (settings.offerSeconds ?? 0) * 1_000;
    const expiresAt = new Date(endsAt).toISOString();
    this.offers.push({ userId, id, position, createdAt, expiresAt });
    if (fault || why) return fault ?? why;
    if (settings.offerSeconds === null) return 'seats are given, not offered';
    const shown = new Date(Math.min(endsAt, lineEndOf(settings))).toISOString();
    return told === shown ? null : `the offer ends at ${shown}`;
  }

  /** Ends an offer: by itself once it is over, by its user before that. */
  #endOffer({
    type,
    offerId,
    position,
    userId,
  }: Extract<LogChange, { type: 'offer.accepted' | 'offer.declined' | 'offer.expired' }>):
    | string
    | null {
    const offer = this.offers.find(({ id }) => id === offerId);
    if (offer?.userId !== userId || offer.position !== position) {
      return 'the user does not have this offer';
    }
    const isOver = this.#isOver(offer);
    this.offers = this.offers.filter((each) => each !== offer);
    if (isOver === (type === 'offer.expired')) return null;
    return isOver ? 'the offer was over' : 'the offer was not over yet';
  }

  #decide(settings: LoggedSettings): void {
    this.settings = settings;
    this.revision++;
  }

  #sit({ id, userId }: Seat, isOverride: boolean | null = false): string | null {
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
    const mayWait = !this.#isFree || this.line.length > 0;
    const hasRoom = this.line.length < (settings.waitlistCapacity ?? Number.POSITIVE_INFINITY);
    const fault = this.#admit(id, userId);
    this.line.push({ id, userId, position, at: this.#at });
    const next = ++this.lastPosition;
    this.lastPosition = Math.max(next, position);
    if (fault) return fault;
    if (position !== next) return `the next position was ${next}`;
    if (!mayWait) return 'a seat was free';
    if (this.#isLineOver) return 'the line had ended';
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
    const isThere =
      this.seats.has(userId) ||
      [...this.offers, ...this.line].some((each) => each.userId === userId);
    const isUsed = this.#ids.has(id);
    this.#ids.add(id);
    if (isUsed) return 'the id was given before';
    return isThere ? 'the user had a place' : null;
  }
}

const isFill = (type: LogChange['type']) =>
  type === 'registration.promoted' || type === 'offer.made';

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
  const {
    seats: loggedSeats = [],
    offers: loggedOffers = [],
    line: loggedLine = [],
    ...loggedSettings
  } = content ?? {};
  const { seats = [], offers = [], line = [], ...settings } = held ?? {};
  compare('settings', content && loggedSettings, held && settings);
  compare('time zone', logged.settings?.timeZone, rows.item && toEventRecord(rows.item).timeZone);
  compareRows('a seat', loggedSeats, seats, faults);
  compareRows('an offer', loggedOffers, offers, faults);
  compareRows('a place in line', loggedLine, line, faults);
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
    if (seat.isOverride === null) continue;
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
  faults.push(...onlyLogged.map((row) => `${what} that only the log has: ${row}`));
  faults.push(...onlyHeld.map((row) => `${what} that only the tables have: ${row}`));
}

const inOrder = (row: object) => JSON.stringify(row, Object.keys(row).sort());
