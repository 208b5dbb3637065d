import * as z from 'zod';
import { IDEMPOTENCY_KEY_MAX_CHARS } from '../http-limits.ts';
import { BEARER_PROTOCOL, LIVE_PROTOCOL } from '../live-protocol.ts';
import * as schemas from './schemas.ts';

/** An optional header of a request. `/docs` shows the example, but does not fill it in. */
export interface RequestHeader {
  description: string;
  example: string;
  pattern?: string;
}

/** The groups of calls, in the order of the page. */
export const TAGS = {
  Users: 'Who can register.',
  Events: 'What users register for: capacity, waitlist and times.',
  Places: 'Seats and waitlist entries: of one user, and of a whole event.',
  Health: 'For monitors; open to all.',
};

/** A call of the API. */
export interface Call {
  /** The operation id. Generated clients name functions by it, so it must not change. */
  id: string;
  tag: keyof typeof TAGS;
  summary: string;
  description: string;
  path?: z.ZodObject;
  query?: z.ZodObject;
  body?: z.ZodType;
  /** Request headers by name. */
  headers?: Record<string, RequestHeader>;
  success: {
    status: 101 | 200 | 201 | 202;
    /** Another status that it can be answered with, by the same schema. */
    orStatus?: 202;
    schema: z.ZodType;
    /** `Done.` when left out. */
    description?: string;
    headers?: Record<string, string>;
    /** Whether the answer can be a 304, which has no body. */
    notModified?: boolean;
  };
  /** Statuses of the problems that are particular to the call. */
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
    description: 'The ETag of the event as it was read: 412 if the event has changed since.',
    example: '"1"',
  },
};
export const IF_NONE_MATCH = {
  'If-None-Match': {
    description: 'ETags that the caller has: 304 if the event still has one of them.',
    example: '"1"',
  },
};
export const REPLAYED = {
  'Idempotency-Replayed': '`true` when the answer repeats the first outcome.',
};
export const ETAG = { ETag: 'The revision of the event.' };

/** Without an example: `/docs` must not fill in which event to cancel. */
const eventToCancel = z.object({
  eventId: schemas.eventParamSchema.shape.eventId.meta({ param: {} }),
});

/** The same for the user to be erased. */
const userToErase = z.object({
  userId: schemas.userParamSchema.shape.userId.meta({ param: {} }),
});

/** Problems of a call with a body. */
const BODY_PROBLEMS = [400, 413, 415];
/** Problems of a call that takes an `Idempotency-Key`. */
const KEY_PROBLEMS = [409, 422];
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

/** Every call of the API, by method and path. */
export const CALLS: Record<string, Call> = {
  'POST /registration/users': {
    id: 'createUser',
    tag: 'Users',
    summary: 'Create a user',
    description:
      'The id never changes. The caller chooses it; it can be a name, an address or a number.',
    body: schemas.newUserSchema,
    headers: IDEMPOTENCY,
    success: { status: 201, schema: schemas.userSchema, headers: REPLAYED },
    problems: [...BODY_PROBLEMS, ...KEY_PROBLEMS],
  },
  'GET /registration/users/{userId}': {
    id: 'getUser',
    tag: 'Users',
    summary: 'Read a user',
    description: 'The user as it was created.',
    path: schemas.userParamSchema,
    success: { status: 200, schema: schemas.userSchema },
    problems: [400, 404],
  },
  'GET /registration/users/{userId}/events': {
    id: 'listUserEvents',
    tag: 'Users',
    summary: 'The events in which a user has a seat, oldest registration first',
    description: 'Events in which the user only has a waitlist entry are not listed.',
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
    problems: [...BODY_PROBLEMS, 404],
  },
  'DELETE /registration/users/{userId}': {
    id: 'eraseUser',
    tag: 'Users',
    summary: 'Erase a user, in two calls',
    description:
      'The first call takes the name away and gives up all places. The same call after `finishAfter` ends it, and frees the id. It can be sent again at any time.',
    path: userToErase,
    success: { status: 200, orStatus: 202, schema: schemas.erasureSchema },
    problems: [400, 404],
  },
  'GET /registration/users/{userId}/places': {
    id: 'listUserPlaces',
    tag: 'Users',
    summary: 'Where a user has a seat, an offer, or waits, oldest first',
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
  'POST /registration/links': {
    id: 'createLink',
    tag: 'Users',
    summary: 'Make a personal address of the page',
    description:
      'Its token lets whoever opens it act as that attendee, and nothing else. 404 where AUTH_MODE does not have `link`.',
    body: schemas.newLinkSchema,
    success: { status: 201, schema: schemas.linkSchema },
    problems: [...BODY_PROBLEMS, 404],
  },
  'POST /registration/events': {
    id: 'createEvent',
    tag: 'Events',
    summary: 'Create an event',
    description:
      'Registration is open at once, unless `registrationOpensAt` is given. Without an `eventId` one is generated.',
    body: schemas.newEventSchema,
    headers: IDEMPOTENCY,
    success: { status: 201, schema: schemas.eventSchema, headers: { ...ETAG, ...REPLAYED } },
    problems: [...BODY_PROBLEMS, ...KEY_PROBLEMS],
  },
  'GET /registration/events': {
    id: 'listEvents',
    tag: 'Events',
    summary: 'List the events',
    description: 'A page of all events, cancelled ones included.',
    query: schemas.pageSchema,
    success: { status: 200, schema: schemas.eventPageSchema },
    problems: [400],
  },
  'GET /registration/events/{eventId}': {
    id: 'getEvent',
    tag: 'Events',
    summary: 'Read an event',
    description: 'The event as it is now. `If-Match` takes its `ETag`.',
    path: schemas.eventParamSchema,
    headers: IF_NONE_MATCH,
    success: { status: 200, schema: schemas.eventSchema, headers: ETAG, notModified: true },
    problems: [400, 404],
  },
  'PATCH /registration/events/{eventId}': {
    id: 'updateEvent',
    tag: 'Events',
    summary: 'Change an event; raising the capacity seats those who wait, as many as fit',
    description:
      'Fields that are left out stay as they are. Lowering the capacity takes no seat away. With `dryRun` the answer says what would happen, and nothing is changed.',
    path: schemas.eventParamSchema,
    query: schemas.dryRunSchema,
    body: schemas.eventPatchSchema,
    headers: IF_MATCH,
    success: { status: 200, schema: schemas.updatedSchema, headers: ETAG },
    problems: [...BODY_PROBLEMS, 404, 412],
  },
  'DELETE /registration/events/{eventId}': {
    id: 'cancelEvent',
    tag: 'Events',
    summary: 'Cancel an event, for good',
    description: 'Nobody can register or is promoted any more, and offers end. All records stay.',
    path: eventToCancel,
    headers: { ...IDEMPOTENCY, ...IF_MATCH },
    success: { status: 200, schema: schemas.eventSchema, headers: { ...ETAG, ...REPLAYED } },
    problems: [400, 404, 412, ...KEY_PROBLEMS],
  },
  'GET /registration/events/{eventId}/capacity': {
    id: 'getCapacity',
    tag: 'Events',
    summary: 'How full an event is',
    description:
      'The counts are those by which registrations are decided, so they are never out of date.',
    path: schemas.eventParamSchema,
    success: { status: 200, schema: schemas.capacitySchema },
    problems: [400, 404],
  },
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
  'GET /registration/events/{eventId}/live': {
    id: 'watchEvent',
    tag: 'Events',
    summary: 'Watch an event over a WebSocket',
    description:
      'Told at once and after each change: how full the event is, and where `userId` stands. A `ping` is answered `pong`.',
    path: schemas.eventParamSchema,
    query: schemas.liveSchema,
    headers: {
      'Sec-WebSocket-Protocol': {
        description: `\`${LIVE_PROTOCOL}\`; also \`${BEARER_PROTOCOL}TOKEN\` where no Authorization can be sent.`,
        example: LIVE_PROTOCOL,
      },
    },
    success: {
      status: 101,
      schema: schemas.liveMessageSchema,
      description: 'The socket is open. Each text that it sends is one of these.',
    },
    problems: [400, 404, 426],
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
    problems: [...BODY_PROBLEMS, 404, ...KEY_PROBLEMS],
  },
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
  'GET /health': {
    id: 'getHealth',
    tag: 'Health',
    summary: 'Whether the process answers',
    description: 'Checks nothing else.',
    success: { status: 200, schema: schemas.healthSchema },
    problems: [],
  },
  'GET /health/ready': {
    id: 'getReadiness',
    tag: 'Health',
    summary: 'Whether the service is configured and the tables answer',
    description: 'The tables are asked once a second at most, however often this is called.',
    success: { status: 200, schema: schemas.healthSchema },
    problems: [],
  },
};
