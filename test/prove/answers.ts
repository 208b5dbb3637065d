import { isDeepStrictEqual } from 'node:util';
import type { Reply } from './client.ts';
import type { Asked, Counts, Offered, Outcome, Reason, Settings, Standing } from './history.ts';
import { toPage, UnexpectedAnswerError } from './lists.ts';
import { settingsOf } from './rules.ts';

/** The reason of a refusal, by status and sentence. The sentence can contain a time, which belongs to the reason. */
const REFUSALS: [status: number, sentence: RegExp, reason: Reason][] = [
  [409, /^Event \S+ exists already\.$/, 'event exists'],
  [404, /^There is no event /, 'no such event'],
  [404, /^There is no user /, 'no such user'],
  [409, /is already registered for event/, 'already registered'],
  [409, /is already on the waitlist of event/, 'already waitlisted'],
  [409, /is full and has no waitlist/, 'full'],
  [409, /is full, and so is its waitlist/, 'waitlist full'],
  [409, /is full, and its waitlist has ended/, 'line ended'],
  [404, /is not registered for event/, 'not registered'],
  [404, /is not on the waitlist of event/, 'not waiting'],
  [400, /^Registration for event \S+ is paused\.$/, 'paused'],
  [400, /^Registration for event \S+ is closed\.$/, 'closed'],
  [400, /^Registration for event \S+ opens at (?<time>\S+)\.$/, 'not open yet'],
  [400, /^Registration for event \S+ closed at (?<time>\S+)\.$/, 'closed already'],
  [400, /registrationClosesAt: must be later than registrationOpensAt/, 'window reversed'],
  [400, /^Event \S+ is cancelled\.$/, 'cancelled'],
  [412, /has changed since it was read/, 'revision mismatch'],
];

/** A registration in an answer. */
interface ToldSeat {
  userId: string;
  registrationId: string;
}

/** A waitlist entry in an answer. */
interface ToldEntry {
  entryId: string;
  position: number;
}

/** An offer as it is told. */
type ToldOffer = Omit<Offered, 'id'> & { offerId: string };

const toOffer = ({ offerId, userId, position, createdAt, expiresAt }: ToldOffer): Offered => ({
  ...{ userId, id: offerId, position, createdAt, expiresAt },
});

const toSeat = ({ userId, registrationId }: ToldSeat) => ({ userId, id: registrationId });

/** Whether a 503 leaves open if something was changed. */
export function isInDoubt({ body }: Reply): boolean {
  return !String(body.detail ?? '').includes('nothing was changed');
}

/** The results in the answer to a bulk call. */
const resultsOf = ({ status, body }: Reply): { problem?: { status: number } }[] =>
  (status === 200 && (body as { results?: { problem?: { status: number } }[] }).results) || [];

/** Whether a bulk call was answered as before, except for rows that are now unavailable. */
export function isSameButUnavailable(again: Reply, first: Reply): boolean {
  const [rows, before] = [resultsOf(again), resultsOf(first)];
  const isOpen = ({ problem }: { problem?: { status: number } }) => problem?.status === 503;
  return (
    rows.length === before.length &&
    rows.some(isOpen) &&
    rows.every((row, i) => isOpen(row) || isDeepStrictEqual(row, before[i]))
  );
}

/** Whether the first request with the key has not been answered yet. */
export function isInFlight({ status, body }: Reply): boolean {
  return status === 409 && body.title === 'KeyInFlightError';
}

/** Whether the key was refused because it was used for a different request. */
export function isKeyReused({ status, body }: Reply): boolean {
  return status === 422 && body.title === 'KeyReusedError';
}

/** Whether the answer repeats the first outcome of the key. */
export function isReplay({ headers }: Reply): boolean {
  return headers['idempotency-replayed'] === 'true';
}

/**
 * The outcome that an answer tells. Null when it says that nothing was changed: the operation then never happened.
 *
 * @throws UnexpectedAnswerError for what the service should never answer
 */
export function toOutcome(reply: Reply, eventId: string, asked: Asked): Outcome | null {
  const { status, body } = reply;
  const detail = String(body.detail ?? '');
  if (status === 503) {
    return isInDoubt(reply) ? { type: 'unknown', why: detail } : null;
  }
  const isPage = status === 200 && asked.type === 'list';
  if (isPage) return toPage(reply, eventId, asked);
  const outcome = status === 201 ? toCreated(body) : status === 200 ? toDone(reply, asked) : null;
  if (outcome) return outcome;
  for (const [wanted, sentence, reason] of REFUSALS) {
    const found = status === wanted ? sentence.exec(detail) : null;
    const time = found?.groups?.time;
    if (found) return { type: 'refused', reason, ...(time === undefined ? {} : { time }) };
  }
  throw new UnexpectedAnswerError(`${status} ${JSON.stringify(body)}`);
}

function toCreated(body: Reply['body']): Outcome | null {
  if ('capacity' in body) {
    const { capacity, hasWaitlist } = body as unknown as Settings;
    return { type: 'created', capacity, hasWaitlist };
  }
  const seat = body.registration as ToldSeat | null;
  const place = body.waitlistEntry as ToldEntry | null;
  if (seat && !place) return { type: 'registered', id: seat.registrationId };
  if (place && !seat) return { type: 'waitlisted', id: place.entryId, position: place.position };
  return null;
}

/** The revision that an entity tag names. */
function revisionOf({ headers }: Reply): number {
  return Number(/^"(\d+)"$/.exec(String(headers.etag))?.[1] ?? Number.NaN);
}

function toDone(reply: Reply, asked: Asked): Outcome | null {
  const { body } = reply;
  if ('event' in body) {
    const settings = settingsOf(body.event as Settings);
    const promoted = (body.promoted as ToldSeat[]).map(toSeat);
    const offered = (body.offered as ToldOffer[]).map(toOffer);
    return { type: 'updated', settings, revision: revisionOf(reply), promoted, offered };
  }
  if ('promoted' in body) {
    const promoted = body.promoted as ToldSeat | null;
    const offered = body.offered as ToldOffer | null;
    return {
      type: 'unregistered',
      promoted: promoted && toSeat(promoted),
      offered: offered && toOffer(offered),
    };
  }
  if ('ahead' in body) return toStanding(body);
  if ('waitlistEntry' in body) {
    if (body.offer) return { type: 'declined', offer: toOffer(body.offer as ToldOffer) };
    const { entryId, position } = body.waitlistEntry as ToldEntry;
    return { type: 'leftLine', id: entryId, position };
  }
  if ('availableCapacity' in body) {
    const counts: Counts = {
      capacity: body.totalCapacity as number,
      available: body.availableCapacity as number,
      registered: body.registeredCount as number,
      offered: body.offeredCount as number,
      waiting: body.waitlistCount as number,
      status: body.status as Counts['status'],
    };
    return { type: 'read', counts };
  }
  if (asked.type === 'look') {
    const settings = settingsOf(body as unknown as Settings);
    return { type: 'looked', settings, revision: revisionOf(reply) };
  }
  const isCancelled = body.status === 'CANCELLED';
  return isCancelled ? { type: 'cancelled', revision: revisionOf(reply) } : null;
}

function toStanding(body: Reply['body']): Outcome {
  const seat = body.registration as ToldSeat | null;
  const offer = body.offer as ToldOffer | null;
  const entry = body.waitlistEntry as ToldEntry | null;
  const standing: Standing = {
    place: body.status as Standing['place'],
    id: seat?.registrationId ?? offer?.offerId ?? entry?.entryId ?? null,
    position: entry?.position ?? null,
    ahead: body.ahead as number | null,
    offer: offer && toOffer(offer),
  };
  return { type: 'standing', standing };
}
