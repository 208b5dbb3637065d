import * as z from 'zod';
import type { Problem } from '../errors.ts';
import type { LoggedSettings } from '../event/log.ts';
import type { EventRecord, Registration, User, WaitlistEntry } from '../event/model.ts';
import {
  CHANGE_MAX_LISTED,
  ERASURE_MAX_LISTED,
  EXPORT_MAX_PLACES,
  OVERRIDE_REASON_MAX_CHARS,
} from '../limits.ts';
import { text } from '../text.ts';
import { capacity, createdAt, eventId, nameOfOld, userId, waitlistCapacity } from './fields.ts';

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

const offer = z.null().meta({ description: 'An offer of a seat.' });

/** A place of a user, and the event that it is in. */
export const userPlaceSchema = z
  .discriminatedUnion('status', [
    z
      .object({
        status: z.literal('ACTIVE'),
        event: eventSchema,
        registration: registrationSchema,
        waitlistEntry: z.null(),
        offer,
      })
      .meta({ id: 'UserPlaceActive', description: 'The user has a seat.' }),
    z
      .object({
        status: z.literal('WAITLISTED'),
        event: eventSchema,
        registration: z.null(),
        waitlistEntry: waitlistEntrySchema,
        offer,
      })
      .meta({ id: 'UserPlaceWaitlisted', description: 'The user waits.' }),
  ])
  .meta({ id: 'UserPlace' });
export type UserPlaceItem = z.infer<typeof userPlaceSchema>;

/** A page of a list. */
function pageOf<Row extends z.ZodType>(row: Row) {
  return z.object({ items: z.array(row), nextCursor: z.string().nullable() });
}

const withName = { name: z.string().nullable() };
export const eventPageSchema = pageOf(eventSchema).meta({ id: 'EventPage' });
/** `GET /registration/users/{userId}/places` */
export const userPlacePageSchema = pageOf(userPlaceSchema).meta({ id: 'UserPlacePage' });
export const registrationPageSchema = pageOf(
  registrationSchema.extend(withName).meta({ id: 'ListedRegistration' }),
).meta({ id: 'RegistrationPage' });
export const waitlistPageSchema = pageOf(
  waitlistEntrySchema.extend(withName).meta({ id: 'ListedWaitlistEntry' }),
).meta({ id: 'WaitlistPage' });

const forStaff = 'Only for organisers and services.';
const seenUser = { userId: userId.optional().meta({ description: forStaff }) };
const position = z.int().min(1);

/** What decides who gets a place, as it is after the change. */
const loggedSettingsSchema = eventSchema
  .omit({ eventId: true, name: true, createdAt: true })
  .meta({ id: 'LoggedSettings' }) satisfies z.ZodType<LoggedSettings>;

/** One change of the log. */
const logChangeSchema = z
  .discriminatedUnion('type', [
    z
      .object({
        type: z.enum(['event.created', 'event.updated', 'event.cancelled']),
        settings: loggedSettingsSchema,
      })
      .meta({ id: 'LoggedEvent' }),
    z
      .object({
        type: z.literal('registration.created'),
        registrationId: z.uuid(),
        override: z.literal(true).optional().meta({ description: 'Past the capacity.' }),
        ...seenUser,
      })
      .meta({ id: 'LoggedRegistration' }),
    z
      .object({ type: z.literal('registration.cancelled'), registrationId: z.uuid(), ...seenUser })
      .meta({ id: 'LoggedCancellation' }),
    z
      .object({
        type: z.literal('registration.promoted'),
        registrationId: z.uuid(),
        entryId: z.uuid(),
        position,
        ...seenUser,
      })
      .meta({ id: 'LoggedPromotion' }),
    z
      .object({
        type: z.enum(['waitlist.joined', 'waitlist.left']),
        entryId: z.uuid(),
        position,
        ...seenUser,
      })
      .meta({ id: 'LoggedWaitlistEntry' }),
  ])
  .meta({ id: 'LogChange' });

const actor = z.string().nullable();

/** `GET /registration/events/{eventId}/log`: an entry for each commit that changed something. */
export const logSchema = pageOf(
  z
    .object({
      version: z.int().min(1).meta({ description: 'Grows with every commit, and has gaps.' }),
      at: createdAt,
      chain: z.string().meta({
        description:
          'SHA-256, in hex, of the chain before it and the canonical JSON of version, at and changes without any userId.',
      }),
      changes: z.array(logChangeSchema),
      actor: actor.optional().meta({
        description: `Who made the changes; null where it is not known, or several did. ${forStaff}`,
      }),
      actors: z
        .array(actor)
        .optional()
        .meta({ description: `Who made each of the changes. ${forStaff}` }),
    })
    .meta({ id: 'LogEntry' }),
).meta({ id: 'LogPage' });

/** `GET /registration/users/{userId}/export`: what the service holds about a user. */
export const userExportSchema = z
  .object({
    exportedAt: createdAt,
    user: userSchema,
    places: z.object({
      items: z.array(userPlaceSchema).max(EXPORT_MAX_PLACES),
      isWhole: z.boolean().meta({
        description: 'False where there are more: the list of the places has all of them.',
      }),
    }),
    log: z.object({
      items: z.array(
        z
          .object({
            eventId,
            version: z.int().min(1),
            at: createdAt,
            isAbout: z.boolean().meta({ description: 'The change is about the user.' }),
            isBy: z.boolean().meta({ description: 'The user has made the change.' }),
            change: logChangeSchema,
          })
          .meta({ id: 'ExportedChange' }),
      ),
      unread: z
        .array(z.object({ eventId, after: z.int().min(0) }).meta({ id: 'UnreadLog' }))
        .meta({ description: 'Logs that were not read, or only up to a version.' }),
    }),
    notes: z.array(z.string()).meta({ description: 'What is not in it, and how long it stays.' }),
  })
  .meta({ id: 'UserExport' });
export type UserExport = z.infer<typeof userExportSchema>;

const leftPlaces = z
  .array(
    z
      .object({ eventId, status: z.enum(['ACTIVE', 'WAITLISTED']) })
      .meta({ id: 'LeftPlace', description: 'A place that was given up.' }),
  )
  .max(ERASURE_MAX_LISTED);

/** `DELETE /registration/users/{userId}` */
export const erasureSchema = z
  .discriminatedUnion('status', [
    z
      .object({
        status: z.literal('ERASING'),
        left: leftPlaces,
        finishAfter: createdAt.meta({
          description: 'The same call after this time finishes the erasure.',
        }),
      })
      .meta({ id: 'ErasureBegun' }),
    z.object({ status: z.literal('ERASED'), left: leftPlaces }).meta({ id: 'ErasureDone' }),
  ])
  .meta({ id: 'Erasure' });
export type ErasureAnswer = z.infer<typeof erasureSchema>;

/** How far the messages of an event have come with one endpoint. */
export const webhookSchema = z
  .object({
    name: z.string(),
    pending: z.int().min(0).meta({
      description: 'Messages to be sent that failed before, and commits that were not sent yet.',
    }),
    deliveredVersion: z.int().min(0).meta({
      description: 'Everything up to this version was taken, or given up.',
    }),
    failingSince: createdAt.nullable(),
    lastError: z.string().nullable(),
    nextAttemptAt: createdAt.nullable(),
    isEnded: z.boolean().meta({ description: 'The endpoint has answered 410.' }),
  })
  .meta({ id: 'Webhook' });
export type Webhook = z.infer<typeof webhookSchema>;

/** `GET /registration/events/{eventId}/webhooks` */
export const webhooksSchema = z.array(webhookSchema).meta({ id: 'Webhooks' });

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
            receipt: z.string().nullable().meta({
              description: 'As the header Registration-Receipt; null where no log is kept.',
            }),
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
