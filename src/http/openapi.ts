import * as z from 'zod';
import {
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
} from 'zod-openapi';
import { IDEMPOTENCY_KEY_MAX_CHARS, RETRY_AFTER_SECONDS } from '../limits.ts';
import * as schemas from './schemas.ts';

/** The problems that a call can end in, by status; every call can also meet 503 and 500. */
const PROBLEMS: Record<number, string> = {
  400: 'ValidationError: `errors` lists what is wrong. RegistrationError: the event is in no state for it.',
  401: 'UnauthenticatedError: a token or key is needed, is not valid or has expired.',
  403: 'ForbiddenError: the caller may not make this call.',
  404: 'NotFoundError: there is no such user, event, registration or entry.',
  409: 'DuplicateError: it exists already. CapacityError: the event is full. KeyInFlightError: the first request with this Idempotency-Key is still at work.',
  412: 'PreconditionFailedError: the event has changed since the revision that If-Match names.',
  413: 'PayloadTooLargeError: the body is larger than the call takes.',
  415: 'UnsupportedMediaTypeError: the body is not declared as JSON in UTF-8, or is compressed.',
  422: 'KeyReusedError: the Idempotency-Key was used before, for another request.',
  429: 'RateLimitedError: more calls than one caller may make.',
  500: 'InternalError: a defect; the log has it under the request id.',
  503: 'UnavailableError: try again; `detail` says whether anything was changed. ConfigurationError: a setting is missing or impossible.',
};

/** A header that a call may be sent with. `/docs` shows the example, and leaves it to the caller to send it. */
interface Header {
  description: string;
  example: string;
  pattern?: string;
}

/** A call of the API. */
export interface Call {
  summary: string;
  path?: z.ZodObject;
  query?: z.ZodObject;
  body?: z.ZodType;
  /** Request headers by name. */
  headers?: Record<string, Header>;
  success: {
    status: 200 | 201;
    schema: z.ZodType;
    csv?: boolean;
    headers?: Record<string, string>;
    /** Whether it can be answered with 304, which has no body. */
    notModified?: boolean;
  };
  problems: number[];
}

const IDEMPOTENCY = {
  'Idempotency-Key': {
    description: '1 to 255 visible ASCII characters: the same key is carried out once in 24 h.',
    example: '7d7b4b5e-2f0c-4a53-9c1e-6a1f1b0c9d42',
    pattern: `^[!-~]{1,${IDEMPOTENCY_KEY_MAX_CHARS}}$`,
  },
};
const IF_MATCH = {
  'If-Match': {
    description: 'The ETag of the event as it was read; refused with 412 otherwise.',
    example: '"1"',
  },
};
const IF_NONE_MATCH = {
  'If-None-Match': {
    description: 'ETags of the event that the caller has: 304 if it is still one of them.',
    example: '"1"',
  },
};
const REPLAYED = { 'Idempotency-Replayed': '`true` when the first outcome is given again.' };
const ETAG = { ETag: 'The revision of the event.' };

const text = (description: string) => ({ description, schema: { type: 'string' as const } });

/** Of bodies: `propertyNames` of each schema has the names. */
const UNKNOWN_FIELDS =
  'Unknown fields are ignored (a change of an event refuses them and names each), except for names that could be taken for a privilege, which are refused.';

/** As draft-ietf-httpapi-ratelimit-headers has them. */
const RATE_LIMIT = {
  RateLimit: text(
    'The policy that refused, what is left of it, and in how many seconds it is new.',
  ),
  'RateLimit-Policy': text('The policy: how many calls in how many seconds.'),
};

/** What any call may be answered, beside what is its own; `GET /health` alone is open to all. */
export const COMMON_PROBLEMS = [401, 403, 429, 500, 503];

/** What `/docs` fills in for a body: the first example of its schema. */
function exampleOf(body: z.ZodType): { example?: unknown } {
  const [example] = body.meta()?.examples ?? [];
  return example === undefined ? {} : { example };
}

/** Which event is to be ended for good is nothing that `/docs` fills in. */
const eventToCancel = z.object({
  eventId: schemas.eventParamSchema.shape.eventId.meta({ param: {} }),
});

function operation(call: Call): ZodOpenApiOperationObject {
  const { status, schema, csv, headers = {}, notModified } = call.success;
  const ownHeaders = Object.fromEntries(
    Object.entries({ 'X-Request-Id': 'The id of the request.', ...headers }).map(
      ([name, description]) => [name, text(description)],
    ),
  );
  const problem = (code: number) => ({
    description: PROBLEMS[code] ?? '',
    headers: {
      'X-Request-Id': text('The id of the request.'),
      ...(code === 503 || code === 429
        ? { 'Retry-After': text(`Seconds, such as ${RETRY_AFTER_SECONDS}.`) }
        : {}),
      ...(code === 429 ? RATE_LIMIT : {}),
    },
    content: { 'application/problem+json': { schema: schemas.problemSchema } },
  });
  return {
    summary: call.summary,
    parameters: Object.entries(call.headers ?? {}).map(
      ([name, { description, example, pattern }]) => ({
        name,
        in: 'header' as const,
        required: false,
        description,
        schema: { type: 'string' as const, ...(pattern ? { pattern } : {}), examples: [example] },
      }),
    ),
    ...(call.path || call.query
      ? {
          requestParams: {
            ...(call.path ? { path: call.path } : {}),
            ...(call.query ? { query: call.query } : {}),
          },
        }
      : {}),
    ...(call.body
      ? {
          requestBody: {
            description: UNKNOWN_FIELDS,
            required: true,
            content: { 'application/json': { schema: call.body, ...exampleOf(call.body) } },
          },
        }
      : {}),
    responses: {
      [status]: {
        description: 'Done.',
        headers: ownHeaders,
        content: {
          'application/json': { schema },
          ...(csv ? { 'text/csv': { schema: { type: 'string' as const } } } : {}),
        },
      },
      ...(notModified
        ? { 304: { description: 'It is as the caller has it; no body.', headers: ownHeaders } }
        : {}),
      ...Object.fromEntries(
        [...call.problems, ...COMMON_PROBLEMS].map((code) => [code, problem(code)]),
      ),
    },
  };
}

const BODY = [400, 413, 415];
const KEYED = [409, 422];
const paged = (schema: z.ZodType, summary: string): Call => ({
  summary,
  path: schemas.eventParamSchema,
  query: schemas.pageSchema,
  success: {
    status: 200,
    schema,
    csv: true,
    headers: { Link: 'The next page, if there is one.', Vary: 'Accept: JSON or CSV.' },
  },
  problems: [400, 404],
});

/** Every call that the service takes, by method and path. */
export const CALLS: Record<string, Call> = {
  'POST /registration/users': {
    summary: 'Create a user',
    body: schemas.newUserSchema,
    headers: IDEMPOTENCY,
    success: { status: 201, schema: schemas.userSchema, headers: REPLAYED },
    problems: [...BODY, ...KEYED],
  },
  'GET /registration/users/{userId}': {
    summary: 'Read a user',
    path: schemas.userParamSchema,
    success: { status: 200, schema: schemas.userSchema },
    problems: [400, 404],
  },
  'GET /registration/users/{userId}/events': {
    summary: 'The events in which a user has a seat, oldest registration first',
    path: schemas.userParamSchema,
    query: schemas.userEventsPageSchema,
    success: {
      status: 200,
      schema: schemas.eventSchema.array(),
      headers: { Link: 'The next page, if there is one.' },
    },
    problems: [400, 404],
  },
  'POST /registration/events': {
    summary: 'Create an event',
    body: schemas.newEventSchema,
    headers: IDEMPOTENCY,
    success: { status: 201, schema: schemas.eventSchema, headers: { ...ETAG, ...REPLAYED } },
    problems: [...BODY, ...KEYED],
  },
  'GET /registration/events': {
    summary: 'List the events',
    query: schemas.pageSchema,
    success: { status: 200, schema: schemas.eventPageSchema },
    problems: [400],
  },
  'GET /registration/events/{eventId}': {
    summary: 'Read an event',
    path: schemas.eventParamSchema,
    headers: IF_NONE_MATCH,
    success: { status: 200, schema: schemas.eventSchema, headers: ETAG, notModified: true },
    problems: [400, 404],
  },
  'PATCH /registration/events/{eventId}': {
    summary: 'Change an event; raising the capacity promotes as many as fit',
    path: schemas.eventParamSchema,
    query: schemas.dryRunSchema,
    body: schemas.eventPatchSchema,
    headers: IF_MATCH,
    success: { status: 200, schema: schemas.updatedSchema, headers: ETAG },
    problems: [...BODY, 404, 412],
  },
  'DELETE /registration/events/{eventId}': {
    summary: 'Cancel an event, for good',
    path: eventToCancel,
    headers: { ...IDEMPOTENCY, ...IF_MATCH },
    success: { status: 200, schema: schemas.eventSchema, headers: { ...ETAG, ...REPLAYED } },
    problems: [400, 404, 412, ...KEYED],
  },
  'GET /registration/events/{eventId}/capacity': {
    summary: 'How full an event is',
    path: schemas.eventParamSchema,
    success: { status: 200, schema: schemas.capacitySchema },
    problems: [400, 404],
  },
  'GET /registration/events/{eventId}/registrations': paged(
    schemas.registrationPageSchema,
    'Those with a seat, by time',
  ),
  'POST /registration/events/{eventId}/registrations': {
    summary: 'Register up to 1 000 users in order, each for itself',
    path: schemas.eventParamSchema,
    body: schemas.bulkSchema,
    headers: IDEMPOTENCY,
    success: { status: 200, schema: schemas.bulkResultSchema, headers: REPLAYED },
    problems: [...BODY, 404, ...KEYED],
  },
  'GET /registration/events/{eventId}/waitlist': paged(
    schemas.waitlistPageSchema,
    'Those who wait, by position',
  ),
  'POST /registration/registrations': {
    summary: 'Register a user: a seat, or a place in line',
    body: schemas.newRegistrationSchema,
    headers: IDEMPOTENCY,
    success: { status: 201, schema: schemas.placedSchema, headers: REPLAYED },
    problems: [...BODY, 404, ...KEYED],
  },
  'GET /registration/registrations': {
    summary: 'Where a user stands',
    query: schemas.placeSchema,
    success: { status: 200, schema: schemas.standingSchema },
    problems: [400, 404],
  },
  'DELETE /registration/registrations': {
    summary: 'Give up a seat; the first in line takes it',
    query: schemas.placeSchema,
    headers: IDEMPOTENCY,
    success: { status: 200, schema: schemas.leftSchema, headers: REPLAYED },
    problems: [400, 404, ...KEYED],
  },
  'DELETE /registration/waitlist': {
    summary: 'Leave the line',
    query: schemas.placeSchema,
    headers: IDEMPOTENCY,
    success: { status: 200, schema: schemas.leftLineSchema, headers: REPLAYED },
    problems: [400, 404, ...KEYED],
  },
  'GET /health': {
    summary: 'Whether the process answers',
    success: { status: 200, schema: schemas.healthSchema },
    problems: [],
  },
  'GET /health/ready': {
    summary: 'Whether it is configured and the tables answer',
    success: { status: 200, schema: schemas.healthSchema },
    problems: [],
  },
};

function toPaths(): ZodOpenApiPathsObject {
  const paths: ZodOpenApiPathsObject = {};
  for (const [name, call] of Object.entries(CALLS)) {
    const [method = '', path = ''] = name.split(' ');
    paths[path] = { ...paths[path], [method.toLowerCase()]: operation(call) };
  }
  return paths;
}

/** The description of the API, out of the same schemas that check what comes in. */
export function describeApi() {
  return createDocument({
    openapi: '3.1.1',
    info: {
      title: 'Registration desk',
      version: '1.0.0',
      description:
        'Users, events with a capacity and a waitlist, registration, promotion in order.',
    },
    paths: toPaths(),
    security: [{ bearer: [] }],
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'A token of the issuer, or a key.' },
      },
    },
  });
}
