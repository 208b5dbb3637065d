import { env } from 'cloudflare:workers';
import { describe, expect, test, vi } from 'vitest';
import app from '../../src/app.ts';
import { api, newEvent, newUsers, register, unique } from '../support/desk.ts';

/** Calls with a log, and gives the lines that were written. */
async function logged(method: string, path: string, body?: unknown, on: Partial<Env> = {}) {
  const written = vi.spyOn(console, 'log').mockImplementation(() => {});
  const init = {
    method,
    headers: { 'Content-Type': 'application/json', 'X-Request-Id': 'request-1' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
  const logging = { ...env, LOG_REQUESTS: 'yes', ...on };
  await app.fetch(new Request(`http://desk.test${path}`, init), logging);
  const lines = written.mock.calls.map(([line]) => JSON.parse(String(line)));
  written.mockRestore();
  return lines;
}

describe('the log of requests', () => {
  test('has a line with what became of a registration, and what it took', async () => {
    const [userId = ''] = await newUsers(1);
    const eventId = await newEvent(1, true);
    const lines = await logged('POST', '/registration/registrations', { userId, eventId });
    expect(lines).toEqual([
      {
        requestId: 'request-1',
        method: 'POST',
        route: '/registration/registrations',
        status: 201,
        outcome: 'ACTIVE',
        totalMs: expect.any(Number),
        queueMs: expect.any(Number),
        commitMs: expect.any(Number),
        batch: 1,
        attempts: 1,
      },
    ]);
  });

  test('tells a place in line, a refusal and an unknown path apart', async () => {
    const [a = '', b = ''] = await newUsers(2);
    const eventId = await newEvent(1, true);
    await register(a, eventId);
    const post = (userId: string) =>
      logged('POST', '/registration/registrations', { userId, eventId });
    expect(await post(b)).toMatchObject([{ status: 201, outcome: 'WAITLISTED' }]);
    expect(await post(b)).toMatchObject([{ status: 409, outcome: 'DuplicateError' }]);
    expect(await post('')).toMatchObject([{ status: 400, outcome: 'ValidationError' }]);
    expect(await logged('GET', '/nowhere')).toMatchObject([{ status: 404, route: null }]);
  });

  test('has no id, name, token or key of anybody', async () => {
    const userId = unique('somebody');
    const lines = await logged('GET', `/registration/users/${userId}?x=${userId}`);
    expect(lines).toMatchObject([{ route: '/registration/users/:userId', status: 404 }]);
    expect(JSON.stringify(lines)).not.toContain(userId);
  });

  test('is not written unless asked for', async () => {
    expect(await logged('GET', '/health', undefined, { LOG_REQUESTS: '' })).toEqual([]);
  });
});

describe('Server-Timing', () => {
  test('tells what a change took, also when it was refused after a commit; not of a read', async () => {
    const [userId = ''] = await newUsers(1);
    const eventId = await newEvent(1, false);
    const { headers } = await register(userId, eventId);
    expect(headers.get('Server-Timing')).toMatch(/^queue;dur=\d+, commit;dur=\d+$/);
    const read = await api('GET', `/registration/events/${eventId}/capacity`);
    expect(read.headers.get('Server-Timing')).toBeNull();
  });
});
