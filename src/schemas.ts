import * as z from 'zod';
import {
  BULK_MAX_USERS,
  CAPACITY_MAX,
  CHANGE_MAX_LISTED,
  ID_MAX_CHARS,
  NAME_MAX_CHARS,
  OVERRIDE_REASON_MAX_CHARS,
  PAGE_DEFAULT_ROWS,
  PAGE_MAX_ROWS,
  WAITLIST_MAX_ENTRIES,
} from './limits.ts';
import { withoutPrivileges } from './privileged-fields.ts';
import { expected, givenId, line, lines, newId, text } from './text.ts';

/** A request's parts, which only an object can have. */
function object<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.object(shape, expected('an object'));
}

/** A body's parts; what could be taken for a privilege is refused. */
const body = <Shape extends z.ZodRawShape>(shape: Shape) => withoutPrivileges(object(shape));

const id = givenId(ID_MAX_CHARS);
const idOfNew = newId(ID_MAX_CHARS);
const name = line(NAME_MAX_CHARS);
/** Of what exists: older names may be what a new one must not be any more. */
const nameOfOld = text(NAME_MAX_CHARS);
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
/**
 * A moment, with any offset; kept in UTC to the millisecond. An offset can lead out of the years that
 * have four digits: such a time would neither sort as it counts, nor be read by everybody.
 */
const moment = z.iso
  .datetime({ offset: true, error: 'must be a time such as 2026-06-01T09:00:00Z', abort: true })
  .refine(
    (time) => {
      const year = new Date(time).getUTCFullYear();
      return year >= 0 && year <= 9999;
    },
    { error: 'must be within the years 0000 to 9999 in UTC', abort: true },
  )
  .transform((time) => new Date(time).toISOString());
const createdAt = z.iso.datetime();

/** What an event's window may be: it ends after it starts. */
const WINDOW_REVERSED = {
  path: ['registrationClosesAt'],
  error: 'must be later than registrationOpensAt',
};

/** Whether a window ends before it starts, as far as both its ends are known; instants, however written. */
export function isReversed(window: {
  registrationOpensAt?: string | null | undefined;
  registrationClosesAt?: string | null | undefined;
}): boolean {
  const { registrationOpensAt: from, registrationClosesAt: to } = window;
  return !!from && !!to && Date.parse(to) <= Date.parse(from);
}

/** `POST /registration/users` */
export const newUserSchema = body({ userId: idOfNew, name });

/** `POST /registration/events` */
export const newEventSchema = body({
  eventId: idOfNew.optional(),
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

/** `?dryRun=true`; misspelt, it would make the change. */
export const dryRunSchema = z.strictObject({
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
  override: body({ reason: lines(OVERRIDE_REASON_MAX_CHARS) }).optional(),
});

/**
 * `POST /registration/events/{eventId}/registrations`; each id is checked on its own. What is no string
 * could be no id, and is not kept: nested deeply enough, it could not even be written into the answer.
 */
export const bulkSchema = body({
  userIds: z
    .array(
      z.unknown().transform((row) => (typeof row === 'string' ? row : null)),
      expected('a list'),
    )
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

export const userSchema = z.object({ userId: id, name: nameOfOld, createdAt });
export type User = z.infer<typeof userSchema>;

/** Whether registrations are taken: `CANCELLED` for good, the others as the organiser likes. */
export const eventStatusSchema = z.enum(['OPEN', 'PAUSED', 'CLOSED', 'CANCELLED']);

export const eventSchema = z.object({
  eventId: id,
  name: nameOfOld,
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
  promoted: registrationSchema.nullable().meta({
    description: 'Who took the seat; null if nobody did, and always null for an attendee.',
  }),
});

/** `DELETE /registration/waitlist` */
export const leftLineSchema = z.object({
  success: z.literal(true),
  message: z.string(),
  waitlistEntry: waitlistEntrySchema,
});

/** `PATCH /registration/events/{eventId}`; `promoted` lists the first, `promotedCount` counts all. */
export const updatedSchema = z.object({
  event: eventSchema,
  promoted: z.array(registrationSchema).max(CHANGE_MAX_LISTED),
  promotedCount: z.int().min(0),
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
      // Null for a row that was no string.
      z.object({
        userId: z.string().nullable(),
        success: z.literal(false),
        problem: problemSchema,
      }),
    ]),
  ),
});
export type BulkResult = z.infer<typeof bulkResultSchema>['results'][number];

/** `GET /health` and `GET /health/ready` */
export const healthSchema = z.object({ status: z.enum(['ok', 'ready']) });
