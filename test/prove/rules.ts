import { isDeepStrictEqual } from 'node:util';
import {
  type Asked,
  type Content,
  type Entry,
  type Interval,
  NOBODY,
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

/** An event that exists. */
export interface State extends Content {
  seats: readonly Taken[];
  /** The highest order number of a seat that a client was told. */
  lastSeq: number;
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
  const { lastPosition, lastSeq, revision } = model;
  const settings = Object.values(settingsOf(model));
  const seats = model.seats.map(({ userId, id, seq }) => `${userId}=${id}#${seq}`).join(' ');
  const line = model.line.map(({ userId, id, position }) => `${userId}=${id}@${position}`);
  return `${[...settings, revision, lastPosition, lastSeq]}|${seats}|${line}`;
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
  const { id, seq = 0 } = toldOf(told, userId);
  const isKnown = seq > state.lastSeq;
  const taken = { userId, id, seq: isKnown ? seq : state.lastSeq + 0.5 };
  const seats = [...state.seats, taken].sort((a, b) => (a.userId < b.userId ? -1 : 1));
  return [{ ...state, seats, lastSeq: isKnown ? seq : state.lastSeq }, taken];
}

const without = <Row extends { userId: string }>(rows: readonly Row[], userId: string) =>
  rows.filter((row) => row.userId !== userId);

/** The settings of an event, without its people. */
export function settingsOf(settings: Settings): Settings {
  const { capacity, hasWaitlist, waitlistCapacity, status } = settings;
  const { registrationOpensAt, registrationClosesAt } = settings;
  return {
    ...{ capacity, hasWaitlist, waitlistCapacity, status },
    ...{ registrationOpensAt, registrationClosesAt },
  };
}

/** Promotes into all free seats, in order. A cancelled event promotes nobody. */
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

/** The interval of a request that may have been decided at any time. */
const WHENEVER: Interval = { from: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY };

const refusalOf = (reason: Reason, time?: string): Outcome => ({
  type: 'refused',
  reason,
  ...(time === undefined ? {} : { time }),
});

/**
 * The rules in the simplest form, written independently of the product: the expected outcome of a request, and the
 * event afterwards.
 *
 * @param told the outcome that a client was told; ids are taken from it
 * @param when when it was decided: if a window opens or closes meanwhile, both answers are right
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
    // If both user and event do not exist, the answer may be about either.
    const reason = !state && isRefused('no such event') ? 'no such event' : 'no such user';
    return { expected: refusalOf(reason), next: state };
  }
  if (!state) return { expected: refusalOf('no such event'), next: null };
  return carryOutOn(state, request, told, when);
}

/** Whether the service looks up the user of the request. */
function needsUser(
  request: Request,
): request is Extract<Request, { type: 'register' | 'override' | 'stand' }> {
  return request.type === 'register' || request.type === 'override' || request.type === 'stand';
}

function carryOutOn(
  state: State,
  request: Exclude<Asked, { type: 'create' }>,
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
  const place: Entry = { userId, id, position };
  const next = { ...state, line: [...line, place], lastPosition: position };
  return { expected: { type: 'waitlisted', id, position }, next };
}
