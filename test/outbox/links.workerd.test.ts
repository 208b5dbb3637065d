import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { hexDigestOf } from '../../src/digest.ts';
import { LINK_DEFAULT_SECONDS } from '../../src/http-limits.ts';
import { type Build, build } from '../prove/build.ts';
import { startWorkerd, type Worker } from '../prove/workerd.ts';
import { SECRET } from './world.ts';

/** The shipped worker in workerd, with two endpoints on this machine: links are for `mailer` alone. */
const KEY = 'rdk_desk';
const directory = mkdtempSync(join(tmpdir(), 'registration-desk-'));

interface Got {
  endpoint: string;
  id: string;
  body: string;
  type: string;
  timestamp: string;
  data: { eventId: string; userId?: string; link?: { url: string; expiresAt: string } };
}
let got: Got[] = [];
/** How the endpoints answer. */
let status = 204;
let built: Build;
let worker: Worker;
let server: Server;

const start = (url: string, more: Record<string, string>) =>
  startWorkerd(built, {
    name: `worker-${crypto.randomUUID()}`,
    isInterruptible: false,
    bindings: {
      ...inject('bindings'),
      AUTH_MODE: 'key,link',
      LINK_SECRET: 'a secret of links that has 32 bytes',
      WEBHOOKS: JSON.stringify(
        ['mailer', 'crm'].map((name) => ({ name, url: `${url}/${name}`, secrets: [SECRET] })),
      ),
      ...more,
    },
  });

let endpoints: string;
let keys: string;
const LINKED = { PUBLIC_URL: 'https://desk.example', LINK_IN_WEBHOOKS: 'mailer' };

beforeAll(async () => {
  built = await build(directory, { name: 'links', scale: 1, replacements: [] });
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    new Webhook(SECRET).verify(body, request.headers as Record<string, string>);
    const [endpoint, id] = [(request.url ?? '').slice(1), String(request.headers['webhook-id'])];
    got.push({ endpoint, id, body, ...JSON.parse(body) });
    response.writeHead(status).end();
  });
  await new Promise<void>((up) => server.listen(0, '127.0.0.1', up));
  endpoints = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const sha256 = await hexDigestOf(KEY);
  keys = JSON.stringify([{ name: 'desk', roles: ['organiser', 'service'], sha256 }]);
  worker = await start(endpoints, { ...LINKED, API_KEYS: keys });
}, 60_000);
beforeEach(() => {
  got = [];
  status = 204;
});
afterAll(async () => {
  await worker?.kill();
  server?.closeAllConnections();
  server?.close();
  rmSync(directory, { recursive: true, force: true });
});

async function call(method: string, path: string, body?: object, bearer = KEY, by = worker) {
  const response = await fetch(`http://127.0.0.1:${by.port}${path}`, {
    method,
    headers: { Authorization: `Bearer ${bearer}`, 'Content-Type': 'application/json' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const text = await response.text();
  // biome-ignore lint/suspicious/noExplicitAny: whatever the wire brings; the assertions check it
  const answer: any = text ? JSON.parse(text) : undefined;
  return { status: response.status, body: answer };
}

/** A new event with one seat, Ada in it, and Bob in line. */
async function fill(by = worker, offerSeconds: number | null = null) {
  const [eventId, ada, bob] = ['gala', 'ada', 'bob'].map(
    (each) => `${each} ${crypto.randomUUID()}`,
  );
  if (!eventId || !ada || !bob) throw new Error('no ids');
  for (const userId of [ada, bob]) {
    await call('POST', '/registration/users', { userId, name: 'A name' }, KEY, by);
  }
  const event = { eventId, name: 'Gala', capacity: 1, hasWaitlist: true, offerSeconds };
  expect((await call('POST', '/registration/events', event, KEY, by)).status).toBe(201);
  for (const userId of [ada, bob]) {
    const place = { userId, eventId };
    expect((await call('POST', '/registration/registrations', place, KEY, by)).status).toBe(201);
  }
  return { eventId, ada, bob };
}

const placeOf = (userId: string, eventId: string) =>
  `/registration/registrations?userId=${encodeURIComponent(userId)}&eventId=${encodeURIComponent(eventId)}`;
const toldTo = (endpoint: string, eventId: string) =>
  got.filter((each) => each.endpoint === endpoint && each.data.eventId === eventId);
const told = async (eventId: string, count: number) => {
  for (const endpoint of ['mailer', 'crm']) {
    await expect.poll(() => toldTo(endpoint, eventId), { timeout: 10_000 }).toHaveLength(count);
  }
};
const tokenOf = ({ data }: Got) => new URL(data.link?.url ?? '').hash.replace('#token=', '');

test('a message about a place that somebody has carries their link, to the endpoint that is named', async () => {
  const { eventId, ada, bob } = await fill();
  await call('DELETE', placeOf(ada, eventId));
  await told(eventId, 5);
  const linked = toldTo('mailer', eventId).filter(({ data }) => data.link !== undefined);
  expect(linked.map(({ type, data }) => `${type} ${data.userId}`).toSorted()).toEqual(
    [
      `registration.created ${ada}`,
      `registration.promoted ${bob}`,
      `waitlist.joined ${bob}`,
    ].toSorted(),
  );
  for (const { timestamp, data } of linked) {
    const { origin, pathname } = new URL(data.link?.url ?? '');
    expect(origin + pathname).toBe(`https://desk.example/e/${encodeURIComponent(eventId)}`);
    const lasts = Date.parse(data.link?.expiresAt ?? '') - Date.parse(timestamp);
    expect(lasts).toBeGreaterThan((LINK_DEFAULT_SECONDS - 1) * 1_000);
    expect(lasts).toBeLessThanOrEqual(LINK_DEFAULT_SECONDS * 1_000);
  }
  expect(
    toldTo('crm', eventId)
      .map(({ body }) => body)
      .join(),
  ).not.toMatch(/link|rdl1_/);
});

test('such a link lets its holder act as that attendee, at that event, and nothing else', async () => {
  const { eventId, ada, bob } = await fill(worker, 3_600);
  const elsewhere = await fill();
  await call('DELETE', placeOf(ada, eventId));
  await expect
    .poll(() => toldTo('mailer', eventId).map(({ type }) => type), { timeout: 10_000 })
    .toContain('offer.made');
  const offered = toldTo('mailer', eventId).find(({ type }) => type === 'offer.made');
  if (!offered) throw new Error('nothing was offered');
  expect(offered.data.userId).toBe(bob);
  const token = tokenOf(offered);
  expect((await call('GET', placeOf(bob, eventId), undefined, token)).body.status).toBe('OFFERED');
  expect((await call('GET', placeOf(ada, eventId), undefined, token)).status).toBe(403);
  const elsewherePlace = placeOf(bob, elsewhere.eventId);
  expect((await call('GET', elsewherePlace, undefined, token)).status).toBe(403);
  const event = `/registration/events/${encodeURIComponent(eventId)}`;
  for (const organised of [`${event}/registrations`, `${event}/webhooks`, '/registration/events']) {
    expect((await call('GET', organised, undefined, token)).status, organised).toBe(403);
  }
  expect((await call('PATCH', event, { capacity: 9 }, token)).status).toBe(403);
  expect((await call('POST', '/registration/links', { userId: ada }, token)).status).toBe(403);
  const place = { userId: bob, eventId };
  expect((await call('POST', '/registration/registrations', place, token)).status).toBe(201);
  const { items } = (await call('GET', `${event}/log`)).body;
  expect(items.at(-1)).toMatchObject({
    ...{ actor: `user:${bob}`, changes: [{ type: 'offer.accepted', userId: bob }] },
  });
});

test('each attempt and each replay has the same body under the same id', async () => {
  status = 500;
  const { eventId } = await fill();
  await expect
    .poll(() => toldTo('mailer', eventId).length, { timeout: 10_000 })
    .toBeGreaterThanOrEqual(3);
  status = 204;
  const path = `/registration/events/${encodeURIComponent(eventId)}/webhooks/mailer/replay`;
  expect((await call('POST', path, { after: 0 })).status).toBe(202);
  await expect
    .poll(() => toldTo('mailer', eventId).length, { timeout: 15_000 })
    .toBeGreaterThanOrEqual(6);
  const bodies = Map.groupBy(toldTo('mailer', eventId), ({ id }) => id);
  expect(bodies.size).toBe(3);
  for (const [, same] of bodies) expect(new Set(same.map(({ body }) => body)).size).toBe(1);
  expect([...bodies.values()].flat().filter(({ data }) => data.link).length).toBeGreaterThanOrEqual(
    4,
  );
});

test('without the setting no message has a link', async () => {
  const other = await start(endpoints, { API_KEYS: keys, PUBLIC_URL: LINKED.PUBLIC_URL });
  try {
    const { eventId } = await fill(other);
    await told(eventId, 3);
    expect(got.map(({ body }) => body).join()).not.toMatch(/link|rdl1_/);
  } finally {
    await other.kill();
  }
});

test('with a setting that is impossible every call is a 503 that names it', async () => {
  const other = await start(endpoints, { API_KEYS: keys, LINK_IN_WEBHOOKS: 'mailer' });
  try {
    const { status, body } = await call('GET', '/registration/events', undefined, KEY, other);
    expect([status, body.detail]).toEqual([
      503,
      expect.stringContaining('LINK_IN_WEBHOOKS needs PUBLIC_URL, the origin that links lead to'),
    ]);
  } finally {
    await other.kill();
  }
});
