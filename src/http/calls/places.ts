import type * as z from 'zod';
import * as schemas from '../schemas.ts';
import { BODY_PROBLEMS, type Call, IDEMPOTENCY, KEY_PROBLEMS, REPLAYED } from './call.ts';

/** A list of places, in pages. */
const paged = (id: string, schema: z.ZodType, summary: string): Call => ({
  id,
  tag: 'Places',
  summary,
  // CSV is not described as another type of the answer: generated clients would then take every list for a text.
  description:
    'A page as JSON. With `Accept: text/csv` the whole list as CSV, in UTF-8 with a byte order mark.',
  path: schemas.eventParamSchema,
  query: schemas.pageSchema,
  success: {
    status: 200,
    schema,
    headers: { Link: 'The next page, if there is one.', Vary: 'Accept: JSON or CSV.' },
  },
  problems: [400, 404],
});

/** The calls with the tag `Places`. */
export const PLACE_CALLS: Record<string, Call> = {
  'GET /registration/events/{eventId}/registrations': paged(
    'listRegistrations',
    schemas.registrationPageSchema,
    'The seats of an event, by time',
  ),
  'POST /registration/events/{eventId}/registrations': {
    id: 'registerUsers',
    tag: 'Places',
    summary: 'Register up to 1 000 users in order, each with its own result',
    description:
      'The answer has a result for each row, in the same order. A refused row does not affect the others.',
    path: schemas.eventParamSchema,
    body: schemas.bulkSchema,
    headers: IDEMPOTENCY,
    success: { status: 200, schema: schemas.bulkResultSchema, headers: REPLAYED },
    problems: [...BODY_PROBLEMS, 404, ...KEY_PROBLEMS],
  },
  'GET /registration/events/{eventId}/offers': paged(
    'listOffers',
    schemas.offerPageSchema,
    'Those who are offered a seat, by position',
  ),
  'GET /registration/events/{eventId}/waitlist': paged(
    'listWaitlist',
    schemas.waitlistPageSchema,
    'The waitlist of an event, by position',
  ),
  'POST /registration/registrations': {
    id: 'register',
    tag: 'Places',
    summary: 'Register a user: a seat, or a waitlist entry',
    description:
      'Takes the seat that is offered to the user, if one is. The user gets a waitlist entry when the event is full and has a waitlist.',
    body: schemas.newRegistrationSchema,
    headers: IDEMPOTENCY,
    success: { status: 201, schema: schemas.placedSchema, headers: REPLAYED },
    problems: [...BODY_PROBLEMS, 404, ...KEY_PROBLEMS],
  },
  'GET /registration/registrations': {
    id: 'getStanding',
    tag: 'Places',
    summary: 'The place of a user in an event: a seat, a waitlist entry, or none',
    description: '`status` tells which of the other fields are not null.',
    query: schemas.placeSchema,
    success: { status: 200, schema: schemas.standingSchema },
    problems: [400, 404],
  },
  'DELETE /registration/registrations': {
    id: 'unregister',
    tag: 'Places',
    summary: 'Give up a seat; it goes to the first in line',
    description:
      'Possible at any time. Both happen in one step, so that no newcomer can take the seat.',
    query: schemas.placeSchema,
    headers: IDEMPOTENCY,
    success: { status: 200, schema: schemas.leftSchema, headers: REPLAYED },
    problems: [400, 404, ...KEY_PROBLEMS],
  },
  'DELETE /registration/waitlist': {
    id: 'leaveWaitlist',
    tag: 'Places',
    summary: 'Leave the waitlist, or decline an offer',
    description:
      'Possible at any time. A user who registers again starts at the end. A declined seat is offered to the next.',
    query: schemas.placeSchema,
    headers: IDEMPOTENCY,
    success: { status: 200, schema: schemas.leftLineSchema, headers: REPLAYED },
    problems: [400, 404, ...KEY_PROBLEMS],
  },
};
