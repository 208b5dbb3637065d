import type { OpenMessage, Pointer } from '../event/outbox.ts';
import { OUTBOX_JITTER, OUTBOX_RETRY_AFTER_MAX_MS, OUTBOX_RETRY_DELAYS_MS } from '../limits.ts';

/** Which message: the version of its entry, and its place in it. */
export type Place = Pick<OpenMessage, 'version' | 'index'>;

/** What came of one attempt. */
export type Result =
  | { type: 'taken' }
  /** The endpoint wants no more messages of this event. */
  | { type: 'ended'; cause: string }
  /** `retryAfterMs`: how long the endpoint asks to be left alone; 0 where it does not. */
  | { type: 'failed'; cause: string; retryAfterMs: number };

/** When an attempt is made, and chance: from 0 to below 1. */
export interface Moment {
  now: number;
  random: number;
}

/** Whether something is the message of a place. */
export const isAt =
  ({ version, index }: Place) =>
  (other: Place) =>
    other.version === version && other.index === index;

const inOrder = (a: Place, b: Place) => a.version - b.version || a.index - b.index;

/** When a message is sent again that has failed so often; null when it is given up. */
function retryAt(attempts: number, retryAfterMs: number, { now, random }: Moment): number | null {
  const delay = OUTBOX_RETRY_DELAYS_MS[attempts - 1];
  if (delay === undefined) return null;
  const jittered = delay * (1 - OUTBOX_JITTER + 2 * OUTBOX_JITTER * random);
  return Math.round(now + Math.max(jittered, Math.min(retryAfterMs, OUTBOX_RETRY_AFTER_MAX_MS)));
}

function afterFailure(pointer: Pointer, cause: string, now: number): Pointer {
  const failingSince = pointer.failingSince ?? new Date(now).toISOString();
  return { ...pointer, failingSince, lastError: cause };
}

/** The pointer without an open message: it was taken, or will be sent no more. */
export function without(pointer: Pointer, place: Place): Pointer {
  const isThis = isAt(place);
  return { ...pointer, open: pointer.open.filter((message) => !isThis(message)) };
}

/**
 * The pointer after an attempt, which may have been the first or one of an open message. It is not moved:
 * `passTo` does that.
 */
export function settle(
  pointer: Pointer,
  place: Place,
  result: Result,
  moment: Moment,
): { pointer: Pointer; isGivenUp: boolean } {
  // What was in flight when the endpoint asked for no more counts no more.
  if (pointer.isEnded) return { pointer, isGivenUp: false };
  const others = without(pointer, place);
  if (result.type === 'taken') {
    const isWell = others.open.length === 0;
    return {
      pointer: isWell ? { ...others, failingSince: null, lastError: null } : others,
      isGivenUp: false,
    };
  }
  const failing = afterFailure(others, result.cause, moment.now);
  if (result.type === 'ended') {
    return { pointer: { ...failing, open: [], isEnded: true }, isGivenUp: false };
  }
  const attempts = (pointer.open.find(isAt(place))?.attempts ?? 0) + 1;
  const nextAt = retryAt(attempts, result.retryAfterMs, moment);
  if (nextAt === null) return { pointer: failing, isGivenUp: true };
  const { version, index } = place;
  const open = [...failing.open, { version, index, attempts, nextAt }].sort(inOrder);
  return { pointer: { ...failing, open }, isGivenUp: false };
}

/** The pointer moved before a message: all messages before it were sent once. */
export function passTo(pointer: Pointer, { version, index }: Place): Pointer {
  return { ...pointer, version: version - 1, index };
}

/** What the first message has that was not sent yet, as far as a pointer knows. */
export function placeOf({ version, index }: Pointer): Place {
  return { version: version + 1, index };
}
