import * as fc from 'fast-check';
import * as z from 'zod';
import { newEventSchema, newUserSchema, placeSchema } from '../../src/http/schemas.ts';
import { BODY_MAX_BYTES } from '../../src/http-limits.ts';
import type { Measurement } from './behaviour.ts';
import type { Build } from './build.ts';
import { HttpClient, type Reply } from './client.ts';
import { CALM } from './faults.ts';
import { World } from './world.ts';

/** A request that the service must refuse, and the statuses that it may answer. */
export interface Hostile {
  method: string;
  path: string;
  body?: string;
  contentType?: string;
  expected: number[];
}

/** A property of an object in JSON Schema. */
interface Field {
  type: string;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
}

interface Shape {
  properties: Record<string, Field>;
  required: string[];
}

const BODIES: { path: string; shape: Shape }[] = [
  { path: '/registration/users', shape: shapeOf(newUserSchema) },
  { path: '/registration/events', shape: shapeOf(newEventSchema) },
  { path: '/registration/registrations', shape: shapeOf(placeSchema) },
];

function shapeOf(schema: z.ZodType): Shape {
  const { $ref = '', $defs = {}, ...own } = z.toJSONSchema(schema, { io: 'input' });
  // A schema with a name is a reference to itself.
  const { properties = {}, required = [] } = $defs[$ref.replace('#/$defs/', '')] ?? own;
  return { properties: properties as Record<string, Field>, required };
}

/** Names that mean something to a JavaScript object. */
const PROTOTYPE_KEYS = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'];
const LONE_SURROGATES = ['\ud800', 'a\udfff', '\udc00\ud800', 'x\ud83dy'];

const anyJson: fc.Arbitrary<string> = fc.json({ maxDepth: 4 });

/** JSON text of a valid value of a field. */
function validText({ type, minimum = 0, maximum = 9 }: Field): fc.Arbitrary<string> {
  switch (type) {
    case 'integer':
      return fc.integer({ min: minimum, max: maximum }).map(String);
    case 'boolean':
      return fc.boolean().map(String);
    default:
      return fc.constantFrom(...PROTOTYPE_KEYS, 'nobody', '😀', "'; --", '<b>').map(quote);
  }
}

/** JSON text of an invalid value of a field. */
function invalidText({ type, minimum = 0, maximum = 9, maxLength = 9 }: Field) {
  const isOfType = (text: string): boolean => {
    const value: unknown = JSON.parse(text);
    return type === 'string' ? typeof value === 'string' : typeof value !== 'string';
  };
  const otherType = anyJson.filter((text) => !isOfType(text));
  switch (type) {
    case 'integer':
      return fc.oneof(
        otherType,
        fc.integer({ max: minimum - 1 }).map(String),
        fc.integer({ min: maximum + 1 }).map(String),
        fc.constantFrom('1.5', '1e400', '-1e400', '1e308', '1e-7', 'null', '[1]', '{}', '"1"'),
        fc.integer({ min: 20, max: 400 }).map((digits) => '9'.repeat(digits)),
      );
    case 'boolean':
      return fc.oneof(otherType, fc.constantFrom('0', '1', 'null', '"true"', '[true]', '{}'));
    default:
      return fc.oneof(
        otherType,
        fc.constantFrom('""', '" "', '"\\t\\n"', '"\\u00a0\\u2003"'),
        fc.constantFrom(...LONE_SURROGATES).map(quote),
        fc.integer({ min: maxLength + 1, max: 20 * maxLength }).map((n) => quote('x'.repeat(n))),
        fc.integer({ min: maxLength + 1, max: 400 }).map((n) => quote('😀'.repeat(n))),
      );
  }
}

/** A text as JSON. A lone surrogate becomes an escape, which any client may send. */
const quote = (text: string) => JSON.stringify(text);

/** An object of the right shape with at least one field wrong or missing, and with unknown keys. */
const brokenFields: fc.Arbitrary<Hostile> = fc.constantFrom(...BODIES).chain(({ path, shape }) =>
  fc.constantFrom(...Object.keys(shape.properties)).chain((victim) => {
    const isRequired = shape.required.includes(victim);
    const texts = Object.entries(shape.properties).map(([name, field]) => {
      if (name !== victim) return fc.tuple(fc.constant(name), validText(field));
      const invalid: fc.Arbitrary<string | null> = invalidText(field);
      const broken = isRequired ? fc.option(invalid, { freq: 5 }) : invalid;
      return fc.tuple(fc.constant(name), broken);
    });
    const extras = fc.array(fc.tuple(fc.constantFrom(...PROTOTYPE_KEYS, 'id', ''), anyJson), {
      maxLength: 3,
    });
    return fc.tuple(fc.tuple(...texts), extras).map(([fields, more]) => {
      const pairs = [...more, ...fields]
        .filter(([, text]) => text !== null)
        .map(([name, text]) => `${quote(name)}:${text}`);
      return { method: 'POST', path, body: `{${pairs.join(',')}}`, expected: [400] };
    });
  }),
);

/** Bodies that are not an object, or not JSON at all. */
const brokenBodies: fc.Arbitrary<Hostile> = fc
  .tuple(
    fc.constantFrom(...BODIES),
    fc.oneof(
      anyJson.filter((text) => !text.startsWith('{')),
      fc.constantFrom(
        '',
        '{',
        '}',
        '{"userId":',
        "{'a':1}",
        '\ufeff',
        '\u0000',
        'undefined',
        'NaN',
      ),
      fc.string({ unit: 'binary', minLength: 1 }).map((text) => `${text}{`),
      fc.integer({ min: 1, max: 30_000 }).map((depth) => '['.repeat(depth) + ']'.repeat(depth)),
      fc.integer({ min: 1, max: 9_000 }).map((n) => `${'{"a":'.repeat(n)}1${'}'.repeat(n)}`),
    ),
  )
  .map(([{ path }, body]) => ({ method: 'POST', path, body, expected: [400] }));

/** Bodies that are too large, or wrongly declared. */
const brokenFraming: fc.Arbitrary<Hostile> = fc.constantFrom(...BODIES).chain(({ path }) =>
  fc.oneof(
    fc.integer({ min: BODY_MAX_BYTES + 1, max: 3 * BODY_MAX_BYTES }).map((size) => ({
      method: 'POST',
      path,
      body: `{"name":"${'x'.repeat(size)}"}`,
      expected: [413],
    })),
    fc
      .constantFrom('text/plain', 'application/xml', 'json', '', 'application/jsonp', 'a/b;c=json')
      .map((contentType) => ({ method: 'POST', path, body: '{}', contentType, expected: [415] })),
  ),
);

/** A parameter in a URL that is not a valid id. */
const brokenParameter = fc.oneof(
  fc.constantFrom('', '%20', '%00', '%0a', '%ED%A0%80', '%', '%zz', '%c3%28', '%2e%2e', '+'),
  fc.integer({ min: 101, max: 3_000 }).map((length) => 'x'.repeat(length)),
);

const brokenQueries: fc.Arbitrary<Hostile> = fc
  .oneof(
    fc.tuple(brokenParameter, fc.constant('e')).map(([u, e]) => `userId=${u}&eventId=${e}`),
    fc.tuple(fc.constant('u'), brokenParameter).map(([u, e]) => `userId=${u}&eventId=${e}`),
    fc.constantFrom(
      '',
      'userId=u',
      'eventId=e',
      'userId=a&userId=b&eventId=e',
      'userId=a&eventId=e&eventId=e',
      'userId[]=a&eventId=e',
      'userId[a]=b&eventId[__proto__]=e',
      '__proto__=a&constructor=b',
      'userid=u&eventid=e',
      '&&&=&=',
    ),
  )
  .map((query) => ({
    method: 'DELETE',
    path: `/registration/registrations?${query}`,
    expected: [400],
  }));

/** Ids in the path that are too long, broken or unknown. */
const brokenPaths: fc.Arbitrary<Hostile> = fc
  .tuple(
    fc.constantFrom('users/:id', 'users/:id/events', 'events/:id', 'events/:id/capacity'),
    fc.oneof(
      brokenParameter,
      fc
        .constantFrom(...PROTOTYPE_KEYS, 'null', 'undefined', '%2F', '..%2f..', '%5c', '😀')
        .map(encodeURI),
    ),
  )
  // With an empty or navigating id the URL is another route.
  .map(([route, id]) => ({
    method: 'GET',
    path: `/registration/${route.replace(':id', id)}`,
    expected: [400, 404, 405],
  }));

/** Routes and methods that do not exist. */
const strangers: fc.Arbitrary<Hostile> = fc
  .tuple(
    fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND'),
    fc.oneof(
      fc.webPath().map((path) => `/nowhere${path}`),
      fc.constantFrom(
        '/e',
        '/registration',
        '/registration/',
        '/__proto__',
        '//',
        '/registration/users/',
      ),
    ),
  )
  .map(([method, path]) => ({ method, path, expected: [404] }));

/** Valid requests about users and events that do not exist. */
const unknowns: fc.Arbitrary<Hostile> = fc
  .tuple(fc.constantFrom(...PROTOTYPE_KEYS), fc.constantFrom(...PROTOTYPE_KEYS))
  .chain(([userId, eventId]) =>
    fc.constantFrom(
      {
        method: 'POST',
        path: '/registration/registrations',
        body: JSON.stringify({ userId, eventId }),
        expected: [404],
      },
      {
        method: 'DELETE',
        path: `/registration/registrations?userId=${userId}&eventId=${eventId}`,
        expected: [404],
      },
      { method: 'PUT', path: `/registration/events/${eventId}`, expected: [405] },
    ),
  );

/** All kinds of hostile requests. */
export const hostile: fc.Arbitrary<Hostile> = fc.oneof(
  { arbitrary: brokenFields, weight: 10 },
  { arbitrary: brokenBodies, weight: 4 },
  { arbitrary: brokenFraming, weight: 1 },
  { arbitrary: brokenQueries, weight: 3 },
  { arbitrary: brokenPaths, weight: 3 },
  { arbitrary: strangers, weight: 1 },
  { arbitrary: unknowns, weight: 1 },
);

/** Sends hostile requests, and reports those that were not refused as they should be. */
export async function measureHostile(
  build: Build,
  seed: number,
  count: number,
): Promise<Measurement> {
  const world = await World.open({
    build,
    weather: CALM,
    seed,
    workers: 1,
    isInterruptible: false,
    isDurable: false,
    userIds: ['somebody'],
  });
  const client = new HttpClient();
  const port = world.workers[0]?.port ?? 0;
  const requests = fc.sample(hostile, { seed, numRuns: count });
  const faults: string[] = [];
  const byStatus = new Map<number, number>();
  const work = async () => {
    for (let next = requests.pop(); next; next = requests.pop()) {
      const reply = await sendRaw(client, port, next);
      byStatus.set(reply.status, (byStatus.get(reply.status) ?? 0) + 1);
      const fault = faultOf(next, reply);
      if (fault) faults.push(`${fault}: ${JSON.stringify(next).slice(0, 300)}`);
    }
  };
  try {
    await Promise.all(Array.from({ length: 32 }, work));
    const { status } = await client.call(port, 'GET', '/health');
    if (status !== 200) faults.push(`afterwards, /health answers ${status}`);
  } finally {
    client.close();
    await world.close();
  }
  return { figures: Object.fromEntries(byStatus), faults };
}

function sendRaw(client: HttpClient, port: number, request: Hostile): Promise<Reply> {
  const { method, path, body, contentType = 'application/json' } = request;
  const headers: Record<string, string> =
    body === undefined || contentType === '' ? {} : { 'content-type': contentType };
  return client.send(port, method, path, body, headers);
}

function faultOf({ expected }: Hostile, { status, headers, body }: Reply): string | null {
  if (!expected.includes(status)) return `${status} instead of ${expected.join(' or ')}`;
  if (!String(headers['content-type']).startsWith('application/problem+json')) {
    return `${status} as ${headers['content-type']}`;
  }
  const { type, title, detail } = body;
  const isProblem = [type, title, detail].every((text) => typeof text === 'string' && text !== '');
  if (!isProblem || body.status !== status) return `no problem document: ${JSON.stringify(body)}`;
  if (status === 400 && !Array.isArray(body.errors)) return 'a 400 without a list of errors';
  if (status === 405 && !headers.allow) return 'a 405 without Allow';
  return null;
}
