import * as z from 'zod';
import type { Offer, Registration, WaitlistEntry } from '../event/model.ts';
import type { Standing } from '../event/shown.ts';
import { CHANGE_MAX_LISTED, OVERRIDE_REASON_MAX_CHARS } from '../limits.ts';
import { text } from '../text.ts';
import { eventSchema, pageSchemaOf, problemSchema } from './answers.ts';
import { createdAt, eventId, userId } from './fields.ts';

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

/** What a user has in an event: one of three, or nothing. */
const nothing = { registration: z.null(), offer: z.null(), waitlistEntry: z.null() };
const seat = { status: z.literal('ACTIVE'), ...nothing, registration: registrationSchema };
const heldSeat = { status: z.literal('OFFERED'), ...nothing, offer: offerSchema };
const entry = {
  status: z.literal('WAITLISTED'),
  ...nothing,
  waitlistEntry: waitlistEntrySchema,
};

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

const withName = { name: z.string().nullable() };
export const registrationPageSchema = pageSchemaOf(
  registrationSchema.extend(withName).meta({ id: 'ListedRegistration' }),
).meta({ id: 'RegistrationPage' });
export const offerPageSchema = pageSchemaOf(
  offerSchema.extend(withName).meta({ id: 'ListedOffer' }),
).meta({ id: 'OfferPage' });
export const waitlistPageSchema = pageSchemaOf(
  waitlistEntrySchema.extend(withName).meta({ id: 'ListedWaitlistEntry' }),
).meta({ id: 'WaitlistPage' });

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
