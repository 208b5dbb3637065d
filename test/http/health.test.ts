import { env } from 'cloudflare:workers';
import { describe, expect, test, vi } from 'vitest';
import app from '../../src/http/app.ts';
import { READY_MAX_AGE_MS, READY_TURN_MS } from '../../src/limits.ts';
import { Readiness, type TableRole } from '../../src/store/probe.ts';
import { api, countDynamo, onDynamo } from '../support/desk.ts';
import { fault, refusal } from '../support/faults.ts';

/** Calls the app with settings of its own. */
async function withSettings(path: string, settings: Record<string, string | undefined>) {
  const response = await app.request(path, {}, { ...env, ...settings });
  return {
    status: response.status,
    body: (await response.json()) as { title: string; detail: string },
  };
}

const EVENTS = '/registration/events';

/** Records the errors in the log until disposed of. */
function watchErrors() {
  const lines: unknown[] = [];
  const written = vi.spyOn(console, 'error').mockImplementation((line) => {
    lines.push(JSON.parse(String(line)));
  });
  return { lines, [Symbol.dispose]: () => written.mockRestore() };
}

describe('health', () => {
  test('the process answers', async () => {
    const { status, body } = await api('GET', '/health');
    expect(status).toBe(200);
    expect(body).toEqual({ status: 'ok' });
  });

  test('the tables answer', async () => {
    const { status, body } = await api('GET', '/health/ready');
    expect(status).toBe(200);
    expect(body).toEqual({ status: 'ready' });
  });

  test("the answer says which table fails; the log has its name and DynamoDB's message", async () => {
    using written = watchErrors();
    const { status, body } = await withSettings('/health/ready', { WAITLIST_TABLE: 'not-there' });
    expect(status).toBe(503);
    expect(body.detail).toBe('Not every table answers; failing: waitlist.');
    expect(written.lines).toEqual([
      {
        problem: 'not ready',
        part: 'waitlist',
        table: 'not-there',
        cause: 'DynamoDB refuses the call: ResourceNotFoundException',
        says: expect.any(String),
      },
    ]);
  });

  test('a failure is in the log once, however many requests come', async () => {
    using written = watchErrors();
    const isolate = { ...env, WAITLIST_TABLE: 'not-there' };
    const ask = async () => (await app.request('/health/ready', {}, isolate)).status;
    expect(new Set(await Promise.all([ask(), ask(), ask()]))).toEqual(new Set([503]));
    expect(written.lines.length).toBe(1);
  });

  test("no other call shows DynamoDB's message either, but the log does", async () => {
    using written = watchErrors();
    using _ = onDynamo(async () => refusal(400, 'AccessDeniedException'));
    for (const path of ['/registration/users/a', '/registration/users/a/events', EVENTS]) {
      const { status, body } = await api('GET', path);
      expect(status).toBe(503);
      expect(body.detail).toBe('The tables cannot be reached.');
      expect(written.lines.pop()).toMatchObject({
        problem: 'tables unreachable',
        requestId: expect.any(String),
        cause: 'DynamoDB refuses the call: AccessDeniedException',
      });
    }
  });

  test('tables that do not answer are a 503 within 5 s, and the process is still healthy', async () => {
    using _ = onDynamo(() => Promise.reject(new TypeError('no route')));
    const start = Date.now();
    const response = await app.request('/health/ready', {}, { ...env });
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('2');
    expect(Date.now() - start).toBeLessThan(5_000);
    expect((await api('GET', '/health')).status).toBe(200);
  });

  test('the tables are asked once a second, however many requests come', async () => {
    const isolate = { ...env };
    const ask = async () => (await app.request('/health/ready', {}, isolate)).status;
    using calls = countDynamo();
    expect(new Set(await Promise.all(Array.from({ length: 20 }, ask)))).toEqual(new Set([200]));
    expect(await ask()).toBe(200);
    expect(calls.operations.length).toBe(4);
    await new Promise((resolve) => setTimeout(resolve, READY_MAX_AGE_MS));
    expect(await ask()).toBe(200);
    expect(calls.operations.length).toBe(8);
  });

  test('a failure is reported while it lasts, and at most a second longer', async () => {
    const isolate = { ...env };
    const ask = async () => (await app.request('/health/ready', {}, isolate)).status;
    {
      using _ = fault('GetItem', 1, async () => refusal(400, 'AccessDeniedException'));
      expect([await ask(), await ask()]).toEqual([503, 503]);
    }
    await new Promise((resolve) => setTimeout(resolve, READY_MAX_AGE_MS));
    expect(await ask()).toBe(200);
  });
});

describe('whether the tables answer', () => {
  const keepNothing = () => {};

  test('is checked to the end, even if the request that began it is cut off', async () => {
    const kept: Promise<unknown>[] = [];
    const probe = Promise.withResolvers<TableRole[]>();
    const readiness = new Readiness(
      () => probe.promise,
      (work) => kept.push(work),
    );
    const first = readiness.faults();
    expect(kept.length).toBe(1);
    probe.resolve(['users']);
    await kept[0];
    // Nobody awaited the first request, and still its result is there.
    expect(await readiness.faults()).toEqual(['users']);
    expect(await first).toEqual(['users']);
  });

  test('is checked by another request when the first was cut off, or failed', async () => {
    let asked = 0;
    const readiness = new Readiness(() => {
      asked++;
      if (asked === 1) return new Promise(() => {});
      return asked === 2 ? Promise.reject(new Error('a defect')) : Promise.resolve(['users']);
    }, keepNothing);
    void readiness.faults();
    const start = Date.now();
    await expect(readiness.faults()).rejects.toThrow('a defect');
    expect(Date.now() - start).toBeGreaterThanOrEqual(READY_TURN_MS);
    expect(await readiness.faults()).toEqual(['users']);
    expect(asked).toBe(3);
  });
});

describe('a setting that is missing or impossible is named', () => {
  test.for([
    ['AWS_ACCESS_KEY_ID', undefined],
    ['AWS_SECRET_ACCESS_KEY', ''],
    ['AWS_REGION', 'Frankfurt'],
    ['AWS_REGION', undefined],
    ['DYNAMODB_ENDPOINT', 'localhost:8000'],
    ['USERS_TABLE', 'a b'],
    ['LOCATION_HINT', 'mars'],
  ] as const)('%s = %s', async ([name, value]) => {
    for (const path of ['/health/ready', '/registration/users/a', '/registration/events/a']) {
      const { status, body } = await withSettings(path, { [name]: value });
      expect(status).toBe(503);
      expect(body.title).toBe('ConfigurationError');
      expect(body.detail).toContain(name);
      expect(body.detail).not.toContain('at ');
    }
    expect((await withSettings('/health', { [name]: value })).status).toBe(200);
  });

  test('every fault is named at once, and no value is shown', async () => {
    const { body } = await withSettings('/health/ready', {
      AWS_REGION: 'nonsense',
      AWS_SECRET_ACCESS_KEY: undefined,
    });
    expect(body.detail).toContain('AWS_REGION');
    expect(body.detail).toContain('AWS_SECRET_ACCESS_KEY');
    expect(body.detail).not.toContain('nonsense');
  });
});
