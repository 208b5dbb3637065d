import type { Asked, Content, Outcome, Place, Reason, Request, Seat, Settings } from './history.ts';

/** An event as the rules know it; never altered. Null before it is created. */
export type Model = Content | null;

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
  const { capacity, hasWaitlist, waitlistCapacity, status, lastPosition } = model;
  const seats = model.seats.map(({ userId, id }) => `${userId}=${id}`).join(' ');
  const line = model.line.map(({ userId, id, position }) => `${userId}=${id}@${position}`);
  return `${[capacity, hasWaitlist, waitlistCapacity, status, lastPosition]}|${seats}|${line}`;
}

/** Seats have no order; sorted, equal sets are equal texts. */
function seated(seats: readonly Seat[], more: readonly Seat[]): Seat[] {
  return [...seats, ...more].sort((a, b) => (a.userId < b.userId ? -1 : 1));
}

/** The id that a client was told for a user's new place, or that nobody was told any. */
function idIn(told: Outcome | undefined, userId: string): string {
  switch (told?.type) {
    case 'registered':
    case 'waitlisted':
      return told.id;
    case 'unregistered':
      return told.promoted?.userId === userId ? told.promoted.id : UNTOLD;
    case 'updated':
      return told.promoted.find((seat) => seat.userId === userId)?.id ?? UNTOLD;
    default:
      return UNTOLD;
  }
}

const without = <Row extends Seat>(rows: readonly Row[], userId: string) =>
  rows.filter((row) => row.userId !== userId);

/** Picks out what the organiser decides. */
export function settingsOf(settings: Settings): Settings {
  const { capacity, hasWaitlist, waitlistCapacity, status } = settings;
  return { capacity, hasWaitlist, waitlistCapacity, status };
}

/** Free seats go to those who wait, in order; a cancelled event gives none. */
function promote(state: Content, told: Outcome | undefined): { next: Content; promoted: Seat[] } {
  const free = state.status === 'CANCELLED' ? 0 : state.capacity - state.seats.length;
  if (free <= 0 || state.line.length === 0) return { next: state, promoted: [] };
  const promoted = state.line
    .slice(0, free)
    .map(({ userId }) => ({ userId, id: idIn(told, userId) }));
  const next = { ...state, seats: seated(state.seats, promoted), line: state.line.slice(free) };
  return { next, promoted };
}

/**
 * The rules told in the plainest way there is, apart from the product's: what the answer to a request
 * must be, one request after the other.
 *
 * @param told what a client was told, out of which the ids are taken
 */
export function carryOut(state: Model, request: Request, told?: Outcome): Step {
  if (request.type === 'tables') {
    return { expected: { type: 'tables', content: state }, next: state };
  }
  if (request.type === 'create') {
    if (state) return { expected: { type: 'refused', reason: 'event exists' }, next: state };
    const { capacity, hasWaitlist } = request;
    const settings: Settings = { capacity, hasWaitlist, waitlistCapacity: null, status: 'OPEN' };
    const next = { ...settings, lastPosition: 0, seats: [], line: [] };
    return { expected: { type: 'created', capacity, hasWaitlist }, next };
  }
  if (!state) return { expected: { type: 'refused', reason: 'no such event' }, next: null };
  return carryOutOn(state, request, told);
}

function carryOutOn(
  state: Content,
  request: Exclude<Asked, { type: 'create' }>,
  told: Outcome | undefined,
): Step {
  const refuse = (reason: Reason): Step => ({ expected: { type: 'refused', reason }, next: state });
  const { capacity, seats, line, status } = state;
  switch (request.type) {
    case 'read': {
      const available = Math.max(0, capacity - seats.length);
      const [registered, waiting] = [seats.length, line.length];
      const counts = { capacity, available, registered, waiting, status };
      return { expected: { type: 'read', counts }, next: state };
    }
    case 'stand':
      return { expected: standing(state, request.userId), next: state };
    case 'update': {
      if (status === 'CANCELLED') return refuse('cancelled');
      const { next, promoted } = promote({ ...state, ...request.patch }, told);
      const isSame = keyOf(next) === keyOf(state);
      const expected: Outcome = { type: 'updated', settings: settingsOf(next), promoted };
      return { expected, next: isSame ? state : next };
    }
    case 'cancel': {
      const next = status === 'CANCELLED' ? state : { ...state, status: 'CANCELLED' as const };
      return { expected: { type: 'cancelled' }, next };
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
      return register(state, request, idIn(told, request.userId));
  }
}

function register(
  state: Content,
  { type, userId }: { type: 'register' | 'override'; userId: string },
  id: string,
): Step {
  const refuse = (reason: Reason): Step => ({ expected: { type: 'refused', reason }, next: state });
  const { capacity, seats, line, status } = state;
  if (status === 'CANCELLED') return refuse('cancelled');
  if (seats.some((seat) => seat.userId === userId)) return refuse('already registered');
  const taken = seated(seats, [{ userId, id }]);
  if (type === 'override') {
    const next = { ...state, seats: taken, line: without(line, userId) };
    return { expected: { type: 'registered', id }, next };
  }
  if (line.some((place) => place.userId === userId)) return refuse('already waitlisted');
  if (status !== 'OPEN') return refuse(status === 'PAUSED' ? 'paused' : 'closed');
  if (seats.length < capacity && line.length === 0) {
    return { expected: { type: 'registered', id }, next: { ...state, seats: taken } };
  }
  if (!state.hasWaitlist) return refuse('full');
  if (line.length >= (state.waitlistCapacity ?? Number.POSITIVE_INFINITY)) {
    return refuse('waitlist full');
  }
  const position = state.lastPosition + 1;
  const place: Place = { userId, id, position };
  const next = { ...state, line: [...line, place], lastPosition: position };
  return { expected: { type: 'waitlisted', id, position }, next };
}

function standing({ seats, line }: Content, userId: string): Outcome {
  const seat = seats.find((each) => each.userId === userId);
  const none = { position: null, ahead: null };
  if (seat) return { type: 'standing', standing: { place: 'ACTIVE', id: seat.id, ...none } };
  const ahead = line.findIndex((each) => each.userId === userId);
  const entry = line[ahead];
  if (!entry) return { type: 'standing', standing: { place: 'NONE', id: null, ...none } };
  const { id, position } = entry;
  return { type: 'standing', standing: { place: 'WAITLISTED', id, position, ahead } };
}
