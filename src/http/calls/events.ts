import * as z from 'zod';
import { NEAR_MAX_AGE_SECONDS } from '../../http-limits.ts';
import { BEARER_PROTOCOL, LIVE_PROTOCOL } from '../../live-protocol.ts';
import * as schemas from '../schemas.ts';
import { BODY_PROBLEMS, type Call, IDEMPOTENCY, KEY_PROBLEMS, REPLAYED } from './call.ts';

const IF_MATCH = {
  'If-Match': {
    description: 'The ETag of the event as it was read: 412 if the event has changed since.',
    example: '"1"',
  },
};
const IF_NONE_MATCH = {
  'If-None-Match': {
    description: 'ETags that the caller has: 304 if the event still has one of them.',
    example: '"1"',
  },
};
const MAX_AGE = {
  'Cache-Control': {
    description: `\`max-age=N\`, N from 1 to ${NEAR_MAX_AGE_SECONDS}: the answer may be up to N seconds old, and come from near the caller. Anything else: it is as fresh as the last commit.`,
    example: 'max-age=2',
  },
};
const AGE = {
  Age: 'With `max-age`: how old the answer is, in seconds, rounded up. Not there: the object gave it.',
};
const ETAG = { ETag: 'The revision of the event.' };

/** Without an example: `/docs` must not fill in which event to cancel. */
const eventToCancel = z.object({
  eventId: schemas.eventParamSchema.shape.eventId.meta({ param: {} }),
});

/** The calls with the tag `Events`. */
export const EVENT_CALLS: Record<string, Call> = {
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
    headers: { ...IF_NONE_MATCH, ...MAX_AGE },
    success: {
      status: 200,
      schema: schemas.eventSchema,
      headers: { ...ETAG, ...AGE },
      notModified: true,
    },
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
      'The counts are those by which registrations are decided, so they are never out of date, unless `max-age` allows it.',
    path: schemas.eventParamSchema,
    headers: MAX_AGE,
    success: { status: 200, schema: schemas.capacitySchema, headers: AGE },
    problems: [400, 404],
  },
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
};
