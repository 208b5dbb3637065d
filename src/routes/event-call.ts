import type { Config } from '../config.ts';
import {
  type AppError,
  CapacityError,
  DuplicateError,
  InternalError,
  NotFoundError,
  UnavailableError,
} from '../errors.ts';
import type { RefusalReason } from '../event/decide.ts';
import type { EventObject } from '../event/event-object.ts';
import type { Reply, Unavailable } from '../event/sequencer.ts';

/** The object of an event, placed near the tables when it is new. */
export function eventObject(env: Env, config: Config, eventId: string) {
  const { locationHint } = config;
  return env.EVENTS.getByName(eventId, locationHint ? { locationHint } : {});
}

/** The stub of an event's object. */
export type EventStub = DurableObjectStub<EventObject>;

/** Who and what a command was about, for the sentence that refuses it. */
interface Subject {
  eventId: string;
  userId?: string;
}

function toError(reason: RefusalReason, { eventId, userId }: Subject): AppError {
  switch (reason) {
    case 'event-exists':
      return new DuplicateError(`Event ${eventId} exists already.`);
    case 'no-such-event':
      return new NotFoundError(`There is no event ${eventId}.`);
    case 'no-such-user':
      return new NotFoundError(`There is no user ${userId}.`);
    case 'already-registered':
      return new DuplicateError(`User ${userId} is already registered for event ${eventId}.`);
    case 'already-waitlisted':
      return new DuplicateError(`User ${userId} is already on the waitlist of event ${eventId}.`);
    case 'full':
      return new CapacityError(`Event ${eventId} is full and has no waitlist.`);
    case 'waitlist-full':
      return new CapacityError(`Event ${eventId} is full, and so is its waitlist.`);
    case 'not-registered':
      return new NotFoundError(`User ${userId} is not registered for event ${eventId}.`);
  }
}

const UNAVAILABLE: Record<Unavailable['reason'], string> = {
  busy: 'has more requests waiting than it can serve in time; nothing was changed',
  expired: 'could not be served in time; nothing was changed',
  unreachable: 'cannot be reached, since its records cannot be read; nothing was changed',
  unapplied: 'could not be written, since the tables are too busy; nothing was changed',
  uncertain:
    'could not be confirmed: the change may or may not have been made, and asking again tells',
};

/**
 * Takes the expected outcome out of a reply.
 *
 * @throws AppError for every refusal, and when the service is unavailable
 */
export function expectOutcome<Type extends Reply['type']>(
  reply: Reply,
  types: readonly Type[],
  subject: Subject,
): Extract<Reply, { type: Type }> {
  if (reply.type === 'refused') throw toError(reply.reason, subject);
  if (reply.type === 'unavailable') {
    throw new UnavailableError(`Event ${subject.eventId} ${UNAVAILABLE[reply.reason]}.`);
  }
  if ((types as readonly string[]).includes(reply.type)) {
    return reply as Extract<Reply, { type: Type }>;
  }
  throw new InternalError(`Event ${subject.eventId} gave an answer that was not asked for.`);
}
