import * as z from 'zod';
import { type EventPatch, isReversed } from '../event/model.ts';
import { LINK_DEFAULT_SECONDS, LINK_MAX_SECONDS, LINK_MIN_SECONDS } from '../http-limits.ts';
import {
  BULK_MAX_USERS,
  OVERRIDE_REASON_MAX_CHARS,
  PAGE_DEFAULT_ROWS,
  PAGE_MAX_ROWS,
} from '../limits.ts';
import { expected, lines } from '../text.ts';
import {
  body,
  capacity,
  EXAMPLE_EVENT,
  EXAMPLE_USER,
  eventId,
  exampleEventId,
  exampleUserId,
  hasWaitlist,
  id,
  idOfNew,
  moment,
  name,
  object,
  offerSeconds,
  timeZone,
  userId,
  WINDOW_REVERSED,
  waitlistCapacity,
} from './fields.ts';
import { withoutPrivileges } from './privileged-fields.ts';

export * from './answers.ts';
export * from './live-answers.ts';
export * from './log-answers.ts';
export * from './person-answers.ts';
export * from './place-answers.ts';

/** `POST /registration/users` */
export const newUserSchema = body({ userId: idOfNew, name }).meta({
  id: 'NewUser',
  examples: [EXAMPLE_USER],
});

/** `PATCH /registration/users/{userId}` */
export const userPatchSchema = withoutPrivileges(
  z.strictObject({ name }, expected('an object of fields that can be changed')),
)
  // The name that the user of the examples has: nobody is renamed by trying.
  .meta({ id: 'UserPatch', examples: [{ name: EXAMPLE_USER.name }] });

/** `POST /registration/links` */
export const newLinkSchema = body({
  userId,
  eventId: eventId.optional().meta({ description: 'The only event that it is for.' }),
  expiresInSeconds: z
    .int(expected('an integer'))
    .min(LINK_MIN_SECONDS, { error: `must be at least ${LINK_MIN_SECONDS}` })
    .max(LINK_MAX_SECONDS, { error: `must be at most ${LINK_MAX_SECONDS}` })
    .default(LINK_DEFAULT_SECONDS),
}).meta({
  id: 'NewLink',
  examples: [{ userId: exampleUserId, eventId: exampleEventId, expiresInSeconds: 3_600 }],
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
  startsAt: moment.nullable().default(null),
  timeZone: timeZone.default('UTC'),
  promotesUntil: moment.nullable().default(null),
  offerSeconds: offerSeconds.default(null),
})
  .refine((event) => !isReversed(event), WINDOW_REVERSED)
  .meta({ id: 'NewEvent', examples: [EXAMPLE_EVENT] });

/** `PATCH /registration/events/{eventId}`; fields that are left out stay as they are. */
export const eventPatchSchema = withoutPrivileges(
  z.strictObject(
    {
      name: name.optional(),
      capacity: capacity.optional(),
      hasWaitlist: hasWaitlist.optional(),
      waitlistCapacity: waitlistCapacity.optional(),
      registrationOpensAt: moment.nullable().optional(),
      registrationClosesAt: moment.nullable().optional(),
      startsAt: moment.nullable().optional(),
      timeZone: timeZone.optional(),
      promotesUntil: moment.nullable().optional(),
      offerSeconds: offerSeconds.optional(),
      status: z
        .enum(['OPEN', 'PAUSED', 'CLOSED'], { error: 'must be OPEN, PAUSED or CLOSED' })
        .optional(),
    },
    expected('an object of fields that can be changed'),
  ),
)
  .refine((patch) => !isReversed(patch), WINDOW_REVERSED)
  // A harmless example: it only gives the example's event a few more seats.
  .meta({
    id: 'EventPatch',
    examples: [{ capacity: EXAMPLE_EVENT.capacity + 10 }],
  }) satisfies z.ZodType<EventPatch>;

/** `?dryRun=true`. Unknown names are refused: a misspelt `dryRun` would make the change. `/docs` fills in `true`. */
export const dryRunSchema = z.strictObject({
  dryRun: z
    .enum(['true', 'false'], { error: 'must be true or false' })
    .default('false')
    .transform((value) => value === 'true')
    .meta({
      description: 'Only say what the change would do.',
      // In a query a boolean is a text; the description shows a boolean.
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

/** Query of `GET /registration/events/{eventId}/live` */
export const liveSchema = object({
  userId: userId.optional().meta({
    description: 'Also tells the place of this user; an attendee may name themselves only.',
    examples: [exampleUserId],
  }),
});

/** `POST /registration/registrations` */
export const newRegistrationSchema = body({
  userId,
  eventId,
  override: body({ reason: lines(OVERRIDE_REASON_MAX_CHARS) })
    .meta({
      id: 'Override',
      description:
        'Gives a seat without regard to capacity, window and waitlist. For organisers only.',
      examples: [{ reason: 'Speaker' }],
    })
    .optional(),
}).meta({
  id: 'NewRegistration',
  // Without an override, so that trying the example overbooks nothing.
  examples: [{ userId: exampleUserId, eventId: exampleEventId }],
});

/**
 * `POST /registration/events/{eventId}/registrations`. Each id is checked later, on its own. A row that is not
 * a string becomes null: a deeply nested value could not be repeated in the answer.
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

/** Path parameters */
export const userParamSchema = z.object({ userId });
export const eventParamSchema = z.object({ eventId });

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
    // Described by hand: the input is a text, which tells nothing about the bounds.
    .meta({ override: { type: 'integer', minimum: 1, maximum: PAGE_MAX_ROWS } })
    .default(PAGE_DEFAULT_ROWS)
    .meta(LIMIT),
  cursor: z
    .string()
    .optional()
    .meta({
      description: 'The `nextCursor` of the page before, which its `Link` has too.',
      examples: ['WyJldmVudHMiLCIiLCJvcGVuLWRheSJd'],
    }),
});

/** Query of `GET /registration/events/{eventId}/log` */
export const logPageSchema = z.object({
  limit: pageSchema.shape.limit,
  after: z.coerce
    .number()
    .pipe(
      z.int({ error: 'must be a version: a whole number' }).min(0, { error: 'must be at least 0' }),
    )
    .meta({ override: { type: 'integer', minimum: 0 } })
    .optional()
    .meta({
      description: 'Only entries after this version; the `nextCursor` of the page before.',
      examples: [0],
    }),
});

/** Path of `POST /registration/events/{eventId}/webhooks/{name}/replay` */
export const webhookParamSchema = eventParamSchema.extend({
  name: z.string().meta({ description: 'The name of an endpoint.', examples: ['crm'] }),
});

/** `POST /registration/events/{eventId}/webhooks/{name}/replay` */
export const webhookReplaySchema = body({
  after: z
    .int({ error: 'must be a version: a whole number' })
    .min(0, { error: 'must be at least 0' })
    .meta({ description: 'Everything after this version is sent again.' }),
}).meta({ id: 'WebhookReplay', examples: [{ after: 999_999_999 }] });

/** Query of `GET /registration/users/{userId}/events`: all of them, but for those who have very many. */
export const userEventsPageSchema = pageSchema.extend({
  limit: pageSchema.shape.limit.unwrap().default(PAGE_MAX_ROWS).meta(LIMIT),
});
