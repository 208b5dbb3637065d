import { exports } from 'cloudflare:workers';
import { hc } from 'hono/client';
import { describe, expect, test } from 'vitest';
import app, { type AppType } from '../../src/http/app.ts';
import { describeApi } from '../../src/http/openapi.ts';
import {
  type Answer,
  api,
  capacityOf,
  newEvent,
  newUsers,
  register,
  unique,
} from '../support/desk.ts';

describe('the description of the API', () => {
  test('is served', async () => {
    const { status, body } = await api('GET', '/openapi.json');
    expect(status).toBe(200);
    expect(body).toEqual(JSON.parse(JSON.stringify(describeApi())));
  });

  test('has exactly the routes of the service', () => {
    const served = app.routes
      .filter(
        ({ method, path }) => method !== 'ALL' && !/^\/(docs|openapi|page|e\/|desk|$)/.test(path),
      )
      .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`);
    const described = Object.entries(describeApi().paths ?? {}).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect([...new Set(served)].sort()).toEqual(described.sort());
  });

  test('has the bounds that are checked, and every status with its problem', () => {
    const post = describeApi().paths?.['/registration/events']?.post;
    const body = JSON.stringify(post?.requestBody);
    expect(body).toContain('#/components/schemas/NewEvent');
    const schema = JSON.stringify(describeApi().components?.schemas?.NewEvent);
    expect(schema).toContain('"maximum":100000');
    expect(schema).toContain('"maxLength":200');
    expect(Object.keys(post?.responses ?? {})).toEqual(
      expect.arrayContaining(['201', '400', '409', '413', '415', '422', '500', '503']),
    );
  });
});

test.each(['', '/capacity'])('says of %s how old an answer may be, and is', (rest) => {
  const get = describeApi().paths?.[`/registration/events/{eventId}${rest}`]?.get;
  const { parameters, responses } = JSON.parse(JSON.stringify(get));
  const header = { in: 'header', name: 'Cache-Control', required: false };
  expect(parameters).toContainEqual(expect.objectContaining(header));
  const answers = rest === '' ? ['200', '304'] : ['200'];
  for (const status of answers) expect(responses[status].headers.Age.schema.type).toBe('string');
});

/** A parameter, as the description has it. */
interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  example?: unknown;
  schema: { default?: unknown; examples?: unknown[] };
}

/** A call, as the description has it. */
interface Described {
  call: string;
  parameters?: Parameter[];
  requestBody?: { content: { 'application/json': { example?: unknown } } };
}

const described: Described[] = Object.entries(
  JSON.parse(JSON.stringify(describeApi())).paths as Record<string, Record<string, object>>,
).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, call]) => ({
    ...call,
    call: `${method.toUpperCase()} ${path}`,
  })),
);

/** What the page fills in for a parameter, as Swagger UI decides it. */
const filledIn = ({ example, schema }: Parameter) => example ?? schema.default;
/** The same, or the value that the page only shows. */
const shown = (parameter: Parameter) => filledIn(parameter) ?? parameter.schema.examples?.[0];

/** Sends a call with the values of those parameters that have one. */
function send({ call, parameters = [], requestBody }: Described, choose = filledIn) {
  const [method = '', template = ''] = call.split(' ');
  const query = new URLSearchParams();
  const headers: Record<string, string> = {};
  let path = template;
  for (const parameter of parameters) {
    const value = choose(parameter);
    if (value === undefined) continue;
    if (parameter.in === 'path') path = path.replace(`{${parameter.name}}`, String(value));
    else if (parameter.in === 'query') query.set(parameter.name, String(value));
    else headers[parameter.name] = String(value);
  }
  const body = requestBody?.content['application/json'].example;
  return api(method, query.size > 0 ? `${path}?${query}` : path, body, headers);
}

describe('the examples of the description', () => {
  /** Calls that cannot be taken back: the page fills in neither an event nor a user for them. */
  const FINAL = ['DELETE /registration/events/{eventId}', 'DELETE /registration/users/{userId}'];
  const [erase, cancel] = described.filter(({ call }) => FINAL.includes(call));
  // In the order of a user who tries the calls: those that leave and cancel come last.
  const order = [
    'POST /registration/users$',
    'POST /registration/events$',
    'POST /registration/registrations$',
    'POST',
    'GET',
    'PATCH',
    'DELETE',
  ].map((start) => new RegExp(`^${start}`));
  const rank = ({ call }: Described) => order.findIndex((start) => start.test(call));
  const calls = described
    .filter(({ call }) => !FINAL.includes(call))
    .sort((one, other) => rank(one) - rank(other));

  /** Checks that the event of the examples is open, has its name, and is not overbooked. */
  async function expectUnhurt(call: string, { status, body }: Answer): Promise<void> {
    expect(status, call).toBeLessThan(500);
    if (call.startsWith('POST /registration/users')) return;
    const event = await api('GET', '/registration/events/open-day');
    expect(event.body, call).toMatchObject({ name: 'Open day', capacity: 50, status: 'OPEN' });
    const { registeredCount } = (await capacityOf('open-day')).body;
    expect(registeredCount, call).toBeLessThanOrEqual(1);
    expect(JSON.stringify(body ?? null), call).not.toContain('override');
  }

  test('are there for every body and every parameter', () => {
    for (const { call, parameters = [], requestBody } of described) {
      for (const each of parameters) expect(shown(each), `${call} ${each.name}`).toBeDefined();
      if (requestBody) expect(requestBody.content['application/json'].example, call).toBeDefined();
    }
  });

  test('can be sent as they are: they overbook, close and rename nothing', async () => {
    expect(calls.length).toBe(described.length - FINAL.length);
    const statuses: Record<string, number[]> = {};
    for (const round of ['first', 'again']) {
      for (const each of calls) {
        const answer = await send(each);
        await expectUnhurt(`${each.call}, ${round}`, answer);
        statuses[each.call] = [...(statuses[each.call] ?? []), answer.status];
        if (each.call.startsWith('PATCH /registration/events')) {
          expect(answer.body.dryRun).toBe(true);
        }
        if (each.call.startsWith('PATCH /registration/users')) {
          expect(answer.body.name).toBe('Grace Hopper');
        }
      }
    }
    const others = Object.entries(statuses).filter(([, [a, b]]) => `${a}${b}` !== '200200');
    expect(Object.fromEntries(others)).toEqual({
      'POST /registration/users': [201, 409],
      'POST /registration/events': [201, 409],
      'POST /registration/registrations': [201, 201],
      'DELETE /registration/waitlist': [404, 404],
      'GET /registration/events/{eventId}/live': [426, 426],
      // Here are no endpoints, and authentication is off, and so are links.
      'POST /registration/events/{eventId}/webhooks/{name}/replay': [404, 404],
      'POST /registration/links': [404, 404],
    });
    for (const each of calls) await expectUnhurt(each.call, await send(each, shown));
  });

  test.for([
    ['no event to cancel', cancel, 'eventId', [200, 'CANCELLED']],
    ['no user to erase', erase, 'userId', [202, 'ERASING']],
  ] as const)('fill in %s; the one that is shown can be', async ([, call, name, answered]) => {
    const id = call?.parameters?.find((each) => each.name === name);
    if (!call || !id) throw new Error('not described');
    expect(filledIn(id)).toBeUndefined();
    const { status, body } = await send(call, (each) => (each === id ? shown(each) : undefined));
    expect([status, body.status]).toEqual(answered);
  });
});

describe('the page of the API', () => {
  test('loads nothing from anywhere else, and what it loads is there', async () => {
    const response = await exports.default.fetch('http://desk.test/docs');
    expect(response.headers.get('content-type')).toContain('text/html');
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    const text = await response.text();
    const loaded = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path ?? '');
    expect(loaded.length).toBe(3);
    for (const path of loaded) {
      expect(path.startsWith('/docs/')).toBe(true);
      const file = await exports.default.fetch(`http://desk.test${path}`);
      expect(file.status).toBe(200);
      expect((await file.text()).length).toBeGreaterThan(50);
    }
  });
});

describe('the typed client', () => {
  const client = hc<AppType>('http://desk.test', {
    fetch: (input: RequestInfo | URL, init?: RequestInit) =>
      exports.default.fetch(new Request(input as string, init)),
  });

  test('calls with checked types, and gets typed outcomes', async () => {
    const userId = unique('typed');
    const created = await client.registration.users.$post({ json: { userId, name: 'Typed' } });
    if (created.status !== 201) throw new Error('not created');
    const user = await created.json();
    const name: string = user.name;
    expect(name).toBe('Typed');
    const eventId = await newEvent(1, true);
    const placed = await client.registration.registrations.$post({ json: { userId, eventId } });
    if (placed.status !== 201) throw new Error('not placed');
    expect((await placed.json()).registration?.userId).toBe(userId);
  });

  test('gets typed refusals', async () => {
    const eventId = await newEvent(1, false);
    const [a = '', b = ''] = await newUsers(2);
    await register(a, eventId);
    const refused = await client.registration.registrations.$post({ json: { userId: b, eventId } });
    if (refused.status !== 409) throw new Error('not refused');
    const { title, detail }: { title: string; detail: string } = await refused.json();
    expect(title).toBe('CapacityError');
    expect(detail).toContain(eventId);
  });

  test('refuses what the API would refuse, when it is compiled', () => {
    // @ts-expect-error capacity is a number
    void (() => client.registration.events.$post({ json: { name: 'x', capacity: '1' } }));
  });
});
