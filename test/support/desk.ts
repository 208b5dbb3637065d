import { env, exports } from 'cloudflare:workers';
import { BatchWriteCommand, GetCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { expect, vi } from 'vitest';
import { hexDigestOf } from '../../src/digest.ts';
import { LogCheck } from '../../src/event/log-check.ts';
import { lineEndsAt, type Seat, type WaitlistEntry } from '../../src/event/model.ts';
import { Replay } from '../../src/event/replay.ts';
import { EventState } from '../../src/event/state.ts';
import { CALLS, type Call, COMMON_PROBLEMS } from '../../src/http/openapi.ts';
import { problemSchema } from '../../src/http/schemas.ts';
import { PAGE_MAX_ROWS } from '../../src/limits.ts';
import { servicesOf } from '../../src/services.ts';
import { type LogPage, readLog } from '../../src/store/log.ts';
import { type EventItem, type OfferRow, toDigest, toEventRecord } from '../../src/store/tables.ts';

/** The store under test, for looking past the worker. */
export const store = servicesOf(env).store;

/** Moves the clock of the service on until disposed of; `late` is by how many milliseconds. */
export function movedClock(): Disposable & { late: number } {
  const now = Date.now.bind(Date);
  const clock = { late: 0, [Symbol.dispose]: () => vi.mocked(Date.now).mockRestore() };
  vi.spyOn(Date, 'now').mockImplementation(() => now() + clock.late);
  return clock;
}

/** A name that no other test uses. */
export function unique(prefix: string): string {
  return `${prefix}-${crypto.randomUUID().slice(0, 8)}`;
}

/** The answer to a call. */
export interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the wire brings; the assertions check it
  body: any;
}

/** The description of a call, by what it was sent to. */
function describedCall(method: string, path: string): Call | undefined {
  const { pathname } = new URL(path, 'http://desk.test');
  return Object.entries(CALLS).find(([name]) => {
    const template = name.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '[^/]+');
    return new RegExp(`^${template}$`).test(`${method} ${pathname}`);
  })?.[1];
}

/** Checks that an answer is as the description of the API says; every call of a test goes through this. */
function expectDescribed(method: string, path: string, { status, body }: Answer): void {
  const call = describedCall(method, path);
  if (!call) return;
  if (status === 304) {
    expect([call.success.notModified, body], `${method} ${path}`).toEqual([true, undefined]);
    return;
  }
  const done = [call.success.status, ...(call.success.orStatus ? [call.success.orStatus] : [])];
  const schema = done.some((each) => each === status) ? call.success.schema : problemSchema;
  const { error } = schema.safeParse(body);
  expect(error?.issues, `${method} ${path} ${status}`).toBeUndefined();
  expect([...done, ...call.problems, ...COMMON_PROBLEMS]).toContain(status);
}

/** Calls the worker as a client would. A string body is sent as it is, anything else as JSON. */
export async function api(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await exports.default.fetch(`http://desk.test${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const answer = {
    status: response.status,
    headers: response.headers,
    body: text ? JSON.parse(text) : undefined,
  };
  expectDescribed(method, path, answer);
  return answer;
}

export const register = (userId: string, eventId: string) =>
  api('POST', '/registration/registrations', { userId, eventId });

export const unregister = (userId: string, eventId: string) =>
  api(
    'DELETE',
    `/registration/registrations?userId=${encodeURIComponent(userId)}&eventId=${encodeURIComponent(eventId)}`,
  );

export const capacityOf = (eventId: string) =>
  api('GET', `/registration/events/${encodeURIComponent(eventId)}/capacity`);

/** Creates an event with an id of its own. */
export async function newEvent(capacity: number, hasWaitlist: boolean): Promise<string> {
  const eventId = unique('event');
  const { status } = await api('POST', '/registration/events', {
    eventId,
    name: 'An event',
    capacity,
    hasWaitlist,
  });
  expect(status).toBe(201);
  return eventId;
}

/** Puts users straight into the table, which is the quickest way. */
export async function newUsers(count: number, prefix = unique('user')): Promise<string[]> {
  const userIds = Array.from({ length: count }, (_, i) => `${prefix}-${i}`);
  for (let i = 0; i < count; i += 25) {
    const puts = userIds.slice(i, i + 25).map((userId) => ({
      PutRequest: { Item: { userId, name: userId, createdAt: new Date().toISOString() } },
    }));
    await store.client.send(
      new BatchWriteCommand({ RequestItems: { [store.tables.users]: puts } }),
    );
  }
  return userIds;
}

async function scan<Row>(TableName: string, eventId: string): Promise<Row[]> {
  const rows: Row[] = [];
  let ExclusiveStartKey: Record<string, unknown> | undefined;
  do {
    const page = await store.client.send(
      new ScanCommand({
        TableName,
        ConsistentRead: true,
        FilterExpression: 'eventId = :eventId',
        ExpressionAttributeValues: { ':eventId': eventId },
        ...(ExclusiveStartKey ? { ExclusiveStartKey } : {}),
      }),
    );
    rows.push(...((page.Items ?? []) as Row[]));
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey);
  return rows;
}

/**
 * What the tables hold of an event, read directly and consistently. Also checks the promises on it:
 * counts and digest match the rows, one place per user, never over capacity,
 * positions unique, no free seat while somebody waits and the line lives; and that the log leads to it by the rules.
 */
export async function truth(eventId: string) {
  const { Item } = await store.client.send(
    new GetCommand({ TableName: store.tables.events, Key: { eventId }, ConsistentRead: true }),
  );
  const item = Item as EventItem;
  const rows = await scan<Seat | OfferRow>(store.tables.registrations, eventId);
  const registrations = rows.filter((row): row is Seat => row.status === 'ACTIVE');
  const offers = rows.filter((row): row is OfferRow => row.status === 'OFFERED');
  offers.sort((a, b) => a.position - b.position);
  const waitlist = await scan<WaitlistEntry>(store.tables.waitlist, eventId);
  waitlist.sort((a, b) => a.position - b.position);

  const rebuilt = new EventState();
  for (const row of registrations) {
    rebuilt.applyRow({ op: 'add', table: 'registrations', id: row.registrationId, row });
  }
  for (const { registrationId: id, offerEndsAt: expiresAt, status: _, ...offer } of offers) {
    rebuilt.applyRow({ op: 'add', table: 'offers', id, row: { ...offer, offerId: id, expiresAt } });
  }
  for (const row of waitlist) {
    rebuilt.applyRow({ op: 'add', table: 'waitlist', id: row.entryId, row });
  }
  expect(item.registeredCount).toBe(registrations.length);
  expect(item.offeredCount ?? 0).toBe(offers.length);
  expect(item.waitlistCount).toBe(waitlist.length);
  expect(item.digest).toBe(toDigest(rebuilt.digest));
  const taken = registrations.length + offers.length;
  expect(taken).toBeLessThanOrEqual(item.capacity);
  expect(new Set(waitlist.map(({ position }) => position)).size).toBe(waitlist.length);
  expect(item.lastPosition).toBeGreaterThanOrEqual(waitlist.at(-1)?.position ?? 0);
  const isLineOver = lineEndsAt(toEventRecord(item)) <= Date.now();
  if (waitlist.length > 0 && !isLineOver) expect(taken).toBe(item.capacity);
  await expectLogOf(eventId, item, rebuilt);
  return {
    item,
    registered: registrations.map(({ userId }) => userId),
    offered: offers.map(({ userId }) => userId),
    line: waitlist.map(({ userId }) => userId),
    positions: waitlist.map(({ position }) => position),
  };
}

/** The log, decided again by the rules, has to lead to the rows that the tables hold. */
async function expectLogOf(eventId: string, item: EventItem, rows: EventState): Promise<void> {
  const head = item.logVersion ?? 0;
  const check = new LogCheck(hexDigestOf);
  for (let after: number | null = -1; after !== null; ) {
    const page: LogPage = await readLog(store, eventId, { after, to: head, limit: PAGE_MAX_ROWS });
    for (const { actors: _, ...entry } of page.entries) await check.add(entry);
    after = page.next;
  }
  check.end();
  const { replay } = check;
  // An event that was written by hand has no log, or one without its beginning.
  if (!check.last || !(replay instanceof Replay)) return;
  const { registeredCount, waitlistCount, lastPosition, digest } = replay.state;
  expect({ registeredCount, waitlistCount, lastPosition, digest }).toEqual({
    ...{ registeredCount: rows.registeredCount, waitlistCount: rows.waitlistCount },
    ...{ lastPosition: item.lastPosition, digest: rows.digest },
  });
}

/** A DynamoDB call before it is sent: its name, and how to send it, as it is or with another body. */
export interface DynamoCall {
  operation: string;
  request: Request;
  send: (body?: object) => Promise<Response>;
}

/**
 * Intercepts the calls to DynamoDB until disposed of. The worker runs in this same isolate, and
 * the SDK calls the global `fetch`.
 */
export function onDynamo(intercept: (call: DynamoCall) => Promise<Response>): Disposable {
  const original = globalThis.fetch;
  globalThis.fetch = (input, init) => {
    const request = new Request(input, init);
    const target = request.headers.get('x-amz-target');
    const send = (body?: object) => {
      if (!body) return original(request);
      const headers = new Headers(request.headers);
      headers.delete('content-length');
      return original(request.url, { method: 'POST', headers, body: JSON.stringify(body) });
    };
    if (!target) return send();
    return intercept({ operation: target.split('.')[1] ?? '', request, send });
  };
  return {
    [Symbol.dispose]() {
      globalThis.fetch = original;
    },
  };
}

/** Records the DynamoDB calls until disposed of. */
export function countDynamo(): Disposable & { operations: string[] } {
  const operations: string[] = [];
  const watch = onDynamo(({ operation, send }) => {
    operations.push(operation);
    return send();
  });
  return { operations, [Symbol.dispose]: () => watch[Symbol.dispose]() };
}
