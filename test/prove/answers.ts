import type { Reply } from './client.ts';
import type { Counts, Outcome, Reason, Settings, Standing } from './history.ts';
import { settingsOf } from './rules.ts';

/** An answer that no promise allows. */
export class UnexpectedAnswerError extends Error {}

const REFUSALS: [status: number, sentence: RegExp, reason: Reason][] = [
  [409, /^Event \S+ exists already\.$/, 'event exists'],
  [404, /^There is no event /, 'no such event'],
  [409, /is already registered for event/, 'already registered'],
  [409, /is already on the waitlist of event/, 'already waitlisted'],
  [409, /is full and has no waitlist/, 'full'],
  [409, /is full, and so is its waitlist/, 'waitlist full'],
  [404, /is not registered for event/, 'not registered'],
  [404, /is not on the waitlist of event/, 'not waiting'],
  [400, /^Registration for event \S+ is paused\.$/, 'paused'],
  [400, /^Registration for event \S+ is closed\.$/, 'closed'],
  [400, /^Event \S+ is cancelled\.$/, 'cancelled'],
];

/** A registration as it is told. */
interface ToldSeat {
  userId: string;
  registrationId: string;
}

/** A place in line as it is told. */
interface ToldPlace {
  entryId: string;
  position: number;
}

const toSeat = ({ userId, registrationId }: ToldSeat) => ({ userId, id: registrationId });

/** Whether the first request with the key has not been answered yet. */
export function isInFlight({ status, body }: Reply): boolean {
  return status === 409 && body.title === 'KeyInFlightError';
}

/** Whether it is the first answer to the key once more. */
export function isReplay({ headers }: Reply): boolean {
  return headers['idempotency-replayed'] === 'true';
}

/**
 * What an answer means. Null for one that says that nothing was changed, which then never happened.
 *
 * @throws UnexpectedAnswerError for what the service should never answer
 */
export function toOutcome({ status, body }: Reply): Outcome | null {
  const detail = String(body.detail ?? '');
  if (status === 503) {
    return detail.includes('nothing was changed') ? null : { type: 'unknown', why: detail };
  }
  const outcome = status === 201 ? toCreated(body) : status === 200 ? toDone(body) : null;
  if (outcome) return outcome;
  for (const [wanted, sentence, reason] of REFUSALS) {
    if (status === wanted && sentence.test(detail)) return { type: 'refused', reason };
  }
  throw new UnexpectedAnswerError(`${status} ${JSON.stringify(body)}`);
}

function toCreated(body: Reply['body']): Outcome | null {
  if ('capacity' in body) {
    const { capacity, hasWaitlist } = body as unknown as Settings;
    return { type: 'created', capacity, hasWaitlist };
  }
  const seat = body.registration as ToldSeat | null;
  const place = body.waitlistEntry as ToldPlace | null;
  if (seat && !place) return { type: 'registered', id: seat.registrationId };
  if (place && !seat) return { type: 'waitlisted', id: place.entryId, position: place.position };
  return null;
}

function toDone(body: Reply['body']): Outcome | null {
  if ('event' in body) {
    const settings = settingsOf(body.event as Settings);
    return { type: 'updated', settings, promoted: (body.promoted as ToldSeat[]).map(toSeat) };
  }
  if ('promoted' in body) {
    const promoted = body.promoted as ToldSeat | null;
    return { type: 'unregistered', promoted: promoted && toSeat(promoted) };
  }
  if ('ahead' in body) return toStanding(body);
  if ('waitlistEntry' in body) {
    const { entryId, position } = body.waitlistEntry as ToldPlace;
    return { type: 'leftLine', id: entryId, position };
  }
  if ('availableCapacity' in body) {
    const counts: Counts = {
      capacity: body.totalCapacity as number,
      available: body.availableCapacity as number,
      registered: body.registeredCount as number,
      waiting: body.waitlistCount as number,
      status: body.status as Counts['status'],
    };
    return { type: 'read', counts };
  }
  return body.status === 'CANCELLED' ? { type: 'cancelled' } : null;
}

function toStanding(body: Reply['body']): Outcome {
  const seat = body.registration as ToldSeat | null;
  const entry = body.waitlistEntry as ToldPlace | null;
  const standing: Standing = {
    place: body.status as Standing['place'],
    id: seat?.registrationId ?? entry?.entryId ?? null,
    position: entry?.position ?? null,
    ahead: body.ahead as number | null,
  };
  return { type: 'standing', standing };
}
