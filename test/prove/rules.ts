import type { Content, Outcome, Place, Request, Seat } from './history.ts';

/** An event as the rules know it; never altered. Null before it is created. */
export type Model = (Content & { key: string }) | null;

/** The rules' answer to a request, and the event afterwards. */
export interface Step {
  expected: Outcome;
  next: Model;
}

const UNTOLD = '?';

function model(content: Content): Model {
  const seats = content.seats.map(({ userId, id }) => `${userId}=${id}`).join(' ');
  const line = content.line.map(({ userId, id, position }) => `${userId}=${id}@${position}`);
  const shape = `${content.capacity}${content.hasWaitlist ? 'w' : ''}${content.lastPosition}`;
  return { ...content, key: `${shape}|${seats}|${line.join(' ')}` };
}

/** Seats have no order; sorted, equal sets are equal texts. */
function seated(seats: readonly Seat[], seat: Seat): Seat[] {
  return [...seats, seat].sort((a, b) => (a.userId < b.userId ? -1 : 1));
}

/** The id that a client was told, or that nobody was told any. */
function idIn(told: Outcome | undefined): string {
  if (told?.type === 'registered' || told?.type === 'waitlisted') return told.id;
  if (told?.type === 'unregistered' && told.promoted) return told.promoted.id;
  return UNTOLD;
}

/**
 * The rules told in the plainest way there is, apart from the product's: what the answer to a request
 * must be, one request after the other.
 *
 * @param told what a client was told, out of which the ids are taken
 */
export function carryOut(state: Model, request: Request, told?: Outcome): Step {
  const refuse = (reason: Extract<Outcome, { type: 'refused' }>['reason']): Step => ({
    expected: { type: 'refused', reason },
    next: state,
  });
  if (request.type === 'tables') {
    return { expected: { type: 'tables', content: state }, next: state };
  }
  if (request.type === 'create') {
    if (state) return refuse('event exists');
    const { capacity, hasWaitlist } = request;
    const next = model({ capacity, hasWaitlist, lastPosition: 0, seats: [], line: [] });
    return { expected: { type: 'created', capacity, hasWaitlist }, next };
  }
  if (!state) return refuse('no such event');
  const { capacity, seats, line } = state;
  if (request.type === 'read') {
    const available = Math.max(0, capacity - seats.length);
    return { expected: { type: 'read', capacity, available }, next: state };
  }
  const { userId } = request;
  const hasSeat = seats.some((seat) => seat.userId === userId);
  const id = idIn(told);
  if (request.type === 'register') {
    if (hasSeat) return refuse('already registered');
    if (line.some((place) => place.userId === userId)) return refuse('already waitlisted');
    if (seats.length < capacity && line.length === 0) {
      const next = model({ ...state, seats: seated(seats, { userId, id }) });
      return { expected: { type: 'registered', id }, next };
    }
    if (!state.hasWaitlist) return refuse('full');
    const position = state.lastPosition + 1;
    const place: Place = { userId, id, position };
    const next = model({ ...state, line: [...line, place], lastPosition: position });
    return { expected: { type: 'waitlisted', id, position }, next };
  }
  if (!hasSeat) return refuse('not registered');
  const remaining = seats.filter((seat) => seat.userId !== userId);
  const [first, ...others] = line;
  if (!first) {
    const next = model({ ...state, seats: remaining });
    return { expected: { type: 'unregistered', promoted: null }, next };
  }
  const promoted: Seat = { userId: first.userId, id };
  const next = model({ ...state, seats: seated(remaining, promoted), line: others });
  return { expected: { type: 'unregistered', promoted }, next };
}

const sameId = (a: string, b: string) => a === b || a === UNTOLD || b === UNTOLD;

/** Whether what somebody was told is what the rules answer. */
export function agrees(expected: Outcome, told: Outcome): boolean {
  switch (told.type) {
    case 'created':
      return (
        expected.type === 'created' &&
        expected.capacity === told.capacity &&
        expected.hasWaitlist === told.hasWaitlist
      );
    case 'registered':
      return expected.type === 'registered';
    case 'waitlisted':
      return expected.type === 'waitlisted' && expected.position === told.position;
    case 'unregistered':
      return (
        expected.type === 'unregistered' && expected.promoted?.userId === told.promoted?.userId
      );
    case 'read':
      return (
        expected.type === 'read' &&
        expected.capacity === told.capacity &&
        expected.available === told.available
      );
    case 'refused':
      return expected.type === 'refused' && expected.reason === told.reason;
    case 'tables':
      return expected.type === 'tables' && sameContent(expected.content, told.content);
    case 'unknown':
      return true;
  }
}

function sameContent(expected: Content | null, found: Content | null): boolean {
  if (!expected || !found) return expected === null && found === null;
  const samePlaces = (a: readonly Seat[], b: readonly Seat[]) =>
    a.length === b.length &&
    a.every(({ userId, id }, i) => {
      const other = b[i];
      return other !== undefined && other.userId === userId && sameId(other.id, id);
    });
  return (
    expected.capacity === found.capacity &&
    expected.hasWaitlist === found.hasWaitlist &&
    expected.lastPosition === found.lastPosition &&
    samePlaces(expected.seats, found.seats) &&
    samePlaces(expected.line, found.line) &&
    expected.line.every(({ position }, i) => found.line[i]?.position === position)
  );
}
