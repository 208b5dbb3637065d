import type { Context } from 'hono';
import {
  type AppError,
  CapacityError,
  DuplicateError,
  InternalError,
  NotFoundError,
  PreconditionFailedError,
  RegistrationError,
  UnavailableError,
  ValidationError,
} from '../errors.ts';
import type { Command, Refusal } from '../event/command.ts';
import type { IdempotencyKey } from '../event/idempotency.ts';
import type { Reply, Unavailable } from '../event/queue.ts';
import type { ReadReply } from '../near/shared-reads.ts';
import { servicesOf } from '../services.ts';
import { idempotencyKeyOf, markReplay, toKeyError } from './idempotency-key.ts';
import { readMaxAge } from './max-age.ts';

/** The context of a route. */
export type RouteContext = Context<{ Bindings: Env }>;

/** Proves later that a change is in the event's log. */
export const RECEIPT_HEADER = 'Registration-Receipt';

/** Who calls, as the log tells it; null where nobody has shown who they are. */
export const actorOf = (c: RouteContext): string | null => c.var.caller?.id ?? null;

/** The object of an event, placed near the tables when it is new. */
export function eventObject(env: Env, eventId: string) {
  const { locationHint } = servicesOf(env).config;
  return env.EVENTS.getByName(eventId, locationHint ? { locationHint } : {});
}

/** The key of a request about an event. */
export function eventKeyOf(
  c: RouteContext,
  eventId: string,
  request: unknown,
): Promise<IdempotencyKey | undefined> {
  return idempotencyKeyOf(c, ['event', eventId], request);
}

/** The ids that the sentence of a refusal names. */
interface NamedIds {
  eventId: string;
  userId?: string;
}

/** The error for a refusal by the rules. */
export function toError(refusal: Refusal, { eventId, userId }: NamedIds): AppError {
  switch (refusal.reason) {
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
    case 'line-ended':
      return new CapacityError(`Event ${eventId} is full, and its waitlist has ended.`);
    case 'no-room':
      return new CapacityError(
        `Event ${eventId} has no room for user ${userId}: the ids and reasons that it keeps are too long together.`,
      );
    case 'not-registered':
      return new NotFoundError(`User ${userId} is not registered for event ${eventId}.`);
    case 'not-waiting':
      return new NotFoundError(`User ${userId} is not on the waitlist of event ${eventId}.`);
    case 'not-open-yet':
      return new RegistrationError(`Registration for event ${eventId} opens at ${refusal.time}.`);
    case 'closed-already':
      return new RegistrationError(`Registration for event ${eventId} closed at ${refusal.time}.`);
    case 'paused':
      return new RegistrationError(`Registration for event ${eventId} is paused.`);
    case 'closed':
      return new RegistrationError(`Registration for event ${eventId} is closed.`);
    case 'cancelled':
      return new RegistrationError(`Event ${eventId} is cancelled.`);
    case 'revision-mismatch':
      return new PreconditionFailedError(`Event ${eventId} has changed since it was read.`);
    case 'window-reversed':
      return new ValidationError([
        { path: 'registrationClosesAt', message: 'must be later than registrationOpensAt' },
      ]);
  }
}

const UNAVAILABLE: Record<Exclude<Unavailable['reason'], 'defect'>, string> = {
  busy: 'has more requests waiting than it can serve in time; nothing was changed',
  expired: 'could not be served in time; nothing was changed',
  unreachable: 'cannot be reached, since its records cannot be read; nothing was changed',
  notAdopted:
    'was written by the seed system; an operator takes it over with `npm run adopt`, and nothing was changed until then',
  unapplied: 'could not be written, since the tables are too busy; nothing was changed',
  uncertain:
    'could not be confirmed: the change may or may not have been made, and asking again tells',
};

/** The error for a reply that is not one of the expected outcomes. */
export function toReplyError(reply: Reply, ids: NamedIds): AppError {
  const { eventId } = ids;
  switch (reply.type) {
    case 'refused':
      return toError(reply, ids);
    case 'keyRefused':
      return toKeyError(reply.reason);
    case 'unavailable':
      return reply.reason === 'defect'
        ? new InternalError(`Event ${eventId} could not decide this; nothing was changed.`)
        : new UnavailableError(`Event ${eventId} ${UNAVAILABLE[reply.reason]}.`);
    default:
      return new InternalError(`Event ${eventId} gave an answer that was not asked for.`);
  }
}

/**
 * Takes the expected outcome out of a reply.
 *
 * @throws AppError for every refusal, and when the service is unavailable
 */
export function expectOutcome<Type extends Reply['type']>(
  reply: Reply,
  types: readonly Type[],
  ids: NamedIds,
): Extract<Reply, { type: Type }> {
  if ((types as readonly string[]).includes(reply.type)) {
    return reply as Extract<Reply, { type: Type }>;
  }
  throw toReplyError(reply, ids);
}

/** Tells the log and the caller about a reply: its outcome, and how long it took. */
function recordOutcome(c: RouteContext, reply: Reply): void {
  const { type, timing, receipt } = reply;
  c.set('outcome', type === 'registered' ? 'ACTIVE' : type === 'waitlisted' ? 'WAITLISTED' : type);
  if (receipt) c.header(RECEIPT_HEADER, receipt);
  if (!timing) return;
  c.set('timing', timing);
  c.header('Server-Timing', `queue;dur=${timing.queueMs}, commit;dur=${timing.commitMs}`);
}

/**
 * Has the event's object carry out a command. A POST or DELETE is carried out once for its `Idempotency-Key`.
 *
 * @param types the outcomes that the route can answer
 * @throws AppError for every refusal, and when the service is unavailable
 */
export async function execute<Type extends Reply['type']>(
  c: RouteContext,
  eventId: string,
  command: Command,
  types: readonly Type[],
): Promise<Extract<Reply, { type: Type }>> {
  const isKeyed = c.req.method === 'POST' || c.req.method === 'DELETE';
  const key = isKeyed ? await eventKeyOf(c, eventId, command) : undefined;
  const reply = (await eventObject(c.env, eventId).execute(command, key, actorOf(c))) as Reply;
  markReplay(c, reply);
  recordOutcome(c, reply);
  const userId = 'userId' in command ? { userId: command.userId } : {};
  return expectOutcome(reply, types, { eventId, ...userId });
}

/**
 * An event and its counts. With a `Cache-Control: max-age` the answer may come from near the caller, and `Age` tells
 * how old it is. It does not depend on who asks, so all share it; whether they may ask was checked before.
 *
 * @throws AppError for every refusal, and when the service is unavailable
 */
export async function readEvent(c: RouteContext, eventId: string): Promise<ReadReply> {
  const maxAge = readMaxAge(c.req.header('Cache-Control'));
  if (maxAge === null) return execute(c, eventId, { type: 'read' }, ['read']);
  const { reply, ageMs } = await servicesOf(c.env).reads.read({
    eventId,
    origin: new URL(c.req.url).origin,
    maxAgeMs: maxAge * 1_000,
    ask: async () => (await eventObject(c.env, eventId).execute({ type: 'read' })) as Reply,
  });
  if (ageMs === null) {
    recordOutcome(c, reply);
  } else {
    c.set('outcome', reply.type);
    c.header('Age', String(Math.ceil(ageMs / 1_000)));
  }
  return expectOutcome(reply, ['read'], { eventId });
}
