import type * as z from 'zod';
import {
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
} from 'zod-openapi';
import about from '../../package.json' with { type: 'json' };
import { ACCESS } from '../auth/access.ts';
import { RETRY_AFTER_SECONDS } from '../http-limits.ts';
import { CALLS, type Call, TAGS } from './calls.ts';
import * as schemas from './schemas.ts';

export { CALLS, type Call } from './calls.ts';

/** Descriptions of the problems, by status. */
const PROBLEMS: Record<number, string> = {
  400: 'ValidationError: `errors` lists what is wrong. RegistrationError: the state of the event does not allow it.',
  401: 'UnauthenticatedError: a token or key is needed, is not valid or has expired.',
  403: 'ForbiddenError: the caller may not make this call.',
  404: 'NotFoundError: there is no such user, event, registration or entry.',
  409: 'DuplicateError: it exists already. CapacityError: the event is full. KeyInFlightError: the first request with this Idempotency-Key is not answered yet.',
  412: 'PreconditionFailedError: the event has changed since the revision that If-Match names.',
  413: 'PayloadTooLargeError: the body is larger than the call takes.',
  415: 'UnsupportedMediaTypeError: the body is not declared as JSON in UTF-8, or is compressed.',
  422: 'KeyReusedError: the Idempotency-Key was used before, for a different request.',
  426: 'UpgradeRequiredError: the call is answered over a WebSocket only.',
  429: 'RateLimitedError: more calls than one caller may make.',
  500: 'InternalError: a defect; the log has it under the request id.',
  503: 'UnavailableError: try again; `detail` says whether anything was changed. ConfigurationError: a setting is missing or impossible.',
};

const textHeader = (description: string) => ({ description, schema: { type: 'string' as const } });

/** The description of bodies. `propertyNames` of each schema lists the refused names. */
const UNKNOWN_FIELDS =
  'Unknown fields are ignored (a change of an event refuses them and names each), except for names that could be taken for a privilege, which are refused.';

/** The headers of draft-ietf-httpapi-ratelimit-headers. */
const RATE_LIMIT = {
  RateLimit: textHeader(
    'The policy that refused the call, the calls that are left, and the seconds until it starts again.',
  ),
  'RateLimit-Policy': textHeader('The policy: how many calls in how many seconds.'),
};

/** Statuses of the problems that every call can end in. */
export const COMMON_PROBLEMS = [401, 403, 429, 500, 503];
/** The same for public calls. */
const PUBLIC_PROBLEMS = [429, 500, 503];

/** The example that `/docs` fills in for a body: the first one of its schema. */
function exampleOf(body: z.ZodType): { example?: unknown } {
  const [example] = body.meta()?.examples ?? [];
  return example === undefined ? {} : { example };
}

function operation(call: Call, isPublic: boolean): ZodOpenApiOperationObject {
  const {
    status,
    orStatus,
    schema,
    headers = {},
    notModified,
    description = 'Done.',
  } = call.success;
  const ownHeaders = Object.fromEntries(
    Object.entries({ 'X-Request-Id': 'The id of the request.', ...headers }).map(
      ([name, description]) => [name, textHeader(description)],
    ),
  );
  const problem = (code: number) => ({
    description: PROBLEMS[code] ?? '',
    headers: {
      'X-Request-Id': textHeader('The id of the request.'),
      ...(code === 503 || code === 429
        ? { 'Retry-After': textHeader(`Seconds, such as ${RETRY_AFTER_SECONDS}.`) }
        : {}),
      ...(code === 429 ? RATE_LIMIT : {}),
    },
    content: { 'application/problem+json': { schema: schemas.problemSchema } },
  });
  return {
    operationId: call.id,
    tags: [call.tag],
    summary: call.summary,
    description: call.description,
    ...(isPublic ? { security: [] } : {}),
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
        description,
        headers: ownHeaders,
        content: { 'application/json': { schema } },
      },
      ...(orStatus
        ? {
            [orStatus]: {
              description: 'Begun.',
              headers: ownHeaders,
              content: { 'application/json': { schema } },
            },
          }
        : {}),
      ...(notModified
        ? { 304: { description: 'Not changed; no body.', headers: ownHeaders } }
        : {}),
      ...Object.fromEntries(
        [...call.problems, ...(isPublic ? PUBLIC_PROBLEMS : COMMON_PROBLEMS)].map((code) => [
          code,
          problem(code),
        ]),
      ),
    },
  };
}

type Components = NonNullable<ReturnType<typeof createDocument>['components']>;

function toPaths(): ZodOpenApiPathsObject {
  const paths: ZodOpenApiPathsObject = {};
  for (const [name, call] of Object.entries(CALLS)) {
    const [method = '', path = ''] = name.split(' ');
    const isPublic = ACCESS[name.replace(/\{(\w+)\}/g, ':$1')] === 'public';
    paths[path] = { ...paths[path], [method.toLowerCase()]: operation(call, isPublic) };
  }
  return paths;
}

/**
 * Moves the defaults of a body's fields into their descriptions. Code generators take a field with a default for
 * a required one.
 */
function describeDefaults(bodies: NonNullable<Components['schemas']>): void {
  for (const body of Object.values(bodies)) {
    if (typeof body !== 'object' || !('properties' in body)) continue;
    for (const field of Object.values(body.properties ?? {})) {
      if (typeof field !== 'object' || !('default' in field)) continue;
      field.description = `\`${JSON.stringify(field.default)}\` when left out.`;
      delete field.default;
    }
  }
}

/** The description of the API, made from the same schemas that check requests. */
export function describeApi(): ReturnType<typeof createDocument> {
  const described = createDocument(
    {
      openapi: '3.1.1',
      info: {
        title: 'Registration desk',
        version: about.version,
        description:
          'Users, events with a capacity and a waitlist, registration, promotion in order.',
        license: { name: 'MIT License', identifier: about.license },
        contact: { name: 'The operator of this service' },
      },
      servers: [{ url: '/', description: 'Where this description was read.' }],
      tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
      paths: toPaths(),
      security: [{ bearer: [] }],
      components: {
        securitySchemes: {
          bearer: {
            type: 'http',
            scheme: 'bearer',
            description: 'A token of the issuer, a key, or the token of a link.',
          },
        },
      },
    },
    {
      override: ({ jsonSchema, io }) => {
        // Answers may get more fields: clients that validate by this description must accept them.
        if (io === 'output' && jsonSchema.additionalProperties === false) {
          delete jsonSchema.additionalProperties;
        }
      },
    },
  );
  describeDefaults(described.components?.schemas ?? {});
  return described;
}
