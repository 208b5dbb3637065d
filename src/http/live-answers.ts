import * as z from 'zod';
import type { LiveMessage } from '../event/shown.ts';
import { capacitySchema } from './answers.ts';
import { createdAt } from './fields.ts';
import { standingSchema } from './place-answers.ts';

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
