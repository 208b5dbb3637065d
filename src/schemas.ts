import * as z from 'zod';
import {
  BULK_MAX_USERS,
  CAPACITY_MAX,
  ID_MAX_CHARS,
  NAME_MAX_CHARS,
  OVERRIDE_REASON_MAX_CHARS,
  PAGE_DEFAULT_ROWS,
  PAGE_MAX_ROWS,
  WAITLIST_MAX_ENTRIES,
} from './limits.ts';
import { withoutPrivileges } from './privileged-fields.ts';

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

/** A body's parts; what could be taken for a privilege is refused. */
const body = <Shape extends z.ZodRawShape>(shape: Shape) => withoutPrivileges(object(shape));

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
const hasWaitlist = z.boolean(expected('true or false'));
const waitlistCapacity = z
  .int(expected('an integer or null'))
  .min(0, { error: 'must be at least 0' })
  .max(WAITLIST_MAX_ENTRIES, { error: `must be at most ${WAITLIST_MAX_ENTRIES}` })
  .nullable();
/** A moment, with any offset; kept in UTC. */
const moment = z.iso
  .datetime({ offset: true, error: 'must be a time such as 2026-06-01T09:00:00Z' })
  .transform((time) => new Date(time).toISOString());
const createdAt = z.iso.datetime();

/** What an event's window may be: it ends after it starts. */
const WINDOW_REVERSED = {
  path: ['registrationClosesAt'],
  error: 'must be later than registrationOpensAt',
};

/** Whether a window ends before it starts, as far as both its ends are known. */
export function isReversed(window: {
  registrationOpensAt?: string | null | undefined;
  registrationClosesAt?: string | null | undefined;
}): boolean {
  const { registrationOpensAt: from, registrationClosesAt: to } = window;
  return !!from && !!to && Date.parse(to) <= Date.parse(from);
}

/** `POST /registration/users` */
export const newUserSchema = body({ userId: id, name });

/** `POST /registration/events` */
export const newEventSchema = body({
  eventId: id.optional(),
  name,
  capacity,
  hasWaitlist: hasWaitlist.default(false),
  waitlistCapacity: waitlistCapacity.default(null),
  registrationOpensAt: moment.nullable().default(null),
  registrationClosesAt: moment.nullable().default(null),
}).refine((event) => !isReversed(event), WINDOW_REVERSED);

/** `PATCH /registration/events/{eventId}`; what is left out stays as it is. */
export const eventPatchSchema = withoutPrivileges(
  z.strictObject(
    {
      name: name.optional(),
      capacity: capacity.optional(),
      hasWaitlist: hasWaitlist.optional(),
      waitlistCapacity: waitlistCapacity.optional(),
      registrationOpensAt: moment.nullable().optional(),
      registrationClosesAt: moment.nullable().optional(),
      status: z
        .enum(['OPEN', 'PAUSED', 'CLOSED'], { error: 'must be OPEN, PAUSED or CLOSED' })
        .optional(),
    },
    expected('an object of fields that can be changed'),
  ),
).refine((patch) => !isReversed(patch), WINDOW_REVERSED);
export type EventPatch = z.infer<typeof eventPatchSchema>;

/** `?dryRun=true` */
export const dryRunSchema = z.object({
  dryRun: z
    .enum(['true', 'false'], { error: 'must be true or false' })
    .default('false')
    .transform((value) => value === 'true'),
});

/** Query of `GET` and `DELETE /registration/registrations`, and of `DELETE /registration/waitlist` */
export const placeSchema = object({ userId: id, eventId: id });

/** `POST /registration/registrations` */
export const newRegistrationSchema = body({
  userId: id,
  eventId: id,
  override: body({ reason: text(OVERRIDE_REASON_MAX_CHARS) }).optional(),
});

/** `POST /registration/events/{eventId}/registrations`; each id is checked on its own. */
export const bulkSchema = body({
  userIds: z
    .array(z.unknown(), expected('a list'))
    .min(1, { error: 'must not be empty' })
    .max(BULK_MAX_USERS, { error: `must be at most ${BULK_MAX_USERS} users` }),
});

/** One id of a bulk registration. */
export const userIdSchema = id;

/** Query of the lists */
export const pageSchema = z.object({
  limit: z.coerce
    .number()
    .pipe(
      z
        .int({ error: 'must be an integer' })
        .min(1, { error: 'must be at least 1' })
        .max(PAGE_MAX_ROWS, { error: `must be at most ${PAGE_MAX_ROWS}` }),
    )
    .default(PAGE_DEFAULT_ROWS),
  cursor: z.string().optional(),
});

/** Query of `GET /registration/users/{userId}/events`: all of them, but for those who have very many. */
export const userEventsPageSchema = pageSchema.extend({
  limit: pageSchema.shape.limit.unwrap().default(PAGE_MAX_ROWS),
});

/** Path parameters */
export const userParamSchema = z.object({ userId: id });
export const eventParamSchema = z.object({ eventId: id });

export const userSchema = z.object({ userId: id, name, createdAt });
export type User = z.infer<typeof userSchema>;

/** Whether registrations are taken: `CANCELLED` for good, the others as the organiser likes. */
export const eventStatusSchema = z.enum(['OPEN', 'PAUSED', 'CLOSED', 'CANCELLED']);

export const eventSchema = z.object({
  eventId: id,
  name,
  capacity,
  hasWaitlist: z.boolean(),
  waitlistCapacity,
  registrationOpensAt: createdAt.nullable(),
  registrationClosesAt: createdAt.nullable(),
  status: eventStatusSchema,
  createdAt,
});
export type EventRecord = z.infer<typeof eventSchema>;

export const capacitySchema = z.object({
  eventId: id,
  totalCapacity: z.int(),
  availableCapacity: z.int().min(0),
  registeredCount: z.int().min(0),
  waitlistCount: z.int().min(0),
  status: eventStatusSchema,
});
export type Capacity = z.infer<typeof capacitySchema>;

/** A seat. Rows never change: they are written once, and deleted. */
export const registrationSchema = z.object({
  registrationId: z.uuid(),
  userId: id,
  eventId: id,
  status: z.literal('ACTIVE'),
  createdAt,
  /** Why the user was seated whatever the capacity; only there when that was done. */
  overrideReason: text(OVERRIDE_REASON_MAX_CHARS).optional(),
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

/** `POST /registration/registrations`: exactly one of the two is not null. */
export const placedSchema = z.object({
  success: z.literal(true),
  message: z.string(),
  registration: registrationSchema.nullable(),
  waitlistEntry: waitlistEntrySchema.nullable(),
});

/** `GET /registration/registrations`; `ahead` counts those who wait before the user. */
export const standingSchema = z.object({
  status: z.enum(['ACTIVE', 'WAITLISTED', 'NONE']),
  registration: registrationSchema.nullable(),
  waitlistEntry: waitlistEntrySchema.nullable(),
  ahead: z.int().min(0).nullable(),
});

/** `DELETE /registration/registrations`; `promoted` is the registration that took the seat. */
export const leftSchema = z.object({
  success: z.literal(true),
  message: z.string(),
  promoted: registrationSchema.nullable(),
});

/** `DELETE /registration/waitlist` */
export const leftLineSchema = z.object({
  success: z.literal(true),
  message: z.string(),
  waitlistEntry: waitlistEntrySchema,
});

/** `PATCH /registration/events/{eventId}` */
export const updatedSchema = z.object({
  event: eventSchema,
  promoted: z.array(registrationSchema),
  dryRun: z.boolean(),
});

/** A page of a list. */
function pageOf<Row extends z.ZodType>(row: Row) {
  return z.object({ items: z.array(row), nextCursor: z.string().nullable() });
}

const withName = { name: z.string().nullable() };
export const eventPageSchema = pageOf(eventSchema);
export const registrationPageSchema = pageOf(registrationSchema.extend(withName));
export const waitlistPageSchema = pageOf(waitlistEntrySchema.extend(withName));

/** RFC 9457. `title` is the class of the error. */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});
export type Problem = z.infer<typeof problemSchema>;

/** `POST /registration/events/{eventId}/registrations`: a row for each that was sent, in order. */
export const bulkResultSchema = z.object({
  results: z.array(
    z.union([
      z.object({
        userId: id,
        success: z.literal(true),
        registration: registrationSchema.nullable(),
        waitlistEntry: waitlistEntrySchema.nullable(),
      }),
      z.object({ userId: z.unknown(), success: z.literal(false), problem: problemSchema }),
    ]),
  ),
});
export type BulkResult = z.infer<typeof bulkResultSchema>['results'][number];

/** `GET /health` and `GET /health/ready` */
export const healthSchema = z.object({ status: z.enum(['ok', 'ready']) });
