import { isDeepStrictEqual } from 'node:util';
import {
  type Asked,
  type Content,
  type Entry,
  type Interval,
  isErasable,
  NOBODY,
  type Offered,
  type Outcome,
  type Reason,
  type Request,
  type Seat,
  type Settings,
} from './history.ts';
import { answerTo } from './questions.ts';

/** A seat with its order number, as far as clients could learn it. */
export interface Taken extends Seat {
  /** A number with a fraction lies between the last seat with a known number and the next. */
  seq: number;
}

/** An open offer, and when it ends by itself as far as that is known: both bounds in epoch milliseconds. */
export interface Held extends Offered {
  from: number;
  until: number;
}

/** What is known of offers, by position. */
export type KnownOffers = ReadonlyMap<number, { id: string; createdAt: string }>;

/** An event that exists. */
export interface State extends Content {
  seats: readonly Taken[];
  offers: readonly Held[];
  /** The highest order number of a seat that a client was told. */
  lastSeq: number;
  /** Seats that the answer to a raise tells of, and that were not given yet. */
  told: readonly Seat[];
  /** By when the last raise was answered, in epoch milliseconds, which it is with its last seat; infinite if it was not. */
  doneBy: number;
}

/** An event in the rules; immutable. Null before it is created. */
export type Model = State | null;

/** The outcome that the rules expect, and the event afterwards. */
export interface Step {
  expected: Outcome;
  next: Model;
}

/** Stands for an id that no client was told. */
export const UNTOLD = '?';

/** A text that is equal for equal events. */
export function keyOf(model: Model): string {
  if (!model) return '';
  const { lastPosition, lastSeq, revision, told, doneBy } = model;
  const settings = Object.values(settingsOf(model));
  const seats = model.seats.map(({ userId, id, seq }) => `${userId}=${id}#${seq}`).join(' ');
  const line = model.line.map(({ userId, id, position }) => `${userId}=${id}@${position}`);
  const offers = model.offers.map(({ userId, position, from, until }) => {
    return `${userId}@${position}:${from}-${until}`;
  });
  return `${[...settings, revision, lastPosition, lastSeq, told.length, doneBy]}|${seats}|${line}|${offers}`;
}

/** What a client was told of a user's new place: the id, and the number of a seat. */
function toldOf(
  told: Outcome | undefined,
  userId: string,
): { id: string; seq?: number | undefined } {
  switch (told?.type) {
    case 'registered':
    case 'waitlisted':
      return told;
    case 'unregistered':
      return told.promoted?.userId === userId ? told.promoted : { id: UNTOLD };
    case 'updated':
      return told.promoted.find((seat) => seat.userId === userId) ?? { id: UNTOLD };
    default:
      return { id: UNTOLD };
  }
}

/** Gives a user the last seat. Seats are sorted by user, so that equal sets are equal texts. */
function seat(state: State, userId: string, told: Outcome | undefined): [State, Taken] {
  const byAnswer = toldOf(told, userId);
  const byRaise = state.told.find((each) => each.userId === userId);
  const { id, seq = 0 } = byAnswer.id === UNTOLD && byRaise ? byRaise : byAnswer;
  const isKnown = seq > state.lastSeq;
  const taken = { userId, id, seq: isKnown ? seq : state.lastSeq + 0.5 };
  const seats = [...state.seats, taken].sort((a, b) => (a.userId < b.userId ? -1 : 1));
  const left = state.told.filter((each) => each.id !== id);
  return [{ ...state, seats, lastSeq: isKnown ? seq : state.lastSeq, told: left }, taken];
}

const without = <Row extends { userId: string }>(rows: readonly Row[], userId: string) =>
  rows.filter((row) => row.userId !== userId);

/** The settings of an event, without its people. */
export function settingsOf(settings: Settings): Settings {
  const { capacity, hasWaitlist, waitlistCapacity, status } = settings;
  const { registrationOpensAt, registrationClosesAt } = settings;
  const { startsAt, promotesUntil, offerSeconds } = settings;
  return {
    ...{ capacity, hasWaitlist, waitlistCapacity, status },
    ...{ registrationOpensAt, registrationClosesAt },
    ...{ startsAt, promotesUntil, offerSeconds },
  };
}

/** When the line ends, in epoch milliseconds. A cancelled event has none any more. */
export function lineEndOf({ status, promotesUntil, startsAt }: Settings): number {
  if (status === 'CANCELLED') return Number.NEGATIVE_INFINITY;
  const end = promotesUntil ?? startsAt;
  return end === null ? Number.POSITIVE_INFINITY : Date.parse(end);
}

/** An offer without what only the rules know of it. */
export function toOffered({ userId, id, position, createdAt, expiresAt }: Offered): Offered {
  return { userId, id, position, createdAt, expiresAt };
}

/** An offer as a client is told of it. */
export function shownOffer(settings: Settings, offer: Offered): Offered {
  const lineEnd = lineEndOf(settings);
  const isCut = offer.createdAt !== UNTOLD && Date.parse(offer.expiresAt) > lineEnd;
  return toOffered({ ...offer, ...(isCut ? { expiresAt: new Date(lineEnd).toISOString() } : {}) });
}

/** When something is decided, what is known of offers, and whether the line has ended by then. */
interface Clock extends Interval {
  known: KnownOffers;
  isLineOver: boolean;
}

/** What became of free seats. */
interface Filled {
  next: State;
  promoted: Taken[];
  offered: Offered[];
}

/** Seats that are free while people wait for them, of an event whose line lives. */
export function owedTo({ capacity, seats, offers, line }: State): number {
  return Math.max(0, Math.min(capacity - seats.length - offers.length, line.length));
}

/**
 * Free seats go to those who wait, in order, while the line lives: they are given, or offered.
 *
 * @param most so many of them
 * @returns null where it can't have been then, since an offer was made at another time
 */
function fill(state: State, told: Outcome | undefined, clock: Clock, most: number): Filled | null {
  const promoted: Taken[] = [];
  const offered: Offered[] = [];
  let next = state;
  for (let [first] = next.line; first && !clock.isLineOver; [first] = next.line) {
    if (promoted.length + offered.length === most || owedTo(next) === 0) break;
    if (next.offerSeconds === null) {
      const [after, taken] = seat(next, first.userId, told);
      promoted.push(taken);
      next = { ...after, line: after.line.slice(1) };
    } else {
      const held = hold(first, next.offerSeconds * 1_000, clock);
      if (!held) return null;
      offered.push(shownOffer(next, held));
      next = { ...next, offers: [...next.offers, held], line: next.line.slice(1) };
    }
  }
  return { next, promoted, offered };
}

/** The offer to somebody who waits; null where it was made at another time. */
function hold({ userId, position }: Entry, forMs: number, clock: Clock): Held | null {
  const told = clock.known.get(position);
  if (!told) {
    const unknown = { id: UNTOLD, createdAt: UNTOLD, expiresAt: UNTOLD };
    return { userId, position, ...unknown, from: clock.from + forMs, until: clock.until + forMs };
  }
  const madeAt = Date.parse(told.createdAt);
  if (madeAt < clock.from || madeAt > clock.until) return null;
  const endsAt = madeAt + forMs;
  const expiresAt = new Date(endsAt).toISOString();
  return { userId, position, ...told, expiresAt, from: endsAt, until: endsAt };
}

/** What an event can have become by the clock alone when a request is decided. */
interface Moment {
  state: State;
  isLineOver: boolean;
}

/** Ways in which the clock alone can have gone that are looked at; so many offers end in a run at once. */
const MAX_MOMENTS = 200;

/**
 * Every way in which offers can have ended, and seats of a raise can have been given, by when a request is decided.
 * An offer passes its seat on as long as the line lives: when the request is decided, or before, by whoever asked
 * without an answer. Ways in which less has happened come first.
 */
function moments(state: State, when: Interval, known: KnownOffers): Moment[] {
  const lineEnd = lineEndOf(state);
  const isSimple = state.offers.length === 0 && owedTo(state) === 0;
  const found: Moment[] = [];
  const seen = new Set<string>();
  const visit = (now: State): void => {
    const key = keyOf(now);
    if (seen.has(key) || seen.size >= MAX_MOMENTS) return;
    seen.add(key);
    const isGiven = now.doneBy >= when.from || owedTo(now) === 0;
    if (lineEnd > when.from && isGiven && now.offers.every(({ until }) => until > when.from)) {
      found.push({ state: now, isLineOver: false });
    }
    if (lineEnd <= when.until) {
      const ended = now.offers.length === 0 ? now : { ...now, offers: [] };
      found.push({ state: ended, isLineOver: true });
    }
    for (const { position, from } of now.offers) {
      if (from > when.until || from >= lineEnd) continue;
      const offers = now.offers.filter((offer) => offer.position !== position);
      const clock = { from, until: Math.min(when.until, lineEnd), known, isLineOver: false };
      const filled = fill({ ...now, offers }, undefined, clock, 1);
      if (filled) visit(filled.next);
    }
    if (lineEnd > when.from && owedTo(now) > 0) {
      const clock = { ...when, known, isLineOver: false };
      const filled = fill(now, undefined, clock, 1);
      if (filled) visit(filled.next);
    }
  };
  if (isSimple) {
    if (lineEnd > when.from) found.push({ state, isLineOver: false });
    if (lineEnd <= when.until) found.push({ state, isLineOver: true });
    return found;
  }
  visit(state);
  return found;
}

/** The interval of a request that may have been decided at any time. */
const WHENEVER: Interval = { from: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY };

const NOTHING_KNOWN: KnownOffers = new Map();

const refusalOf = (reason: Reason, time?: string): Outcome => ({
  type: 'refused',
  reason,
  ...(time === undefined ? {} : { time }),
});

/**
 * The rules in the simplest form, written independently of the product: the outcomes that a request can have, and
 * the event after each. There are several if it is not known when the request was decided: an offer, or the line,
 * may have ended by then or not.
 *
 * @param told the outcome that a client was told; ids are taken from it
 * @param when when it was decided: if a window opens or closes meanwhile, both answers are right
 * @param known what is told of offers at any time
 */
export function carryOutAll(
  state: Model,
  request: Request,
  told?: Outcome,
  when: Interval = WHENEVER,
  known: KnownOffers = NOTHING_KNOWN,
): Step[] {
  const step = (expected: Outcome, next: Model): Step[] => [{ expected, next }];
  if (request.type === 'create') {
    if (state) return step(refusalOf('event exists'), state);
    const { capacity, hasWaitlist } = request;
    const next: State = {
      ...{ capacity, hasWaitlist, waitlistCapacity: null, status: 'OPEN' },
      ...{ registrationOpensAt: null, registrationClosesAt: null },
      ...{ startsAt: null, promotesUntil: null, offerSeconds: null },
      ...{ revision: 1, lastPosition: 0, lastSeq: 0, seats: [], offers: [], line: [], told: [] },
      doneBy: Number.POSITIVE_INFINITY,
    };
    return step({ type: 'created', capacity, hasWaitlist }, next);
  }
  const isRefused = (reason: Reason) => told?.type === 'refused' && told.reason === reason;
  if (needsUser(request) && request.userId === NOBODY) {
    // If both user and event do not exist, the answer may be about either.
    const reason = !state && isRefused('no such event') ? 'no such event' : 'no such user';
    return step(refusalOf(reason), state);
  }
  if (request.type === 'tables') {
    // Nobody asks them: what is due by then may be done or not.
    if (!state) return step({ type: 'tables', content: null }, null);
    const past = { from: Number.NEGATIVE_INFINITY, until: when.until };
    return moments(state, past, known)
      .filter((moment) => moment.state.told.length === 0)
      .map((moment) => ({
        expected: { type: 'tables', content: moment.state },
        next: moment.state,
      }));
  }
  if (needsUser(request) && isErasable(request.userId) && isRefused('no such user')) {
    return step(refusalOf('no such user'), state);
  }
  if (!state) return step(refusalOf('no such event'), null);
  return moments(state, when, known).flatMap(({ state: now, isLineOver }) =>
    carryOutOn(now, request, told, { ...when, known, isLineOver }),
  );
}

/** The first of them, where there can be one only: nothing depends on the clock. */
export function carryOut(...how: Parameters<typeof carryOutAll>): Step {
  const [step] = carryOutAll(...how);
  if (!step) throw new Error('a request that can have been decided at no time');
  return step;
}

/** Whether the service looks up the user of the request. */
function needsUser(
  request: Request,
): request is Extract<Request, { type: 'register' | 'override' | 'stand' }> {
  return request.type === 'register' || request.type === 'override' || request.type === 'stand';
}

function carryOutOn(
  state: State,
  request: Exclude<Request, { type: 'create' | 'tables' }>,
  told: Outcome | undefined,
  clock: Clock,
): Step[] {
  const refuse = (reason: Reason): Step[] => [{ expected: refusalOf(reason), next: state }];
  const { seats, offers, line, status, revision } = state;
  switch (request.type) {
    case 'read':
    case 'look':
    case 'stand':
    case 'list':
      return [{ expected: answerTo(state, request, told, clock.isLineOver), next: state }];
    case 'update':
      return update(state, request, told, clock);
    case 'cancel': {
      if (!matches(request, revision)) return refuse('revision mismatch');
      const next =
        status === 'CANCELLED'
          ? state
          : { ...state, status: 'CANCELLED' as const, revision: revision + 1, offers: [] };
      return [{ expected: { type: 'cancelled', revision: next.revision }, next }];
    }
    case 'leaveLine': {
      const offer = offers.find(({ userId }) => userId === request.userId);
      if (offer) {
        const left = { ...state, offers: without(offers, request.userId) };
        const filled = fill(left, told, clock, 1);
        const expected: Outcome = { type: 'declined', offer: shownOffer(state, offer) };
        return filled ? [{ expected, next: filled.next }] : [];
      }
      const place = line.find(({ userId }) => userId === request.userId);
      if (!place) return refuse('not waiting');
      const { id, position } = place;
      const next = { ...state, line: without(line, request.userId) };
      return [{ expected: { type: 'leftLine', id, position }, next }];
    }
    case 'unregister': {
      if (!seats.some(({ userId }) => userId === request.userId)) return refuse('not registered');
      const filled = fill({ ...state, seats: without(seats, request.userId) }, told, clock, 1);
      if (!filled) return [];
      const { next, promoted, offered } = filled;
      const [first, offer] = [promoted[0] ?? null, offered[0] ?? null];
      return [{ expected: { type: 'unregistered', promoted: first, offered: offer }, next }];
    }
    case 'giveUp': {
      const { userId } = request;
      const has = (rows: readonly { userId: string }[]) =>
        rows.some((each) => each.userId === userId);
      const place = has(seats) ? 'ACTIVE' : has(offers) ? 'OFFERED' : null;
      if (place) {
        const [others, open] = [without(seats, userId), without(offers, userId)];
        const filled = fill({ ...state, seats: others, offers: open }, told, clock, 1);
        return filled ? [{ expected: { type: 'gaveUp', place }, next: filled.next }] : [];
      }
      if (!has(line)) return [{ expected: { type: 'gaveUp', place: null }, next: state }];
      const next = { ...state, line: without(line, userId) };
      return [{ expected: { type: 'gaveUp', place: 'WAITLISTED' }, next }];
    }
    case 'register':
    case 'override':
      return [register(state, request, told, clock)];
  }
}

const matches = ({ ifMatch }: { ifMatch?: number }, revision: number) =>
  ifMatch === undefined || ifMatch === revision;

function update(
  state: State,
  request: Extract<Asked, { type: 'update' }>,
  told: Outcome | undefined,
  clock: Clock,
): Step[] {
  const refuse = (reason: Reason): Step[] => [{ expected: refusalOf(reason), next: state }];
  if (state.status === 'CANCELLED') return refuse('cancelled');
  if (!matches(request, state.revision)) return refuse('revision mismatch');
  const settings = settingsOf({ ...state, ...request.patch });
  const { registrationOpensAt: opens, registrationClosesAt: closes } = settings;
  if (opens !== null && closes !== null && opens >= closes) return refuse('window reversed');
  const isChanged = !isDeepStrictEqual(settings, settingsOf(state));
  const revision = state.revision + (isChanged ? 1 : 0);
  const lineEnd = lineEndOf(settings);
  // The end may have been moved to before or after now; where it is the same, it is as over as it was.
  const isMoved = lineEnd !== lineEndOf(state);
  const ways = [
    ...(lineEnd > clock.from ? [false] : []),
    ...(lineEnd <= clock.until ? [true] : []),
  ];
  return (isMoved ? ways : [clock.isLineOver]).flatMap((isLineOver) => {
    const offers = isLineOver ? [] : state.offers;
    const updated = { ...state, ...settings, revision, offers };
    // Seats that an earlier raise owes are given before those of this one.
    const least = owedTo(state) > 0 && !clock.isLineOver ? 0 : RAISED_AT_ONCE;
    const filled = fill(updated, told, { ...clock, isLineOver }, least);
    if (!filled) return [];
    const { promoted, offered } = filled;
    const isSame = !isChanged && promoted.length === 0 && offered.length === 0;
    const expected: Outcome = { type: 'updated', settings, revision, promoted, offered };
    const owed = isLineOver ? 0 : owedTo(filled.next);
    if (owed === 0) return [{ expected, next: isSame ? state : filled.next }];
    return [toBeGiven(filled.next, expected, owed, told, clock.until)];
  });
}

/** So many seats of a raise, or all, are given with it; the others step by step, with requests in between. */
export const RAISED_AT_ONCE = 12;

/**
 * A raise that is not done at once. It is answered when it is: then its answer tells who got the seats that were
 * owed when it was decided, or fewer where people have left the line.
 */
function toBeGiven(
  state: State,
  expected: Extract<Outcome, { type: 'updated' }>,
  owed: number,
  told: Outcome | undefined,
  answered: number,
): Step {
  const unanswered = { ...state, doneBy: Number.POSITIVE_INFINITY };
  if (told?.type !== 'updated') return { expected, next: unanswered };
  const seats = told.promoted.slice(expected.promoted.length);
  const offers = told.offered.slice(expected.offered.length);
  if (seats.length + offers.length > owed) return { expected, next: unanswered };
  const next = { ...state, told: [...state.told, ...seats], doneBy: answered };
  const promoted = [...expected.promoted, ...seats];
  return { expected: { ...expected, promoted, offered: [...expected.offered, ...offers] }, next };
}

/**
 * The refusal if registration was not open by the clock. If both are possible, the given answer decides; without an
 * answer the window counts as open.
 */
function closure(state: State, told: Outcome | undefined, when: Interval): Outcome | null {
  const { registrationOpensAt: opensAt, registrationClosesAt: closesAt } = state;
  const opens = opensAt === null ? Number.NEGATIVE_INFINITY : Date.parse(opensAt);
  const closes = closesAt === null ? Number.POSITIVE_INFINITY : Date.parse(closesAt);
  const early = opensAt !== null && when.from < opens ? refusalOf('not open yet', opensAt) : null;
  const late =
    closesAt !== null && when.until >= closes ? refusalOf('closed already', closesAt) : null;
  if (early && isDeepStrictEqual(told, early)) return early;
  if (late && isDeepStrictEqual(told, late)) return late;
  const first = Math.max(when.from, opens);
  return first <= when.until && first < closes ? null : (early ?? late);
}

function register(
  state: State,
  { type, userId }: { type: 'register' | 'override'; userId: string },
  told: Outcome | undefined,
  clock: Clock,
): Step {
  const refuse = (reason: Reason): Step => ({ expected: refusalOf(reason), next: state });
  const { capacity, seats, offers, line, status } = state;
  const isOffered = offers.some((each) => each.userId === userId);
  const isWaiting = line.some((place) => place.userId === userId);
  if (status === 'CANCELLED') return refuse('cancelled');
  if (seats.some((each) => each.userId === userId)) return refuse('already registered');
  const take = (): Step => {
    const left = { ...state, offers: without(offers, userId), line: without(line, userId) };
    const [next, { id, seq }] = seat(left, userId, told);
    return { expected: { type: 'registered', id, seq }, next };
  };
  if (type === 'override' || isOffered) return take();
  if (isWaiting && !clock.isLineOver) return refuse('already waitlisted');
  if (status !== 'OPEN') return refuse(status === 'PAUSED' ? 'paused' : 'closed');
  const closed = closure(state, told, clock);
  if (closed) return { expected: closed, next: state };
  const isFree = seats.length + offers.length < capacity;
  if (isFree && (clock.isLineOver || line.length === 0)) return take();
  if (!state.hasWaitlist) return refuse('full');
  if (clock.isLineOver) return refuse('line ended');
  if (line.length >= (state.waitlistCapacity ?? Number.POSITIVE_INFINITY)) {
    return refuse('waitlist full');
  }
  const { id } = toldOf(told, userId);
  const position = state.lastPosition + 1;
  const place: Entry = { userId, id, position };
  const next = { ...state, line: [...line, place], lastPosition: position };
  return { expected: { type: 'waitlisted', id, position }, next };
}
