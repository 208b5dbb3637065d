import * as z from 'zod';
import {
  CAPACITY_MAX,
  ID_MAX_CHARS,
  NAME_MAX_CHARS,
  OFFER_MAX_SECONDS,
  OFFER_MIN_SECONDS,
  TIME_ZONE_MAX_CHARS,
  WAITLIST_MAX_ENTRIES,
} from '../limits.ts';
import { expected, givenId, line, newId, text } from '../text.ts';
import { withoutPrivileges } from './privileged-fields.ts';

/** A request's parts, which only an object can have. */
export function object<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.object(shape, expected('an object'));
}

/** A body's parts; what could be taken for a privilege is refused. */
export const body = <Shape extends z.ZodRawShape>(shape: Shape) => withoutPrivileges(object(shape));

/*
 * The examples of the description of the API, each of which can be sent as it stands: they are about a user
 * and an event of their own, which the README's tour does not touch (it cancels its event), and change
 * nothing by surprise. What `param` has, `/docs` fills in for whoever opens it; `examples` alone are only shown.
 */
export const EXAMPLE_USER = { userId: 'grace', name: 'Grace Hopper' };
export const EXAMPLE_EVENT = {
  eventId: 'open-day',
  name: 'Open day',
  capacity: 50,
  hasWaitlist: true,
};
export const { userId: exampleUserId } = EXAMPLE_USER;
export const { eventId: exampleEventId } = EXAMPLE_EVENT;

export const id = givenId(ID_MAX_CHARS);
export const idOfNew = newId(ID_MAX_CHARS);
export const userId = id.meta({ examples: [exampleUserId], param: { example: exampleUserId } });
export const eventId = id.meta({ examples: [exampleEventId], param: { example: exampleEventId } });
export const name = line(NAME_MAX_CHARS);
/** Of what exists: older names may be what a new one must not be any more. */
export const nameOfOld = text(NAME_MAX_CHARS);
export const capacity = z
  .int(expected('an integer'))
  .min(1, { error: 'must be at least 1' })
  .max(CAPACITY_MAX, { error: `must be at most ${CAPACITY_MAX}` });
export const hasWaitlist = z.boolean(expected('true or false'));
export const waitlistCapacity = z
  .int(expected('an integer or null'))
  .min(0, { error: 'must be at least 0' })
  .max(WAITLIST_MAX_ENTRIES, { error: `must be at most ${WAITLIST_MAX_ENTRIES}` })
  .nullable();
/**
 * A moment, with any offset; kept in UTC to the millisecond. An offset can lead out of the years that
 * have four digits: such a time would neither sort as it counts, nor be read by everybody.
 */
export const moment = z.iso
  .datetime({ offset: true, error: 'must be a time such as 2026-06-01T09:00:00Z', abort: true })
  .refine(
    (time) => {
      const year = new Date(time).getUTCFullYear();
      return year >= 0 && year <= 9999;
    },
    { error: 'must be within the years 0000 to 9999 in UTC', abort: true },
  )
  .transform((time) => new Date(time).toISOString());
export const createdAt = z.iso.datetime();

/** Whether the runtime knows a time zone of this name. It takes offsets too, which are none. */
function isTimeZone(name: string): boolean {
  if (!/^[a-z]/i.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** The name of a time zone, kept as it was sent. */
export const timeZone = line(TIME_ZONE_MAX_CHARS).refine(isTimeZone, {
  error: 'must be a time zone such as Europe/Berlin',
});
export const offerSeconds = z
  .int(expected('an integer or null'))
  .min(OFFER_MIN_SECONDS, { error: `must be at least ${OFFER_MIN_SECONDS}` })
  .max(OFFER_MAX_SECONDS, { error: `must be at most ${OFFER_MAX_SECONDS}` })
  .nullable();

/** What an event's window may be: it ends after it starts. */
export const WINDOW_REVERSED = {
  path: ['registrationClosesAt'],
  error: 'must be later than registrationOpensAt',
};
