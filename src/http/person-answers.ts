import * as z from 'zod';
import { EXPORT_MAX_PLACES } from '../http-limits.ts';
import { ERASURE_MAX_LISTED } from '../limits.ts';
import { pageSchemaOf, userSchema } from './answers.ts';
import { createdAt, eventId } from './fields.ts';
import { logChangeSchema } from './log-answers.ts';
import { userPlaceSchema } from './place-answers.ts';

/** `GET /registration/users/{userId}/places` */
export const userPlacePageSchema = pageSchemaOf(userPlaceSchema).meta({ id: 'UserPlacePage' });

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
