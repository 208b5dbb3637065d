import * as z from 'zod';
import type { Problem } from '../errors.ts';
import {
  type EventPatch,
  type EventRecord,
  isReversed,
  type Registration,
  type User,
  type WaitlistEntry,
} from '../event/model.ts';
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
} from '../limits.ts';
import { expected, givenId, line, lines, newId, text } from '../text.ts';
import { withoutPrivileges } from './privileged-fields.ts';

/** A request's parts, which only an object can have. */
function object<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.object(shape, expected('an object'));
}

/** A body's parts; what could be taken for a privilege is refused. */
const body = <Shape extends z.ZodRawShape>(shape: Shape) => withoutPrivileges(object(shape));

/*
 * The examples of the description of the API, each of which can be sent as it stands: they are about a user
 * and an event of their own, which the README's tour does not touch (it cancels its event), and change
 * nothing by surprise. What `param` has, `/docs` fills in for whoever opens it; `examples` alone are only shown.
 */
const EXAMPLE_USER = { userId: 'grace', name: 'Grace Hopper' };
const EXAMPLE_EVENT = { eventId: 'open-day', name: 'Open day', capacity: 50, hasWaitlist: true };
const { userId: exampleUserId } = EXAMPLE_USER;
const { eventId: exampleEventId } = EXAMPLE_EVENT;

const id = givenId(ID_MAX_CHARS);
const idOfNew = newId(ID_MAX_CHARS);
const userId = id.meta({ examples: [exampleUserId], param: { example: exampleUserId } });
const eventId = id.meta({ examples: [exampleEventId], param: { example: exampleEventId } });
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

/** `POST /registration/users` */
export const newUserSchema = body({ userId: idOfNew, name }).meta({
  id: 'NewUser',
  examples: [EXAMPLE_USER],
});

/** `POST /registration/events` */
export const newEventSchema = body({
  eventId: idOfNew.optional(),
  name,
  capacity,
  hasWaitlist: hasWaitlist.default(false),
  waitlistCapacity: waitlistCapacity.default(null),
  registrationOpensAt: moment.nullable().default(null),
  registrationClosesAt: moment.nullable().default(null),
})
  .refine((event) => !isReversed(event), WINDOW_REVERSED)
  .meta({ id: 'NewEvent', examples: [EXAMPLE_EVENT] });

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
)
  .refine((patch) => !isReversed(patch), WINDOW_REVERSED)
  // Room for a few more than the example's event has: shuts, renames and overbooks nothing.
  .meta({
    id: 'EventPatch',
    examples: [{ capacity: EXAMPLE_EVENT.capacity + 10 }],
  }) satisfies z.ZodType<EventPatch>;

/** `?dryRun=true`; misspelt, it would make the change. `/docs` only tries unless told otherwise. */
export const dryRunSchema = z.strictObject({
  dryRun: z
    .enum(['true', 'false'], { error: 'must be true or false' })
    .default('false')
    .transform((value) => value === 'true')
    .meta({
      description: 'Only say what the change would do.',
      // Texts are how a query spells a boolean.
      override: ({ jsonSchema }) => {
        delete jsonSchema.enum;
        Object.assign(jsonSchema, { type: 'boolean', default: false });
      },
      examples: [true],
      param: { example: true },
    }),
});

/** Query of `GET` and `DELETE /registration/registrations`, and of `DELETE /registration/waitlist` */
export const placeSchema = object({ userId, eventId });

/** `POST /registration/registrations` */
export const newRegistrationSchema = body({
  userId,
  eventId,
  override: body({ reason: lines(OVERRIDE_REASON_MAX_CHARS) })
    .meta({
      id: 'Override',
      description: 'A seat whatever the capacity, the window and the line: for organisers alone.',
      examples: [{ reason: 'Speaker' }],
    })
    .optional(),
}).meta({
  id: 'NewRegistration',
  // Without an override: nobody overbooks by trying.
  examples: [{ userId: exampleUserId, eventId: exampleEventId }],
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
    .max(BULK_MAX_USERS, { error: `must be at most ${BULK_MAX_USERS} users` })
    .meta({ override: { items: { type: 'string' } } }),
}).meta({ id: 'NewRegistrations', examples: [{ userIds: [exampleUserId, 'alan'] }] });

/** One id of a bulk registration. */
export const userIdSchema = id;

const LIMIT = { description: 'The most rows of a page.', examples: [PAGE_DEFAULT_ROWS] };

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
    // Of the text that comes in, the schema could tell nothing.
    .meta({ override: { type: 'integer', minimum: 1, maximum: PAGE_MAX_ROWS } })
    .default(PAGE_DEFAULT_ROWS)
    .meta(LIMIT),
  cursor: z
    .string()
    .optional()
    .meta({
      description: 'The `nextCursor` of the page before, or what its `Link` has.',
      examples: ['WyJldmVudHMiLCIiLCJvcGVuLWRheSJd'],
    }),
});

/** Query of `GET /registration/users/{userId}/events`: all of them, but for those who have very many. */
export const userEventsPageSchema = pageSchema.extend({
  limit: pageSchema.shape.limit.unwrap().default(PAGE_MAX_ROWS).meta(LIMIT),
});

/** Path parameters */
export const userParamSchema = z.object({ userId });
export const eventParamSchema = z.object({ eventId });

export const userSchema = z
  .object({
    userId,
    name: nameOfOld,
    createdAt,
  })
  .meta({ id: 'User' }) satisfies z.ZodType<User>;

/** Whether registrations are taken: `CANCELLED` for good, the others as the organiser likes. */
export const eventStatusSchema = z
  .enum(['OPEN', 'PAUSED', 'CLOSED', 'CANCELLED'])
  .meta({ id: 'EventStatus' });

export const eventSchema = z
  .object({
    eventId,
    name: nameOfOld,
    capacity,
    hasWaitlist: z.boolean(),
    waitlistCapacity,
    registrationOpensAt: createdAt.nullable(),
    registrationClosesAt: createdAt.nullable(),
    status: eventStatusSchema,
    createdAt,
  })
  .meta({ id: 'Event' }) satisfies z.ZodType<EventRecord>;

export const capacitySchema = z
  .object({
    eventId,
    totalCapacity: z.int(),
    availableCapacity: z.int().min(0),
    registeredCount: z.int().min(0),
    waitlistCount: z.int().min(0),
    status: eventStatusSchema,
  })
  .meta({ id: 'Capacity' });
export type Capacity = z.infer<typeof capacitySchema>;

/** A seat. Rows never change: they are written once, and deleted. */
export const registrationSchema = z
  .object({
    registrationId: z.uuid(),
    userId,
    eventId,
    status: z.literal('ACTIVE'),
    createdAt,
    /** Why the user was seated whatever the capacity; only there when that was done. */
    overrideReason: text(OVERRIDE_REASON_MAX_CHARS).optional(),
  })
  .meta({ id: 'Registration' }) satisfies z.ZodType<Registration>;

/** A place in line. `position` starts at 1 and is never given twice within an event. */
export const waitlistEntrySchema = z
  .object({
    entryId: z.uuid(),
    userId,
    eventId,
    position: z.int().min(1),
    createdAt,
  })
  .meta({ id: 'WaitlistEntry' }) satisfies z.ZodType<WaitlistEntry>;

/** `POST /registration/registrations`: exactly one of the two is not null. */
export const placedSchema = z
  .object({
    success: z.literal(true),
    message: z.string(),
    registration: registrationSchema.nullable(),
    waitlistEntry: waitlistEntrySchema.nullable(),
  })
  .meta({ id: 'Placed' });

/** `GET /registration/registrations`; `ahead` counts those who wait before the user. */
export const standingSchema = z
  .discriminatedUnion('status', [
    z
      .object({
        status: z.literal('ACTIVE'),
        registration: registrationSchema,
        waitlistEntry: z.null(),
        ahead: z.null(),
      })
      .meta({ id: 'StandingActive', description: 'The user has a seat.' }),
    z
      .object({
        status: z.literal('WAITLISTED'),
        registration: z.null(),
        waitlistEntry: waitlistEntrySchema,
        ahead: z.int().min(0).meta({ description: 'How many wait before the user.' }),
      })
      .meta({ id: 'StandingWaitlisted', description: 'The user waits.' }),
    z
      .object({
        status: z.literal('NONE'),
        registration: z.null(),
        waitlistEntry: z.null(),
        ahead: z.null(),
      })
      .meta({ id: 'StandingNone', description: 'The user has no place in the event.' }),
  ])
  .meta({ id: 'Standing' });
export type Standing = z.infer<typeof standingSchema>;

/** `DELETE /registration/registrations`; `promoted` is the registration that took the seat. */
export const leftSchema = z
  .object({
    success: z.literal(true),
    message: z.string(),
    promoted: registrationSchema.nullable().meta({
      description: 'Who took the seat; null if nobody did, and always null for an attendee.',
    }),
  })
  .meta({ id: 'Left' });

/** `DELETE /registration/waitlist` */
export const leftLineSchema = z
  .object({
    success: z.literal(true),
    message: z.string(),
    waitlistEntry: waitlistEntrySchema,
  })
  .meta({ id: 'LeftWaitlist' });

/** `PATCH /registration/events/{eventId}`; `promoted` lists the first, `promotedCount` counts all. */
export const updatedSchema = z
  .object({
    event: eventSchema,
    promoted: z.array(registrationSchema).max(CHANGE_MAX_LISTED),
    promotedCount: z.int().min(0),
    dryRun: z.boolean(),
  })
  .meta({ id: 'EventUpdate' });

/** A page of a list. */
function pageOf<Row extends z.ZodType>(row: Row) {
  return z.object({ items: z.array(row), nextCursor: z.string().nullable() });
}

const withName = { name: z.string().nullable() };
export const eventPageSchema = pageOf(eventSchema).meta({ id: 'EventPage' });
export const registrationPageSchema = pageOf(
  registrationSchema.extend(withName).meta({ id: 'ListedRegistration' }),
).meta({ id: 'RegistrationPage' });
export const waitlistPageSchema = pageOf(
  waitlistEntrySchema.extend(withName).meta({ id: 'ListedWaitlistEntry' }),
).meta({ id: 'WaitlistPage' });

/** RFC 9457. `title` is the class of the error. */
export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    errors: z
      .array(z.object({ path: z.string(), message: z.string() }).meta({ id: 'FieldError' }))
      .optional(),
  })
  .meta({ id: 'Problem' }) satisfies z.ZodType<Problem>;

/** `POST /registration/events/{eventId}/registrations`: a row for each that was sent, in order. */
export const bulkResultSchema = z
  .object({
    results: z.array(
      z.union([
        z
          .object({
            userId,
            success: z.literal(true),
            registration: registrationSchema.nullable(),
            waitlistEntry: waitlistEntrySchema.nullable(),
          })
          .meta({ id: 'BulkPlaced' }),
        // Null for a row that was no string.
        z
          .object({
            userId: z.string().nullable(),
            success: z.literal(false),
            problem: problemSchema,
          })
          .meta({ id: 'BulkRefused' }),
      ]),
    ),
  })
  .meta({ id: 'BulkResult' });
export type BulkResult = z.infer<typeof bulkResultSchema>['results'][number];

/** `GET /health` and `GET /health/ready` */
export const healthSchema = z.object({ status: z.enum(['ok', 'ready']) }).meta({ id: 'Health' });
