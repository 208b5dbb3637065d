import * as z from 'zod';
import type { LoggedSettings } from '../event/log.ts';
import { eventSchema, pageSchemaOf } from './answers.ts';
import { createdAt, userId } from './fields.ts';

const forStaff = 'Only for organisers and services.';
const seenUser = { userId: userId.optional().meta({ description: forStaff }) };
const erased = {
  erased: z.literal(true).optional().meta({ description: 'By the erasure of the user.' }),
};
const position = z.int().min(1);

/** What decides who gets a place, as it is after the change. */
const loggedSettingsSchema = eventSchema
  .omit({ eventId: true, name: true, createdAt: true })
  .meta({ id: 'LoggedSettings' }) satisfies z.ZodType<LoggedSettings>;

/** One change of the log. */
export const logChangeSchema = z
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
      .object({
        type: z.literal('registration.cancelled'),
        registrationId: z.uuid(),
        ...seenUser,
        ...erased,
      })
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
        type: z.literal('waitlist.joined'),
        entryId: z.uuid(),
        position,
        ...seenUser,
      })
      .meta({ id: 'LoggedWaitlistEntry' }),
    z
      .object({
        type: z.literal('waitlist.left'),
        entryId: z.uuid(),
        position,
        ...seenUser,
        ...erased,
      })
      .meta({ id: 'LoggedLeaving' }),
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
        type: z.literal('offer.declined'),
        offerId: z.uuid(),
        position,
        ...seenUser,
        ...erased,
      })
      .meta({ id: 'LoggedDecline' }),
    z
      .object({ type: z.literal('offer.expired'), offerId: z.uuid(), position, ...seenUser })
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
