import * as z from 'zod';
import { CAPACITY_MAX, ID_MAX_CHARS, NAME_MAX_CHARS } from './limits.ts';

/** Counts code points, as JSON Schema's `maxLength` does: an emoji is one character. */
function isLongerThan(text: string, maxChars: number): boolean {
  return text.length > maxChars && [...text].length > maxChars;
}

/** What to say of a value of the wrong type. */
function expected(what: string) {
  return {
    error: ({ input }: { input: unknown }) =>
      input === undefined ? 'is missing' : `must be ${what}`,
  };
}

/** Trimmed, not empty, at most `maxChars` code points, and storable as UTF-8 without loss. */
function text(maxChars: number) {
  return z
    .string(expected('a string'))
    .trim()
    .min(1, { error: 'must not be empty', abort: true })
    .refine((value) => value.isWellFormed(), {
      error: 'must be well-formed Unicode: it has a lone surrogate',
      abort: true,
    })
    .refine((value) => !isLongerThan(value, maxChars), {
      error: `must be at most ${maxChars} characters`,
      abort: true,
    })
    .meta({ minLength: 1, maxLength: maxChars });
}

/** A request's parts, which only an object can have. */
function object<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.object(shape, expected('an object'));
}

const id = text(ID_MAX_CHARS)
  .refine((value) => !/\p{Cc}/u.test(value), {
    error: 'must not contain control characters',
    abort: true,
  })
  // A URL parser takes both for path navigation, percent-encoded too: nobody could ever ask for them.
  .refine((value) => value !== '.' && value !== '..', {
    error: 'must not be "." or "..", which no URL path can name',
  });
const name = text(NAME_MAX_CHARS);
const capacity = z
  .int(expected('an integer'))
  .min(1, { error: 'must be at least 1' })
  .max(CAPACITY_MAX, { error: `must be at most ${CAPACITY_MAX}` });
const createdAt = z.iso.datetime();

/** `POST /registration/users` */
export const newUserSchema = object({ userId: id, name });

/** `POST /registration/events` */
export const newEventSchema = object({
  eventId: id.optional(),
  name,
  capacity,
  hasWaitlist: z.boolean(expected('true or false')).default(false),
});

/** `POST` and `DELETE /registration/registrations` */
export const placeSchema = object({ userId: id, eventId: id });

/** Path parameters */
export const userParamSchema = z.object({ userId: id });
export const eventParamSchema = z.object({ eventId: id });

export const userSchema = z.object({ userId: id, name, createdAt });
export type User = z.infer<typeof userSchema>;

export const eventSchema = z.object({
  eventId: id,
  name,
  capacity,
  hasWaitlist: z.boolean(),
  createdAt,
});
export type EventRecord = z.infer<typeof eventSchema>;

export const capacitySchema = z.object({
  eventId: id,
  totalCapacity: z.int(),
  availableCapacity: z.int().min(0),
});
export type Capacity = z.infer<typeof capacitySchema>;

/** A seat. Rows never change: they are written once, and deleted. */
export const registrationSchema = z.object({
  registrationId: z.uuid(),
  userId: id,
  eventId: id,
  status: z.literal('ACTIVE'),
  createdAt,
});
export type Registration = z.infer<typeof registrationSchema>;

/** A place in line. `position` starts at 1 and is never given twice within an event. */
export const waitlistEntrySchema = z.object({
  entryId: z.uuid(),
  userId: id,
  eventId: id,
  position: z.int().min(1),
  createdAt,
});
export type WaitlistEntry = z.infer<typeof waitlistEntrySchema>;
