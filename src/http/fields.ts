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

/** An object in a request; anything else is refused with a plain message. */
export function object<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.object(shape, expected('an object'));
}

/** The object in a body. Names that claim a privilege are refused. */
export const body = <Shape extends z.ZodRawShape>(shape: Shape) => withoutPrivileges(object(shape));

/*
 * The examples in the description of the API. Each is safe to send as it is. They have a user and an event of
 * their own, which the README's tour (it cancels its event) does not touch. `/docs` fills in the example of
 * `param`; it only shows `examples`.
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
/** The name of something that exists: an older name may break rules that apply to new ones. */
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
 * A moment with any offset, turned into UTC with milliseconds. The offset can move it out of the years 0000 to
 * 9999. Such a time is refused: as text it would sort wrongly, and many programs can't read it.
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

/** The error of a registration window that does not end after its start. */
export const WINDOW_REVERSED = {
  path: ['registrationClosesAt'],
  error: 'must be later than registrationOpensAt',
};
