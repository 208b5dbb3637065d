import * as z from 'zod';
import type { Problem } from '../errors.ts';
import type { LoggedSettings } from '../event/log.ts';
import type { EventRecord, Offer, Registration, User, WaitlistEntry } from '../event/model.ts';
import type { Capacity, LiveMessage, Standing } from '../event/shown.ts';
import { EXPORT_MAX_PLACES } from '../http-limits.ts';
import {
  CHANGE_MAX_LISTED,
  ERASURE_MAX_LISTED,
  OVERRIDE_REASON_MAX_CHARS,
  TIME_ZONE_MAX_CHARS,
} from '../limits.ts';
import { text } from '../text.ts';
import {
  capacity,
  createdAt,
  eventId,
  nameOfOld,
  offerSeconds,
  userId,
  waitlistCapacity,
} from './fields.ts';

export const userSchema = z
  .object({
    userId,
    name: nameOfOld,
    createdAt,
  })
  .meta({ id: 'User' }) satisfies z.ZodType<User>;

/** Whether registrations are taken. `CANCELLED` is final; an organiser can change between the others. */
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
    startsAt: createdAt.nullable(),
    // A name that was known when it was given need not be for ever.
    timeZone: text(TIME_ZONE_MAX_CHARS).meta({
      description: 'The IANA time zone that people read the times in.',
    }),
    promotesUntil: createdAt.nullable().meta({
      description: 'When the line ends; null for `startsAt`.',
    }),
    offerSeconds: offerSeconds.meta({
      description: 'How long a free seat is offered; null: who is first in line gets it at once.',
    }),
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
    offeredCount: z.int().min(0).meta({ description: 'Seats that are held for open offers.' }),
    waitlistCount: z.int().min(0),
    status: eventStatusSchema,
  })
  .meta({ id: 'Capacity' }) satisfies z.ZodType<Capacity>;

/** A seat. It is never altered after it was given. */
export const registrationSchema = z
  .object({
    registrationId: z.uuid(),
    userId,
    eventId,
    status: z.literal('ACTIVE'),
    createdAt,
    /** Why the user was seated by an override; absent for any other seat. */
    overrideReason: text(OVERRIDE_REASON_MAX_CHARS).optional(),
  })
  .meta({ id: 'Registration' }) satisfies z.ZodType<Registration>;

/** An entry. `position` starts at 1 and is never given twice within an event. */
export const waitlistEntrySchema = z
  .object({
    entryId: z.uuid(),
    userId,
    eventId,
    position: z.int().min(1),
    createdAt,
  })
  .meta({ id: 'WaitlistEntry' }) satisfies z.ZodType<WaitlistEntry>;

/** A seat that is held for somebody who was in line, until `expiresAt`. */
export const offerSchema = z
  .object({
    offerId: z.uuid(),
    userId,
    eventId,
    position: z.int().min(1).meta({ description: 'The one that they had in line.' }),
    createdAt,
    expiresAt: createdAt,
  })
  .meta({ id: 'Offer' }) satisfies z.ZodType<Offer>;

/** `POST /registration/registrations`: exactly one of `registration` and `waitlistEntry` is not null. */
export const placedSchema = z
  .object({
    success: z.literal(true),
    message: z.string(),
    registration: registrationSchema.nullable(),
    waitlistEntry: waitlistEntrySchema.nullable(),
  })
  .meta({ id: 'Placed' });

/** `POST /registration/links` */
export const linkSchema = z
  .object({
    url: z.url().meta({ description: 'Whoever opens it acts as the user: tell nobody else.' }),
    expiresAt: createdAt,
  })
  .meta({ id: 'Link' });

/** What a user has in an event: one of three, or nothing. */
const nothing = { registration: z.null(), offer: z.null(), waitlistEntry: z.null() };
const seat = { status: z.literal('ACTIVE'), ...nothing, registration: registrationSchema };
const heldSeat = { status: z.literal('OFFERED'), ...nothing, offer: offerSchema };
const entry = { status: z.literal('WAITLISTED'), ...nothing, waitlistEntry: waitlistEntrySchema };

const SEAT = 'The user has a seat.';
const HELD_SEAT = 'A seat is held for the user, who takes it by registering.';
const ENTRY = 'The user waits.';

/** `GET /registration/registrations`; `ahead` is the number of entries before that of the user. */
export const standingSchema = z
  .discriminatedUnion('status', [
    z.object({ ...seat, ahead: z.null() }).meta({ id: 'StandingActive', description: SEAT }),
    z
      .object({ ...heldSeat, ahead: z.null() })
      .meta({ id: 'StandingOffered', description: HELD_SEAT }),
    z
      .object({
        ...entry,
        ahead: z.int().min(0).meta({ description: 'How many wait before the user.' }),
      })
      .meta({ id: 'StandingWaitlisted', description: ENTRY }),
    z
      .object({ status: z.literal('NONE'), ...nothing, ahead: z.null() })
      .meta({ id: 'StandingNone', description: 'The user has no place in the event.' }),
  ])
  .meta({ id: 'Standing' }) satisfies z.ZodType<Standing>;

const placeOf = { type: z.literal('place') };
const [seated, offered, waiting, absent] = standingSchema.options;

/** `GET /registration/events/{eventId}/live`: each text that its socket sends. */
export const liveMessageSchema = z
  .union([
    capacitySchema
      .extend({
        type: z.literal('occupancy'),
        now: createdAt.meta({ description: "The server's time." }),
        version: z.int().min(0).meta({
          description: 'Of the last commit that changed something, as in its receipt and the log.',
        }),
        revision: z.int().min(1).meta({
          description: "As in the event's ETag: when it grows, the event itself was changed.",
        }),
      })
      .meta({ id: 'LiveOccupancy' }),
    seated.extend(placeOf).meta({ id: 'LivePlaceActive' }),
    offered.extend(placeOf).meta({ id: 'LivePlaceOffered' }),
    waiting.extend(placeOf).meta({ id: 'LivePlaceWaitlisted' }),
    absent.extend(placeOf).meta({ id: 'LivePlaceNone' }),
  ])
  .meta({ id: 'LiveMessage' }) satisfies z.ZodType<LiveMessage>;

/** `DELETE /registration/registrations`; `promoted` is the registration that took the seat, `offered` the offer of it. */
export const leftSchema = z
  .object({
    success: z.literal(true),
    message: z.string(),
    promoted: registrationSchema.nullable().meta({
      description: 'Who took the seat; null if nobody did, and always null for an attendee.',
    }),
    offered: offerSchema.nullable().meta({
      description: 'To whom it is offered; null if to nobody, and always null for an attendee.',
    }),
  })
  .meta({ id: 'Left' });

/** `DELETE /registration/waitlist`: exactly one of the two is not null. */
export const leftLineSchema = z
  .object({
    success: z.literal(true),
    message: z.string(),
    waitlistEntry: waitlistEntrySchema.nullable(),
    offer: offerSchema.nullable(),
  })
  .meta({ id: 'LeftWaitlist' });

/** `PATCH /registration/events/{eventId}`; the lists have the first `CHANGE_MAX_LISTED` each, the counts count all. */
export const updatedSchema = z
  .object({
    event: eventSchema,
    promoted: z.array(registrationSchema).max(CHANGE_MAX_LISTED),
    promotedCount: z.int().min(0),
    offered: z.array(offerSchema).max(CHANGE_MAX_LISTED),
    offeredCount: z.int().min(0),
    dryRun: z.boolean(),
  })
  .meta({ id: 'EventUpdate' });

/** A place of a user, and the event that it is in. */
export const userPlaceSchema = z
  .discriminatedUnion('status', [
    z.object({ ...seat, event: eventSchema }).meta({ id: 'UserPlaceActive', description: SEAT }),
    z
      .object({ ...heldSeat, event: eventSchema })
      .meta({ id: 'UserPlaceOffered', description: HELD_SEAT }),
    z
      .object({ ...entry, event: eventSchema })
      .meta({ id: 'UserPlaceWaitlisted', description: ENTRY }),
  ])
  .meta({ id: 'UserPlace' });
export type UserPlaceItem = z.infer<typeof userPlaceSchema>;

/** The schema of a page of a list. */
function pageSchemaOf<Row extends z.ZodType>(row: Row) {
  return z.object({ items: z.array(row), nextCursor: z.string().nullable() });
}

const withName = { name: z.string().nullable() };
export const eventPageSchema = pageSchemaOf(eventSchema).meta({ id: 'EventPage' });
/** `GET /registration/users/{userId}/places` */
export const userPlacePageSchema = pageSchemaOf(userPlaceSchema).meta({ id: 'UserPlacePage' });
export const registrationPageSchema = pageSchemaOf(
  registrationSchema.extend(withName).meta({ id: 'ListedRegistration' }),
).meta({ id: 'RegistrationPage' });
export const offerPageSchema = pageSchemaOf(
  offerSchema.extend(withName).meta({ id: 'ListedOffer' }),
).meta({ id: 'OfferPage' });
export const waitlistPageSchema = pageSchemaOf(
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
    z
      .object({
        type: z.literal('offer.made'),
        offerId: z.uuid(),
        entryId: z.uuid(),
        position,
        expiresAt: createdAt,
        ...seenUser,
      })
      .meta({ id: 'LoggedOffer' }),
    z
      .object({
        type: z.literal('offer.accepted'),
        offerId: z.uuid(),
        registrationId: z.uuid(),
        position,
        ...seenUser,
      })
      .meta({ id: 'LoggedAcceptance' }),
    z
      .object({
        type: z.enum(['offer.declined', 'offer.expired']),
        offerId: z.uuid(),
        position,
        ...seenUser,
      })
      .meta({ id: 'LoggedOfferEnd' }),
  ])
  .meta({ id: 'LogChange' });

const actor = z.string().nullable();

/** `GET /registration/events/{eventId}/log`: an entry for each commit that changed something. */
export const logSchema = pageSchemaOf(
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
      .object({ eventId, status: z.enum(['ACTIVE', 'OFFERED', 'WAITLISTED']) })
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

/** `POST /registration/events/{eventId}/registrations`: a result for each row that was sent, in order. */
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
        // `userId` is null for a row that was not a string.
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
