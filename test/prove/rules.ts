import { isDeepStrictEqual } from 'node:util';
import {
  type Asked,
  type Content,
  type Interval,
  isErasable,
  NOBODY,
  type Outcome,
  type Place,
  type Reason,
  type Request,
  type Seat,
  type Settings,
} from './history.ts';
import { answerTo } from './questions.ts';

/** A seat whose place in the order is known, as far as clients could learn it. */
export interface Taken extends Seat {
  /** With a fraction: somewhere between the last seat whose number was told and the next. */
  seq: number;
}

/** An event that exists. */
export interface State extends Content {
  seats: readonly Taken[];
  /** The highest number of a seat that was told. */
  lastSeq: number;
}

/** An event as the rules know it; never altered. Null before it is created. */
export type Model = State | null;

/** The rules' answer to a request, and the event afterwards. */
export interface Step {
  expected: Outcome;
  next: Model;
}

/** Stands for an id that nobody was told. */
export const UNTOLD = '?';

/** Equal events have equal keys. */
export function keyOf(model: Model): string {
  if (!model) return '';
  const { lastPosition, lastSeq, revision } = model;
  const settings = Object.values(settingsOf(model));
  const seats = model.seats.map(({ userId, id, seq }) => `${userId}=${id}#${seq}`).join(' ');
  const line = model.line.map(({ userId, id, position }) => `${userId}=${id}@${position}`);
  return `${[...settings, revision, lastPosition, lastSeq]}|${seats}|${line}`;
}

/** What a client was told of a user's new place: the id, and of a seat its number. */
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

/** Seats somebody after all the others. Sorted by user, equal sets are equal texts. */
function seat(state: State, userId: string, told: Outcome | undefined): [State, Taken] {
  const { id, seq = 0 } = toldOf(told, userId);
  const isKnown = seq > state.lastSeq;
  const taken = { userId, id, seq: isKnown ? seq : state.lastSeq + 0.5 };
  const seats = [...state.seats, taken].sort((a, b) => (a.userId < b.userId ? -1 : 1));
  return [{ ...state, seats, lastSeq: isKnown ? seq : state.lastSeq }, taken];
}

const without = <Row extends { userId: string }>(rows: readonly Row[], userId: string) =>
  rows.filter((row) => row.userId !== userId);

/** Picks out what the organiser decides. */
export function settingsOf(settings: Settings): Settings {
  const { capacity, hasWaitlist, waitlistCapacity, status } = settings;
  const { registrationOpensAt, registrationClosesAt } = settings;
  return {
    ...{ capacity, hasWaitlist, waitlistCapacity, status },
    ...{ registrationOpensAt, registrationClosesAt },
  };
}

/** Free seats go to those who wait, in order; a cancelled event gives none. */
function promote(state: State, told: Outcome | undefined): { next: State; promoted: Taken[] } {
  const promoted: Taken[] = [];
  let next = state;
  for (let [first] = next.line; first; [first] = next.line) {
    if (next.status === 'CANCELLED' || next.seats.length >= next.capacity) break;
    const [after, taken] = seat(next, first.userId, told);
    promoted.push(taken);
    next = { ...after, line: after.line.slice(1) };
  }
  return { next, promoted };
}

/** Of a request that may have been decided whenever. */
const WHENEVER: Interval = { from: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY };

const refusalOf = (reason: Reason, time?: string): Outcome => ({
  type: 'refused',
  reason,
  ...(time === undefined ? {} : { time }),
});

/**
 * The rules told in the plainest way there is, apart from the product's: what the answer to a request
 * must be, one request after the other.
 *
 * @param told what a client was told, out of which the ids are taken
 * @param when it was decided: where a window opens or closes meanwhile, both answers are right
 */
export function carryOut(
  state: Model,
  request: Request,
  told?: Outcome,
  when: Interval = WHENEVER,
): Step {
  if (request.type === 'tables') {
    return { expected: { type: 'tables', content: state }, next: state };
  }
  if (request.type === 'create') {
    if (state) return { expected: refusalOf('event exists'), next: state };
    const { capacity, hasWaitlist } = request;
    const next: State = {
      ...{ capacity, hasWaitlist, waitlistCapacity: null, status: 'OPEN' },
      ...{ registrationOpensAt: null, registrationClosesAt: null },
      ...{ revision: 1, lastPosition: 0, lastSeq: 0, seats: [], line: [] },
    };
    return { expected: { type: 'created', capacity, hasWaitlist }, next };
  }
  const isRefused = (reason: Reason) => told?.type === 'refused' && told.reason === reason;
  if (needsUser(request) && request.userId === NOBODY) {
    // Without user and event, either may be missed first.
    const reason = !state && isRefused('no such event') ? 'no such event' : 'no such user';
    return { expected: refusalOf(reason), next: state };
  }
  if (needsUser(request) && isErasable(request.userId) && isRefused('no such user')) {
    return { expected: refusalOf('no such user'), next: state };
  }
  if (!state) return { expected: refusalOf('no such event'), next: null };
  return carryOutOn(state, request, told, when);
}

/** Whether it is looked up who the request is about. */
function needsUser(
  request: Request,
): request is Extract<Request, { type: 'register' | 'override' | 'stand' }> {
  return request.type === 'register' || request.type === 'override' || request.type === 'stand';
}

function carryOutOn(
  state: State,
  request: Exclude<Request, { type: 'create' | 'tables' }>,
  told: Outcome | undefined,
  when: Interval,
): Step {
  const refuse = (reason: Reason): Step => ({ expected: refusalOf(reason), next: state });
  const { seats, line, status, revision } = state;
  switch (request.type) {
    case 'read':
    case 'look':
    case 'stand':
    case 'list':
      return { expected: answerTo(state, request, told), next: state };
    case 'update':
      return update(state, request, told);
    case 'cancel': {
      if (!matches(request, revision)) return refuse('revision mismatch');
      const next =
        status === 'CANCELLED'
          ? state
          : { ...state, status: 'CANCELLED' as const, revision: revision + 1 };
      return { expected: { type: 'cancelled', revision: next.revision }, next };
    }
    case 'leaveLine': {
      const place = line.find(({ userId }) => userId === request.userId);
      if (!place) return refuse('not waiting');
      const { id, position } = place;
      const next = { ...state, line: without(line, request.userId) };
      return { expected: { type: 'leftLine', id, position }, next };
    }
    case 'unregister': {
      if (!seats.some(({ userId }) => userId === request.userId)) return refuse('not registered');
      const left = { ...state, seats: without(seats, request.userId) };
      const { next, promoted } = promote(left, told);
      return { expected: { type: 'unregistered', promoted: promoted[0] ?? null }, next };
    }
    case 'giveUp': {
      const { userId } = request;
      if (seats.some((each) => each.userId === userId)) {
        const { next } = promote({ ...state, seats: without(seats, userId) }, told);
        return { expected: { type: 'gaveUp', place: 'ACTIVE' }, next };
      }
      const place = line.some((each) => each.userId === userId) ? 'WAITLISTED' : null;
      const next = place ? { ...state, line: without(line, userId) } : state;
      return { expected: { type: 'gaveUp', place }, next };
    }
    case 'register':
    case 'override':
      return register(state, request, told, when);
  }
}

const matches = ({ ifMatch }: { ifMatch?: number }, revision: number) =>
  ifMatch === undefined || ifMatch === revision;

function update(
  state: State,
  request: Extract<Asked, { type: 'update' }>,
  told: Outcome | undefined,
): Step {
  const refuse = (reason: Reason): Step => ({ expected: refusalOf(reason), next: state });
  if (state.status === 'CANCELLED') return refuse('cancelled');
  if (!matches(request, state.revision)) return refuse('revision mismatch');
  const settings = settingsOf({ ...state, ...request.patch });
  const { registrationOpensAt: opens, registrationClosesAt: closes } = settings;
  if (opens !== null && closes !== null && opens >= closes) return refuse('window reversed');
  const isChanged = !isDeepStrictEqual(settings, settingsOf(state));
  const revision = state.revision + (isChanged ? 1 : 0);
  const { next, promoted } = promote({ ...state, ...settings, revision }, told);
  const isSame = !isChanged && promoted.length === 0;
  return {
    expected: { type: 'updated', settings, revision, promoted },
    next: isSame ? state : next,
  };
}

/**
 * Why nobody can register by the clock, if so. An answer that was given counts where it can be right;
 * without one the window is taken to be open if it can have been.
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
  when: Interval,
): Step {
  const refuse = (reason: Reason): Step => ({ expected: refusalOf(reason), next: state });
  const { capacity, seats, line, status } = state;
  if (status === 'CANCELLED') return refuse('cancelled');
  if (seats.some((each) => each.userId === userId)) return refuse('already registered');
  if (type === 'override') {
    const [next, { id, seq }] = seat({ ...state, line: without(line, userId) }, userId, told);
    return { expected: { type: 'registered', id, seq }, next };
  }
  if (line.some((place) => place.userId === userId)) return refuse('already waitlisted');
  if (status !== 'OPEN') return refuse(status === 'PAUSED' ? 'paused' : 'closed');
  const closed = closure(state, told, when);
  if (closed) return { expected: closed, next: state };
  if (seats.length < capacity && line.length === 0) {
    const [next, { id, seq }] = seat(state, userId, told);
    return { expected: { type: 'registered', id, seq }, next };
  }
  if (!state.hasWaitlist) return refuse('full');
  if (line.length >= (state.waitlistCapacity ?? Number.POSITIVE_INFINITY)) {
    return refuse('waitlist full');
  }
  const { id } = toldOf(told, userId);
  const position = state.lastPosition + 1;
  const place: Place = { userId, id, position };
  const next = { ...state, line: [...line, place], lastPosition: position };
  return { expected: { type: 'waitlisted', id, position }, next };
}
