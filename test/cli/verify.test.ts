import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { Api } from '../../src/cli/api.ts';
import { verifyLog } from '../../src/cli/verification.ts';
import type { SeenEntry } from '../../src/event/seen-log.ts';
import { LogWriter, rechain, withoutUsers } from '../support/logs.ts';
import { killService, type Service, startService } from '../support/service.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** Runs the command; gives what it said, and how it ended. */
async function verify(...args: string[]): Promise<{ code: number; said: string }> {
  const command = ['src/cli/verify.ts', ...args];
  try {
    const { stdout } = await promisify(execFile)(process.execPath, command, { cwd: ROOT });
    return { code: 0, said: stdout };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, said: stdout + stderr };
  }
}

/** How a service lies about its log, or what happens to it. */
interface Manner {
  /** The log as it is told. */
  log?: (entries: SeenEntry[]) => SeenEntry[] | Promise<SeenEntry[]>;
  /** Whether the caller may not see users and lists. */
  isForAttendee?: boolean;
  /** A status for every call, instead of an answer. */
  status?: number;
  /** Called before each answer. */
  before?: (path: string) => Promise<void>;
  /** What a list or a count is told to be. */
  alter?: (path: string, body: Record<string, unknown>) => Record<string, unknown>;
}

/** A service that tells of one event what a log and its end say, and shows a page of three entries at a time. */
class Teller implements AsyncDisposable {
  readonly calls: string[] = [];
  readonly #server = createServer((request, response) => {
    void this.#answer(request.url ?? '').then(({ status, body }) => {
      const headers = { 'Content-Type': 'application/json', 'Retry-After': '1' };
      response.writeHead(status, headers).end(JSON.stringify(body));
    });
  });
  readonly #writer: LogWriter;
  readonly #manner: Manner;

  private constructor(writer: LogWriter, manner: Manner) {
    this.#writer = writer;
    this.#manner = manner;
  }

  static async open(writer: LogWriter, manner: Manner = {}): Promise<Teller> {
    const teller = new Teller(writer, manner);
    teller.#server.listen(0, '127.0.0.1');
    await once(teller.#server, 'listening');
    return teller;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #answer(url: string): Promise<{ status: number; body: unknown }> {
    const { pathname, searchParams } = new URL(url, 'http://localhost');
    const path = /^\/registration\/events\/e(\/?\w*)$/.exec(pathname)?.[1];
    const { status, before, alter = (_, body) => body, isForAttendee } = this.#manner;
    const problem = (code: number) => ({
      status: code,
      body: { type: 'x', title: 'X', status: code, detail: 'As the test wants it.' },
    });
    this.calls.push(path ?? '');
    if (status) return problem(status);
    if (path === undefined) return problem(404);
    if (isForAttendee && ['/registrations', '/offers', '/waitlist'].includes(path ?? ''))
      return problem(403);
    await before?.(path);
    const body = await this.#tell(path, searchParams);
    return { status: 200, body: alter(path, body) };
  }

  async #tell(path: string, query: URLSearchParams): Promise<Record<string, unknown>> {
    const { state, entries } = this.#writer;
    const { log = (all) => all, isForAttendee = false } = this.#manner;
    switch (path) {
      case '/log': {
        const told = await log(isForAttendee ? withoutUsers(entries) : entries);
        const rest = told.filter(({ version }) => version > Number(query.get('after')));
        const items = rest.slice(0, 3);
        const nextCursor = rest.length > 3 ? String(items.at(-1)?.version) : null;
        return { items, nextCursor };
      }
      case '/registrations': {
        const items = [...state.seated()].map(({ seq: _, ...row }) => ({ ...row, name: null }));
        return { items, nextCursor: null };
      }
      case '/offers': {
        const items = [...state.offered()].map((row) => ({ ...row, name: null }));
        return { items, nextCursor: null };
      }
      case '/waitlist':
        return {
          items: [...state.waiting()].map((row) => ({ ...row, name: null })),
          nextCursor: null,
        };
      case '/capacity': {
        const { registeredCount, offeredCount, waitlistCount } = state;
        const { capacity: totalCapacity = 0, status } = state.event ?? {};
        const counts = { registeredCount, offeredCount, waitlistCount, availableCapacity: 0 };
        return { eventId: 'e', totalCapacity, status, ...counts };
      }
      default:
        return { ...state.event };
    }
  }
}

/** A, b, c and d in an event of two seats; then a leaves, and c gets the seat. */
async function history(): Promise<LogWriter> {
  const writer = await LogWriter.open(2, ['a', 'b', 'c', 'd']);
  await writer.commit([{ type: 'unregister', userId: 'a' }]);
  return writer;
}

const receiptOf = ({ version, chain }: SeenEntry) => `${version}.${chain}`;

describe('npm run verify', () => {
  test('ends with 0 when all holds, and says what it saw', async () => {
    const writer = await history();
    await using teller = await Teller.open(writer);
    const receipt = receiptOf(writer.entries[2] as SeenEntry);
    const { code, said } = await verify(`${teller.url}/`, 'e', '--receipt', receipt);
    expect(said).toBe(
      `6 entries with 7 changes, versions 1 to 6: the chain and the order hold.
The receipt of version 3 is in it.
At its end 2 have a seat and 1 wait, as the lists say.
`,
    );
    expect(code).toBe(0);
  });

  test('checks the same for an attendee, but for the lists', async () => {
    await using teller = await Teller.open(await history(), { isForAttendee: true });
    const { code, said } = await verify(teller.url, 'e', '--token', 'mine');
    expect(said).toContain('At its end 2 have a seat and 1 wait, as the service says.');
    expect(code).toBe(0);
  });

  test('says when the beginning of the log is not there', async () => {
    const writer = await history();
    const expired = { log: (entries: SeenEntry[]) => entries.slice(2) };
    await using later = await Teller.open(writer, expired);
    const left = await verify(later.url, 'e');
    expect(left.said).toContain('The beginning of the log is not there');
    expect(left.said).toContain('What the log tells of places is as the lists say.');
    expect(left.code).toBe(0);
    const older = { log: (entries: SeenEntry[]) => rechain(entries.slice(2)) };
    await using adopted = await Teller.open(writer, older);
    expect((await verify(adopted.url, 'e')).said).toContain('The event is older than its log');
  });

  const entry = (entries: SeenEntry[], version: number) => entries[version - 1] as SeenEntry;
  const LIES: [string, Manner, string][] = [
    [
      'an entry that was altered',
      { log: (all) => all.with(2, { ...entry(all, 3), at: '2026-01-01T00:00:09.000Z' }) },
      'Version 3: does not follow from version 2',
    ],
    [
      'an entry that was removed',
      { log: (all) => all.toSpliced(3, 1) },
      'Version 5: does not follow from version 3',
    ],
    [
      'an entry that was added',
      { log: (all) => [...all, { ...entry(all, 6), version: 7 }] },
      'Version 7: does not follow from version 6',
    ],
    [
      'entries in another order',
      { log: (all) => all.toSpliced(1, 2, entry(all, 3), entry(all, 2)) },
      'Version 3: does not follow from version 1',
    ],
    [
      'a promotion that was left out, though the chain fits',
      {
        log: (all) =>
          rechain(all.with(5, { ...entry(all, 6), changes: entry(all, 6).changes.slice(0, 1) })),
      },
      'Version 6: by the rules registration.promoted at position 1 follows, and is missing.',
    ],
    [
      'a position that there is none of',
      {
        log: (all) =>
          rechain(
            all.with(3, {
              ...entry(all, 4),
              changes: entry(all, 4).changes.map((each) => ({ ...each, position: 0 })) as never,
            }),
          ),
      },
      'Version 4: is no entry of a log (changes.0.position: ',
    ],
    [
      'an end of the log that was cut off',
      { log: (all) => all.slice(0, -1) },
      'Version 5: after it, the number of entries is 2 by the log, and 1 by what the service says.',
    ],
    [
      'a list that has another order',
      {
        alter: (path, body) =>
          path === '/registrations'
            ? { ...body, items: (body.items as object[]).toReversed() }
            : body,
      },
      'Version 6: after it, seat 1 is {"id":',
    ],
    [
      'a list that has somebody else in line',
      {
        alter: (path, body) => (path === '/waitlist' ? { ...body, items: [] } : body),
      },
      'Version 6: after it, entry 1 is {"id":',
    ],
    [
      'a count that differs',
      {
        isForAttendee: true,
        alter: (path, body) => (path === '/capacity' ? { ...body, registeredCount: 1 } : body),
      },
      'Version 6: after it, the number of seats is 2 by the log, and 1 by what the service says.',
    ],
    [
      'settings that differ',
      { alter: (path, body) => (path === '' ? { ...body, capacity: 7 } : body) },
      'Version 6: after it, capacity is 2 by the log, and 7 by what the service says.',
    ],
    [
      'without a beginning, somebody who is listed and has left',
      {
        log: (all) => all.slice(1),
        alter: (path, body) =>
          path === '/registrations'
            ? {
                ...body,
                items: (body.items as object[]).map((row) => ({
                  ...row,
                  registrationId: '00000000-0000-4000-8000-000000000001',
                })),
              }
            : body,
      },
      'Version 6: after it, place ',
    ],
  ];

  test.each(LIES)('finds %s', async (_, manner, fault) => {
    await using teller = await Teller.open(await history(), manner);
    const { holds, lines } = await verifyLog(new Api(teller.url), 'e');
    expect(lines).toHaveLength(1);
    expect(lines[0]?.startsWith(fault), lines[0]).toBe(true);
    expect(holds).toBe(false);
  });

  test('ends with 1 for a receipt that is not in the log', async () => {
    const writer = await history();
    await using teller = await Teller.open(writer);
    const [, second, third] = writer.entries as [SeenEntry, SeenEntry, SeenEntry];
    const other = receiptOf({ ...third, chain: second.chain });
    expect(await verify(teller.url, 'e', '--receipt', other)).toEqual({
      code: 1,
      said: `Version 3: has the chain ${third.chain}, and the receipt has another.\n`,
    });
    const none = receiptOf({ ...third, version: 30 });
    expect(await verify(teller.url, 'e', '--receipt', none)).toEqual({
      code: 1,
      said: 'Version 30: the receipt is not in the log.\n',
    });
  });

  test('reads the log on when the event changes meanwhile', async () => {
    const writer = await history();
    let left = 2;
    const before = async (path: string) => {
      if (path !== '/waitlist' || left-- <= 0) return;
      await writer.commit([{ type: 'register', userId: `late ${left}` }]);
    };
    await using teller = await Teller.open(writer, { before });
    const { code, said } = await verify(teller.url, 'e');
    expect(said).toContain('8 entries with 9 changes');
    expect(said).toContain('At its end 2 have a seat and 3 wait, as the lists say.');
    expect(code).toBe(0);
    expect(teller.calls.filter((path) => path === '/waitlist')).toHaveLength(3);
    left = 1_000;
    const restless = await verify(teller.url, 'e');
    expect(restless.said).toContain('Its end was not compared');
    expect(restless.code).toBe(0);
  });

  test('ends with 2 for wrong use', async () => {
    const use = /^Say which event of which service: npm run verify/;
    for (const args of [[], ['http://127.0.0.1:1'], ['http://127.0.0.1:1', 'e', 'more']]) {
      const { code, said } = await verify(...args);
      expect(said).toMatch(use);
      expect(code).toBe(2);
    }
    for (const args of [
      ['localhost:8787', 'e'],
      ['http://127.0.0.1:1', 'e', '--receipt', '3'],
      ['http://127.0.0.1:1', 'e', '--unknown'],
    ]) {
      const { code, said } = await verify(...args);
      expect(said.trim().split('\n').length, said).toBeLessThanOrEqual(2);
      expect(code, said).toBe(2);
    }
  });

  test('ends with 2 for a service that cannot be asked', async () => {
    const writer = await history();
    expect((await verify('http://127.0.0.1:1', 'e')).code).toBe(2);
    await using teller = await Teller.open(writer);
    expect(await verify(teller.url, 'other')).toMatchObject({ code: 2 });
    for (const status of [401, 403]) {
      await using closed = await Teller.open(writer, { status });
      expect(await verify(closed.url, 'e')).toEqual({
        code: 2,
        said: `${closed.url} answers ${status}: As the test wants it.\n`,
      });
    }
    await using empty = await Teller.open(writer, { log: () => [] });
    expect(await verify(empty.url, 'e')).toEqual({
      code: 2,
      said: 'The log has no entry, so there is nothing to check.\n',
    });
    await using strange = await Teller.open(writer, { alter: () => ({ hello: 'world' }) });
    expect((await verify(strange.url, 'e')).code).toBe(2);
  });

  test('asks a busy service again', { timeout: 30_000 }, async () => {
    const manner: Manner = { status: 503 };
    await using teller = await Teller.open(await history(), manner);
    const asked = verify(teller.url, 'e');
    await expect.poll(() => teller.calls.length, { timeout: 10_000 }).toBe(1);
    delete manner.status;
    expect((await asked).code).toBe(0);
  });
});

describe('the log of the service', () => {
  const directory = mkdtempSync(join(tmpdir(), 'registration-desk-'));
  let service: Service | undefined;
  afterAll(() => {
    if (service) killService(service);
    rmSync(directory, { recursive: true, force: true });
  });

  const send = (method: string, path: string, body?: object) =>
    fetch(`${service?.url}/registration/${path}`, {
      method,
      headers: { 'Content-Type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });

  test('holds after a rush, and after everything was killed in the middle of a raise', {
    timeout: 90_000,
  }, async () => {
    service = await startService(directory);
    const eventId = 'gala & dance';
    const at = `events/${encodeURIComponent(eventId)}`;
    await send('POST', 'events', { eventId, name: 'Gala', capacity: 20, hasWaitlist: true });
    const users = Array.from({ length: 250 }, (_, i) => `u${i}`);
    await Promise.all(users.map((userId) => send('POST', 'users', { userId, name: userId })));
    const receipts: string[] = [];
    const rush = users.map(async (userId, i) => {
      const answer = await send('POST', 'registrations', { userId, eventId });
      receipts.push(answer.headers.get('Registration-Receipt') ?? '');
      const query = `?userId=${userId}&eventId=${encodeURIComponent(eventId)}`;
      if (i % 5 === 0) await send('DELETE', `registrations${query}`);
      if (i % 7 === 0) await send('DELETE', `waitlist${query}`);
    });
    await Promise.all(rush);
    await send('PATCH', at, { name: 'Gala and dance', capacity: 25 });
    const receipt = receipts[100] ?? '';
    const whole = await verify(service.url, eventId, '--receipt', receipt);
    expect(whole.said).toContain('as the lists say');
    expect(whole.code).toBe(0);

    const raise = send('PATCH', at, { capacity: 200 }).catch(() => null);
    await new Promise((done) => setTimeout(done, 40));
    killService(service);
    await raise;
    service = await startService(directory);
    const { code, said } = await verify(service.url, eventId, '--receipt', receipt);
    expect(said).toContain('as the lists say');
    expect(code).toBe(0);
  });
});
