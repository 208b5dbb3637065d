import * as z from 'zod';
import { IDEMPOTENCY_KEY_MAX_CHARS } from '../limits.ts';
import * as schemas from './schemas.ts';

/** A header that a call may be sent with. `/docs` shows the example, and leaves it to the caller to send it. */
export interface Header {
  description: string;
  example: string;
  pattern?: string;
}

/** What the calls are grouped by, in the order that the page shows. */
export const TAGS = {
  Users: 'Who can have a place.',
  Events: 'What there are places for, how many and when.',
  Places: 'Seats and places in line: of one user, and of all of an event.',
  Health: 'For monitors; open to all.',
};

/** A call of the API. */
export interface Call {
  /** What generators name their functions by: once given, it stays. */
  id: string;
  tag: keyof typeof TAGS;
  summary: string;
  description: string;
  path?: z.ZodObject;
  query?: z.ZodObject;
  body?: z.ZodType;
  /** Request headers by name. */
  headers?: Record<string, Header>;
  success: {
    status: 200 | 201 | 202;
    /** Another status that it can be answered with, by the same schema. */
    orStatus?: 202;
    schema: z.ZodType;
    headers?: Record<string, string>;
    /** Whether it can be answered with 304, which has no body. */
    notModified?: boolean;
  };
  problems: number[];
}

export const IDEMPOTENCY = {
  'Idempotency-Key': {
    description: '1 to 255 visible ASCII characters: the same key is carried out once in 24 h.',
    example: '7d7b4b5e-2f0c-4a53-9c1e-6a1f1b0c9d42',
    pattern: `^[!-~]{1,${IDEMPOTENCY_KEY_MAX_CHARS}}$`,
  },
};
export const IF_MATCH = {
  'If-Match': {
    description: 'The ETag of the event as it was read; refused with 412 otherwise.',
    example: '"1"',
  },
};
export const IF_NONE_MATCH = {
  'If-None-Match': {
    description: 'ETags of the event that the caller has: 304 if it is still one of them.',
    example: '"1"',
  },
};
export const REPLAYED = { 'Idempotency-Replayed': '`true` when the first outcome is given again.' };
export const ETAG = { ETag: 'The revision of the event.' };

/** Which event is to be ended for good is nothing that `/docs` fills in. */
const eventToCancel = z.object({
  eventId: schemas.eventParamSchema.shape.eventId.meta({ param: {} }),
});

/** Nor who is to be erased. */
const userToErase = z.object({
  userId: schemas.userParamSchema.shape.userId.meta({ param: {} }),
});

const BODY = [400, 413, 415];
const KEYED = [409, 422];
const paged = (id: string, schema: z.ZodType, summary: string): Call => ({
  id,
  tag: 'Places',
  summary,
  // Not as another type of the answer: generators would make a text of every list.
  description: 'A page as JSON. With `Accept: text/csv`, all of it as CSV, in UTF-8 with a mark.',
  path: schemas.eventParamSchema,
  query: schemas.pageSchema,
  success: {
    status: 200,
    schema,
    headers: { Link: 'The next page, if there is one.', Vary: 'Accept: JSON or CSV.' },
  },
  problems: [400, 404],
});

/** Every call that the service takes, by method and path. */
export const CALLS: Record<string, Call> = {
  'POST /registration/users': {
    id: 'createUser',
    tag: 'Users',
    summary: 'Create a user',
    description:
      'The id is theirs for good; whether it is a name, an address or a number is for the caller.',
    body: schemas.newUserSchema,
    headers: IDEMPOTENCY,
    success: { status: 201, schema: schemas.userSchema, headers: REPLAYED },
    problems: [...BODY, ...KEYED],
  },
  'GET /registration/users/{userId}': {
    id: 'getUser',
    tag: 'Users',
    summary: 'Read a user',
    description: 'What was given when the user was created.',
    path: schemas.userParamSchema,
    success: { status: 200, schema: schemas.userSchema },
    problems: [400, 404],
  },
  'GET /registration/users/{userId}/events': {
    id: 'listUserEvents',
    tag: 'Users',
    summary: 'The events in which a user has a seat, oldest registration first',
    description: 'Events in whose line the user only waits are not in it.',
    path: schemas.userParamSchema,
    query: schemas.userEventsPageSchema,
    success: {
      status: 200,
      schema: schemas.eventSchema.array(),
      headers: { Link: 'The next page, if there is one.' },
    },
    problems: [400, 404],
  },
  'PATCH /registration/users/{userId}': {
    id: 'renameUser',
    tag: 'Users',
    summary: 'Give a user another name',
    description: 'Lists show it from then on. The id stays.',
    path: schemas.userParamSchema,
    body: schemas.userPatchSchema,
    success: { status: 200, schema: schemas.userSchema },
    problems: [...BODY, 404],
  },
  'DELETE /registration/users/{userId}': {
    id: 'eraseUser',
    tag: 'Users',
    summary: 'Erase a user, in two calls',
    description:
      'The first call takes the name away and gives up all places: others are promoted. The same call after `finishAfter` looks once more, and frees the id. It can be sent again at any time, and goes on where it was.',
    path: userToErase,
    success: { status: 200, orStatus: 202, schema: schemas.erasureSchema },
    problems: [400, 404],
  },
  'GET /registration/users/{userId}/places': {
    id: 'listUserPlaces',
    tag: 'Users',
    summary: 'Where a user has a seat or waits, oldest first',
    description: 'Never a place that was given up before. A new one can be missing for a moment.',
    path: schemas.userParamSchema,
    query: schemas.pageSchema,
    success: {
      status: 200,
      schema: schemas.userPlacePageSchema,
      headers: { Link: 'The next page, if there is one.' },
    },
    problems: [400, 404],
  },
  'GET /registration/users/{userId}/export': {
    id: 'exportUser',
    tag: 'Users',
    summary: 'What is held about a user, as one document',
    description: 'Its `notes` say what is not in it, and how long that stays.',
    path: schemas.userParamSchema,
    success: {
      status: 200,
      schema: schemas.userExportSchema,
      headers: { 'Content-Disposition': 'The name of a file.' },
    },
    problems: [400, 404],
  },
  'POST /registration/events': {
    id: 'createEvent',
    tag: 'Events',
    summary: 'Create an event',
    description:
      'Open at once, unless it says when it opens. Without an `eventId` it is given one.',
    body: schemas.newEventSchema,
    headers: IDEMPOTENCY,
    success: { status: 201, schema: schemas.eventSchema, headers: { ...ETAG, ...REPLAYED } },
    problems: [...BODY, ...KEYED],
  },
  'GET /registration/events': {
    id: 'listEvents',
    tag: 'Events',
    summary: 'List the events',
    description: 'All of them, a page at a time, cancelled ones included.',
    query: schemas.pageSchema,
    success: { status: 200, schema: schemas.eventPageSchema },
    problems: [400],
  },
  'GET /registration/events/{eventId}': {
    id: 'getEvent',
    tag: 'Events',
    summary: 'Read an event',
    description: 'As it is now; its `ETag` is what `If-Match` takes.',
    path: schemas.eventParamSchema,
    headers: IF_NONE_MATCH,
    success: { status: 200, schema: schemas.eventSchema, headers: ETAG, notModified: true },
    problems: [400, 404],
  },
  'PATCH /registration/events/{eventId}': {
    id: 'updateEvent',
    tag: 'Events',
    summary: 'Change an event; raising the capacity promotes as many as fit',
    description:
      'What is left out stays as it is. A lowered capacity evicts nobody. With `dryRun` it tells what would come of it, and changes nothing.',
    path: schemas.eventParamSchema,
    query: schemas.dryRunSchema,
    body: schemas.eventPatchSchema,
    headers: IF_MATCH,
    success: { status: 200, schema: schemas.updatedSchema, headers: ETAG },
    problems: [...BODY, 404, 412],
  },
  'DELETE /registration/events/{eventId}': {
    id: 'cancelEvent',
    tag: 'Events',
    summary: 'Cancel an event, for good',
    description: 'It takes and promotes nobody any more, and its records stay.',
    path: eventToCancel,
    headers: { ...IDEMPOTENCY, ...IF_MATCH },
    success: { status: 200, schema: schemas.eventSchema, headers: { ...ETAG, ...REPLAYED } },
    problems: [400, 404, 412, ...KEYED],
  },
  'GET /registration/events/{eventId}/capacity': {
    id: 'getCapacity',
    tag: 'Events',
    summary: 'How full an event is',
    description: 'Counted by what decides about seats, so never behind it.',
    path: schemas.eventParamSchema,
    success: { status: 200, schema: schemas.capacitySchema },
    problems: [400, 404],
  },
  'GET /registration/events/{eventId}/registrations': paged(
    'listRegistrations',
    schemas.registrationPageSchema,
    'Those with a seat, by time',
  ),
  'POST /registration/events/{eventId}/registrations': {
    id: 'registerUsers',
    tag: 'Places',
    summary: 'Register up to 1 000 users in order, each for itself',
    description:
      'Answers a row for each, in the order in which they were sent; one that is refused holds up no other.',
    path: schemas.eventParamSchema,
    body: schemas.bulkSchema,
    headers: IDEMPOTENCY,
    success: { status: 200, schema: schemas.bulkResultSchema, headers: REPLAYED },
    problems: [...BODY, 404, ...KEYED],
  },
  'GET /registration/events/{eventId}/waitlist': paged(
    'listWaitlist',
    schemas.waitlistPageSchema,
    'Those who wait, by position',
  ),
  'GET /registration/events/{eventId}/log': {
    id: 'readLog',
    tag: 'Events',
    summary: 'What has changed, in order, and the proof of it',
    description:
      'Oldest first. Each entry is chained to the one before it, so nothing can be altered or left out unseen.',
    path: schemas.eventParamSchema,
    query: schemas.logPageSchema,
    success: { status: 200, schema: schemas.logSchema },
    problems: [400, 404],
  },
  'GET /registration/events/{eventId}/webhooks': {
    id: 'listWebhooks',
    tag: 'Events',
    summary: 'How far each endpoint has come',
    description: 'An item for each endpoint that the secret WEBHOOKS has.',
    path: schemas.eventParamSchema,
    success: { status: 200, schema: schemas.webhooksSchema },
    problems: [400, 404],
  },
  'POST /registration/events/{eventId}/webhooks/{name}/replay': {
    id: 'replayWebhook',
    tag: 'Events',
    summary: 'Send an endpoint again what is after a version',
    description:
      'As far as the log is kept. An endpoint that has answered 410 is sent messages again.',
    path: schemas.webhookParamSchema,
    body: schemas.webhookReplaySchema,
    headers: IDEMPOTENCY,
    success: { status: 202, schema: schemas.webhookSchema, headers: REPLAYED },
    problems: [...BODY, 404, ...KEYED],
  },
  'POST /registration/registrations': {
    id: 'register',
    tag: 'Places',
    summary: 'Register a user: a seat, or a place in line',
    description: 'While the event is full, and has a waitlist, it is a place in line.',
    body: schemas.newRegistrationSchema,
    headers: IDEMPOTENCY,
    success: { status: 201, schema: schemas.placedSchema, headers: REPLAYED },
    problems: [...BODY, 404, ...KEYED],
  },
  'GET /registration/registrations': {
    id: 'getStanding',
    tag: 'Places',
    summary: 'Where a user stands',
    description: '`status` tells which of the others are there.',
    query: schemas.placeSchema,
    success: { status: 200, schema: schemas.standingSchema },
    problems: [400, 404],
  },
  'DELETE /registration/registrations': {
    id: 'unregister',
    tag: 'Places',
    summary: 'Give up a seat; the first in line takes it',
    description: 'Possible at any time. Both are one change: nobody passes those who wait.',
    query: schemas.placeSchema,
    headers: IDEMPOTENCY,
    success: { status: 200, schema: schemas.leftSchema, headers: REPLAYED },
    problems: [400, 404, ...KEYED],
  },
  'DELETE /registration/waitlist': {
    id: 'leaveWaitlist',
    tag: 'Places',
    summary: 'Leave the line',
    description: 'Possible at any time; whoever comes back is at the end.',
    query: schemas.placeSchema,
    headers: IDEMPOTENCY,
    success: { status: 200, schema: schemas.leftLineSchema, headers: REPLAYED },
    problems: [400, 404, ...KEYED],
  },
  'GET /health': {
    id: 'getHealth',
    tag: 'Health',
    summary: 'Whether the process answers',
    description: 'Asks nothing else.',
    success: { status: 200, schema: schemas.healthSchema },
    problems: [],
  },
  'GET /health/ready': {
    id: 'getReadiness',
    tag: 'Health',
    summary: 'Whether it is configured and the tables answer',
    description: 'The tables are asked once a second at most, whoever asks.',
    success: { status: 200, schema: schemas.healthSchema },
    problems: [],
  },
};
