import * as z from 'zod';
import type { Problem } from '../errors.ts';
import type { EventRecord, User } from '../event/model.ts';
import type { Capacity } from '../event/shown.ts';
import { TIME_ZONE_MAX_CHARS } from '../limits.ts';
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

/** `POST /registration/links` */
export const linkSchema = z
  .object({
    url: z.url().meta({ description: 'Whoever opens it acts as the user: tell nobody else.' }),
    expiresAt: createdAt,
  })
  .meta({ id: 'Link' });

/** The schema of a page of a list. */
export function pageSchemaOf<Row extends z.ZodType>(row: Row) {
  return z.object({ items: z.array(row), nextCursor: z.string().nullable() });
}

export const eventPageSchema = pageSchemaOf(eventSchema).meta({ id: 'EventPage' });

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

/** `GET /health` and `GET /health/ready` */
export const healthSchema = z.object({ status: z.enum(['ok', 'ready']) }).meta({ id: 'Health' });
