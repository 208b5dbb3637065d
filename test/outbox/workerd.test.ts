import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import type { LogEntry } from '../../src/event/log.ts';
import { type DeliveryReport, type Pointer, pointerAt } from '../../src/event/outbox.ts';
import { toLogItem } from '../../src/store/log.ts';
import { type Build, build } from '../prove/build.ts';
import { startWorkerd, type Worker } from '../prove/workerd.ts';
import { entryOf, plainLog, SECRET } from './world.ts';

/** The shipped outbox in workerd, called as an object calls it, and an endpoint on this machine. */
const TIMEOUT_MS = 1_500;
const OTHER_SECRET = `whsec_${Buffer.alloc(24, 9).toString('base64')}`;
const bindings = inject('bindings');
const directory = mkdtempSync(join(tmpdir(), 'registration-desk-'));
const client = new DynamoDBClient({
  region: bindings.AWS_REGION ?? '',
  endpoint: bindings.DYNAMODB_ENDPOINT ?? '',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
});
let built: Build;
let worker: Worker;
let server: Server;
let got: { url: string; headers: IncomingMessage['headers']; body: string }[] = [];
let answer: (response: ServerResponse, body: string) => void;
let eventId: string;

const portOf = (listening: { address(): unknown }) => (listening.address() as AddressInfo).port;
const listen = (each: Server | ReturnType<typeof createTcpServer>) =>
  new Promise<void>((up) => each.listen(0, '127.0.0.1', up));

beforeAll(async () => {
  const caller = `export const deliveries = {
  fetch: async (request: Request, _env: Env, ctx: ExecutionContext) => {
    const job = await request.json<Parameters<typeof ctx.exports.Outbox.deliver>[0]>();
    return ctx.exports.Outbox.deliver(job).then(
      (report) => Response.json(report),
      (error) => new Response(String(error), { status: 500 }),
    );
  },
};`;
  built = await build(directory, {
    name: 'outbox',
    scale: 1,
    hasOwnTimes: true,
    replacements: [
      {
        file: 'index.ts',
        from: 'export default {\n  fetch: app.fetch,',
        to: `${caller}\nexport default {\n  fetch: deliveries.fetch,`,
      },
      {
        file: 'limits.ts',
        from: 'OUTBOX_TIMEOUT_MS = 15_000',
        to: `OUTBOX_TIMEOUT_MS = ${TIMEOUT_MS}`,
      },
    ],
  });
}, 60_000);
afterAll(() => {
  client.destroy();
  rmSync(directory, { recursive: true, force: true });
});

beforeEach(async () => {
  got = [];
  eventId = `event ${crypto.randomUUID()}`;
  answer = (response) => response.end();
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    got.push({ url: request.url ?? '', headers: request.headers, body });
    answer(response, body);
  });
  await listen(server);
  worker = await start(`http://127.0.0.1:${portOf(server)}/desk`);
});
afterEach(async () => {
  await worker?.kill();
  server?.closeAllConnections();
  server?.close();
});

const start = (url: string) =>
  startWorkerd(built, {
    name: `worker-${crypto.randomUUID()}`,
    isInterruptible: false,
    bindings: {
      ...bindings,
      WEBHOOKS: JSON.stringify([{ name: 'crm', url, secrets: [SECRET, OTHER_SECRET] }]),
    },
  });

async function write(entries: LogEntry[], expiresAt = Date.now() / 1_000 + 3_600): Promise<void> {
  for (const entry of entries) {
    const Item = toLogItem(eventId, { ...entry, expiresAt: Math.floor(expiresAt) });
    await client.send(new PutItemCommand({ TableName: bindings.REGISTRATIONS_TABLE, Item }));
  }
}

async function call(job: object, by = worker): Promise<Response> {
  return await fetch(`http://127.0.0.1:${by.port}/`, { method: 'POST', body: JSON.stringify(job) });
}
async function deliver(pointer: Pointer, head: number, by = worker): Promise<DeliveryReport> {
  const response = await call({ eventId, pointer, head }, by);
  const text = await response.text();
  expect(response.status, text).toBe(200);
  return JSON.parse(text);
}
const START = pointerAt('crm', 0);
/** The report of one message, and how long it took. */
async function deliverOne(by = worker): Promise<DeliveryReport & { ms: number }> {
  await write(plainLog(1));
  const startedAt = performance.now();
  const report = await deliver(START, 1, by);
  return { ...report, ms: performance.now() - startedAt };
}

test('everything in the log arrives, in order, signed with each secret', async () => {
  const log = [...plainLog(30), entryOf(260, ['registration.cancelled', 'registration.promoted'])];
  await write(log.slice(0, 2), Date.now() / 1_000 - 60); // Expired, and not deleted yet.
  await write(log.slice(2));
  const report = await deliver(START, 300);
  expect(report).toEqual({
    ...{ pointer: { ...START, version: 300 }, delivered: 32, failed: 0, gaveUp: 0 },
  });
  const messages = got.map(({ headers, body }) => {
    for (const secret of [SECRET, OTHER_SECRET]) {
      new Webhook(secret).verify(body, headers as Record<string, string>);
    }
    return JSON.parse(body);
  });
  const places = messages.map(({ data }) => data.version * 100 + data.index);
  expect(places.toSorted((a, b) => a - b)).toEqual([
    ...Array.from({ length: 30 }, (_, i) => 100 * (i + 1)),
    ...[26_000, 26_001],
  ]);
  expect(new Set(got.map(({ headers }) => headers['webhook-id'])).size).toBe(32);
  expect(got[0]).toMatchObject({
    url: '/desk',
    headers: {
      'content-type': 'application/json',
      'user-agent': expect.stringMatching(/^registration-desk\/\d/),
    },
  });
  expect(messages.find(({ type }) => type === 'registration.promoted')).toEqual({
    ...{ type: 'registration.promoted', timestamp: log[30]?.at },
    data: {
      ...{ eventId, version: 260, index: 1, registrationId: '260.1', entryId: 'e 260.1' },
      ...{ position: 1, userId: 'user of 260.1' },
    },
  });
});

test('an endpoint that hangs is left after its time, six messages at once', async () => {
  answer = () => {};
  await write(plainLog(20));
  const startedAt = performance.now();
  const report = await deliver(START, 20);
  const ms = performance.now() - startedAt;
  expect(report).toMatchObject({ delivered: 0, failed: 6, pointer: { lastError: 'timeout' } });
  expect(report.pointer.version).toBe(6);
  expect(got).toHaveLength(6);
  expect(ms).toBeGreaterThan(TIMEOUT_MS - 50);
  expect(ms).toBeLessThan(2 * TIMEOUT_MS);
});

test('a 500 is a failure, and Retry-After is heeded', async () => {
  answer = (response) => response.writeHead(500, { 'Retry-After': '120' }).end('sorry, secret');
  const before = Date.now();
  const { pointer, failed } = await deliverOne();
  expect(failed).toBe(1);
  expect(pointer).toMatchObject({ version: 1, lastError: 'HTTP 500', open: [{ attempts: 1 }] });
  const wait = (pointer.open[0]?.nextAt ?? 0) - before;
  expect(wait).toBeGreaterThanOrEqual(120_000);
  expect(wait).toBeLessThan(130_000);
  expect(JSON.stringify(pointer)).not.toContain('secret');
});

test.each([301, 302, 303, 307, 308])('a %d is a failure, and is not followed', async (status) => {
  let others = 0;
  const other = createServer((_, response) => {
    others++;
    response.end();
  });
  await listen(other);
  const Location = `http://127.0.0.1:${portOf(other)}/`;
  answer = (response) => response.writeHead(status, { Location }).end();
  const { pointer } = await deliverOne();
  expect(pointer.lastError).toBe(`redirect ${status}`);
  expect(got).toHaveLength(1);
  expect(others).toBe(0);
  other.close();
});

test('410 ends it', async () => {
  answer = (response) => response.writeHead(410).end();
  const { pointer } = await deliverOne();
  expect(pointer).toMatchObject({ isEnded: true, open: [], lastError: 'HTTP 410' });
  await deliver(pointer, 1);
  expect(got).toHaveLength(1);
});

test('an answer that drips is not waited for', async () => {
  let isLetGo = false;
  answer = (response) => {
    response.writeHead(200);
    const drip = setInterval(() => response.write('.'), 50);
    response.on('close', () => {
      isLetGo = true;
      clearInterval(drip);
    });
  };
  const { delivered, ms } = await deliverOne();
  expect(delivered).toBe(1);
  expect(ms).toBeLessThan(TIMEOUT_MS);
  await expect.poll(() => isLetGo).toBe(true);
});

test('an answer without end is not read', async () => {
  let sent = 0;
  let isLetGo = false;
  answer = (response) => {
    response.on('close', () => {
      isLetGo = true;
    });
    const more = () => {
      while (!isLetGo && sent < 100_000_000) {
        sent += 65_536;
        if (!response.write(' '.repeat(65_536))) return void response.once('drain', more);
      }
    };
    more();
  };
  expect(await deliverOne()).toMatchObject({ delivered: 1, pointer: { open: [] } });
  await expect.poll(() => isLetGo).toBe(true);
  expect(sent).toBeLessThan(16_000_000);
});

test('headers that drip are no answer', async () => {
  const drips: NodeJS.Timeout[] = [];
  const sockets: Socket[] = [];
  const dripping = createTcpServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.write('HTTP/1.1 200 OK\r\n');
    drips.push(setInterval(() => socket.write('x: y\r\n'), 100));
  });
  await listen(dripping);
  const other = await start(`http://127.0.0.1:${portOf(dripping)}/`);
  try {
    const { pointer, ms } = await deliverOne(other);
    // The runtime may give such a connection up by itself, before the time is over.
    expect(pointer.lastError).toMatch(/^(timeout|connection failed)$/);
    expect(ms).toBeLessThan(TIMEOUT_MS + 1_000);
  } finally {
    await other.kill();
    for (const drip of drips) clearInterval(drip);
    for (const socket of sockets) socket.destroy();
    dripping.close();
  }
});

test('nobody there, and a connection that breaks, are failures', async () => {
  answer = (response) => response.socket?.resetAndDestroy();
  expect((await deliverOne()).pointer.lastError).toBe('connection failed');
  const other = await start('http://127.0.0.1:9/');
  try {
    expect((await deliverOne(other)).pointer.lastError).toBe('connection failed');
  } finally {
    await other.kill();
  }
});

test('the tenth failure is the last, and is told', async () => {
  answer = (response) => response.writeHead(422).end();
  await write(plainLog(1));
  const open = [{ version: 1, index: 0, attempts: 9, nextAt: 0 }];
  const report = await deliver({ ...START, version: 1, open }, 1);
  expect(report).toMatchObject({ delivered: 0, failed: 0, gaveUp: 1, pointer: { open: [] } });
  await expect.poll(() => worker.log.join('\n')).toContain('webhook given up');
  const line = worker.log.find((each) => each.includes('webhook given up')) ?? '';
  expect(JSON.parse(line.slice(line.indexOf('{')))).toEqual({
    ...{ problem: 'webhook given up', eventId, endpoint: 'crm', version: 1, index: 0 },
    cause: 'HTTP 422',
  });
});

test('an endpoint that is not configured is a fault of the caller', async () => {
  const response = await call({ eventId, pointer: pointerAt('nobody', 0), head: 1 });
  expect([response.status, await response.text()]).toEqual([
    500,
    'Error: no endpoint is called nobody',
  ]);
});
