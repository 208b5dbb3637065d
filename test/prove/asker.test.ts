import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { Asker } from './asker.ts';
import type { Call } from './client.ts';
import { type Operation, Recorder } from './history.ts';
import { answerWithinMs, type Conditions } from './liveness.ts';
import { Random } from './random.ts';
import { readBody } from './wire.ts';

/** A request as a service got it. */
interface Got {
  method: string | undefined;
  path: string | undefined;
  headers: IncomingMessage['headers'];
  body: { userIds?: string[]; userId?: string };
}

interface Told {
  status: number;
  body: object;
  headers?: Record<string, string>;
  afterMs?: number;
}

const EVENT = 'event';
const problem = (status: number, title: string, detail: string): Told => ({
  status,
  body: { title, status, detail },
});
const unsure = problem(503, 'UnavailableError', 'Event event could not be confirmed.');
const undone = problem(503, 'UnavailableError', 'Event event is busy; nothing was changed.');
const reused = problem(422, 'KeyReusedError', 'The Idempotency-Key was used before.');
const seated = (userId: string, id = `r-${userId}`) => ({
  ...{ userId, success: true, waitlistEntry: null },
  registration: { userId, registrationId: id },
});
const failed = (userId: string, { status, body }: Told) => ({
  ...{ userId, success: false, problem: { ...body, status } },
});
const all = (...results: object[]): Told => ({ status: 200, body: { results } });

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

/** A service that gives these answers, one after the other, and the last one from then on. */
async function play(answers: Told[], conditions: Partial<Conditions> = {}) {
  const got: Got[] = [];
  const server = createServer(async (request, response) => {
    const { method, url: path, headers } = request;
    const body = await readBody(request);
    got.push({ method, path, headers, body: JSON.parse(body.toString() || '{}') });
    const told = answers[Math.min(got.length, answers.length) - 1] ?? unsure;
    await sleep(told.afterMs ?? 0);
    const type = { 'content-type': 'application/json' };
    response.writeHead(told.status, { ...type, ...told.headers }).end(JSON.stringify(told.body));
  }).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const recorder = new Recorder();
  const violations: string[] = [];
  const asker = new Asker({
    port: async () => port,
    recorder,
    random: new Random(1),
    slowCallsMs: () => 0,
    conditions: { scale: 1, isCalm: false, isRaised: false, ...conditions },
    onViolation: (what) => violations.push(what),
  });
  return { asker, got, violations, operations: recorder.operations };
}

const inShort = ({ request, outcome }: Operation) =>
  `${'userId' in request ? request.userId : request.type}: ${'id' in outcome ? outcome.id : outcome.type}`;
const isKeyed = true;

test('a bulk call is repeated under its key while the outcome of a row is unknown, and each row is one operation', async () => {
  const { asker, got, operations, violations } = await play([
    all(seated('a'), failed('b', unsure)),
    all(seated('a'), seated('b')),
  ]);
  await asker.askAll('c', EVENT, ['a', 'b'], { isKeyed });
  expect(operations.map(inShort)).toEqual(['a: r-a', 'b: r-b']);
  expect(new Set(got.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
  expect(got).toHaveLength(2);
  // The first answer had settled the other rows.
  expect(operations[0]?.answered).toBeLessThan(operations[1]?.answered ?? 0);
  expect(violations).toEqual([]);
  asker.close();
});

test('a different second answer to a row is a violation', async () => {
  const { asker, violations } = await play([
    all(seated('a'), failed('b', unsure)),
    all(seated('a', 'another'), seated('b')),
  ]);
  await asker.askAll('c', EVENT, ['a', 'b'], { isKeyed });
  expect(violations).toHaveLength(1);
  expect(violations[0]).toContain('must be answered as before: a in event');
  asker.close();
});

test('without a key a bulk call is sent once: unknown rows stay unknown, and rows that were left undone are not recorded', async () => {
  const { asker, got, operations } = await play([
    all(seated('a'), failed('b', unsure), failed('c', undone)),
  ]);
  await asker.askAll('c', EVENT, ['a', 'b', 'c']);
  expect(operations.map(inShort)).toEqual(['a: r-a', 'b: unknown']);
  expect(got).toHaveLength(1);
  asker.close();
});

test('a different request under a used key must be refused', async () => {
  const first = all(seated('a'));
  const { asker, got, violations, operations } = await play([first, reused, all(seated('b'))]);
  await asker.askAll('c', EVENT, ['a'], { isKeyed });
  const other = (): Call => ({ type: 'registerAll', userIds: ['b'] });
  await asker.askAmiss(other);
  expect(violations).toEqual([]);
  await asker.askAmiss(other);
  expect(violations).toHaveLength(1);
  expect(violations[0]).toContain('a key is one request');
  // It is not recorded, so that the history can't explain anything that it changes.
  expect(operations).toHaveLength(1);
  expect(got).toHaveLength(3);
  expect(asker.misuses).toBe(2);
  asker.close();
});

test('in a repeated bulk call an unavailable row is no violation, a different answer is one', async () => {
  const first = all(seated('a'), seated('b'));
  const { asker, violations } = await play([
    first,
    all(seated('a'), failed('b', undone)),
    all(seated('a', 'another'), failed('b', undone)),
  ]);
  await asker.askAll('c', EVENT, ['a', 'b'], { isKeyed });
  await asker.askAgain();
  expect(violations).toEqual([]);
  await asker.askAgain();
  expect(violations).toHaveLength(1);
  asker.close();
});

test('a repeated bulk call gets the same answer', async () => {
  const first = all(seated('a'));
  const replayed = { ...first, headers: { 'idempotency-replayed': 'true' } };
  const { asker, violations } = await play([first, replayed, all(seated('a', 'another'))]);
  await asker.askAll('c', EVENT, ['a'], { isKeyed });
  await asker.askAgain();
  expect(violations).toEqual([]);
  await asker.askAgain();
  expect(violations[0]).toContain('a key used again must give the first answer');
  asker.close();
});

test('any answer that comes too late is reported', async () => {
  const boundMs = answerWithinMs('cancel', { scale: 0, isCalm: false, isRaised: false });
  const { asker, violations, operations } = await play([{ ...undone, afterMs: boundMs + 1_000 }], {
    scale: 0,
  });
  await asker.ask('c', EVENT, { type: 'cancel' });
  expect(violations).toHaveLength(1);
  expect(violations[0]).toContain('too late: cancel 503');
  expect(operations).toEqual([]);
  asker.close();
});

test('in a calm run no request may be refused for lack of time', async () => {
  const { asker, violations } = await play([undone], { isCalm: true });
  await asker.ask('c', EVENT, { type: 'read' });
  expect(violations[0]).toContain('nothing was wrong');
  asker.close();
});

test('ids are escaped, and a condition is sent', async () => {
  const { asker, got } = await play([undone]);
  const eventId = '\u{20000}/?&';
  await asker.ask('c', eventId, { type: 'unregister', userId: 'a b&c' });
  await asker.ask('c', eventId, { type: 'update', patch: {}, ifMatch: 3 });
  const url = new URL(`http://desk${got[0]?.path}`);
  expect(url.searchParams.get('eventId')).toBe(eventId);
  expect(url.searchParams.get('userId')).toBe('a b&c');
  expect(decodeURIComponent(got[1]?.path?.split('/').at(-1) ?? '')).toBe(eventId);
  expect(got[1]?.headers['if-match']).toBe('"3"');
  asker.close();
});

const RECEIPT = 'registration-receipt';
const withReceipt = (told: Told, receipt: string, headers = {}): Told => ({
  ...told,
  headers: { ...headers, [RECEIPT]: receipt },
});
const left = { status: 200, body: { success: true, promoted: null } };
const leave = { type: 'unregister', userId: 'a' } as const;

test('a receipt is kept, and a replay has to have the same', async () => {
  const replayed = { 'idempotency-replayed': 'true' };
  const { asker, operations, violations } = await play([
    withReceipt(left, '1.a'),
    withReceipt(left, '1.a', replayed),
    withReceipt(left, '2.b', replayed),
    { ...left, headers: replayed },
  ]);
  await asker.ask('c', EVENT, leave, { isKeyed });
  expect(operations[0]?.receipt).toBe('1.a');
  await asker.askAgain();
  expect(violations).toEqual([]);
  await asker.askAgain();
  await asker.askAgain();
  expect(violations).toHaveLength(2);
  expect(violations.join()).toContain('a key used again must give the first answer');
  asker.close();
});

test('what changed nothing has no receipt', async () => {
  const { asker, violations, operations } = await play([withReceipt(undone, '1.a')]);
  await asker.ask('c', EVENT, leave);
  expect(violations).toEqual(['event event: unregister 503 has the receipt 1.a']);
  expect(operations).toEqual([]);
  asker.close();
});

test('each row of a call for many has its receipt, the same whenever it is told, and the call that of the last', async () => {
  const row = (userId: string, receipt: string) => ({ ...seated(userId), receipt });
  const { asker, violations, operations } = await play([
    withReceipt(all(row('a', '1.a'), failed('b', unsure)), '1.a'),
    withReceipt(all(row('a', '1.a'), row('b', '2.b')), '2.b'),
    withReceipt(all(row('c', '3.c'), row('d', '4.d')), '3.c'),
    withReceipt(all(row('e', '5.e'), failed('f', unsure)), '5.e'),
    withReceipt(all(row('e', '6.e'), row('f', '7.f')), '7.f'),
  ]);
  await asker.askAll('c', EVENT, ['a', 'b'], { isKeyed });
  expect(operations.map(({ receipt }) => receipt)).toEqual(['1.a', '2.b']);
  expect(violations).toEqual([]);
  await asker.askAll('c', EVENT, ['c', 'd']);
  expect(violations).toHaveLength(1);
  expect(violations[0]).toContain('another receipt than its last row');
  await asker.askAll('c', EVENT, ['e', 'f'], { isKeyed });
  expect(violations).toHaveLength(2);
  expect(violations[1]).toContain('must be answered as before: e in event');
  asker.close();
});
