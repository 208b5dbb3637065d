import { describe, expect, test, vi } from 'vitest';
import { attempt, type Fetch, retryAfterMs } from '../../src/outbox/attempt.ts';

const NOW = Date.UTC(2026, 10, 26, 12);

test.each([
  [null, 0],
  ['0', 0],
  ['120', 120_000],
  ['99999999999999999999', 1e23],
  ['Thu, 26 Nov 2026 12:02:00 GMT', 120_000],
  ['Thu, 26 Nov 2026 11:00:00 GMT', 0],
  ['-5', 0],
  ['1.5', 0],
  ['soon', 0],
  ['Soon GMT', 0],
  ['', 0],
])('Retry-After %j asks for %d ms', (header, ms) => {
  expect(retryAfterMs(header, NOW)).toBe(ms);
});

describe('an attempt', () => {
  const sendTo = (fetch: Fetch) =>
    attempt('https://hooks.example.com/', { 'webhook-id': 'msg_1' }, '{}', {
      fetch,
      now: () => NOW,
    });
  const answering = (status: number, headers: Record<string, string> = {}) =>
    sendTo(async () => new Response(null, { status, headers }));

  test('is taken with any 2xx', async () => {
    for (const status of [200, 201, 202, 204, 299]) {
      expect(await answering(status)).toEqual({ type: 'taken' });
    }
  });

  test('fails with all else, in our words', async () => {
    for (const status of [400, 401, 404, 409, 429, 500, 502, 503, 599]) {
      expect(await answering(status)).toEqual({
        ...{ type: 'failed', cause: `HTTP ${status}`, retryAfterMs: 0 },
      });
    }
    for (const status of [300, 301, 302, 303, 304, 307, 308]) {
      const result = await answering(status, { Location: 'https://elsewhere.example.com' });
      expect(result).toMatchObject({ type: 'failed', cause: `redirect ${status}` });
    }
    expect(await answering(503, { 'Retry-After': '7' })).toMatchObject({ retryAfterMs: 7_000 });
    expect(await answering(410)).toEqual({ type: 'ended', cause: 'HTTP 410' });
    const refused = await sendTo(() => Promise.reject(new TypeError('ECONNREFUSED 10.0.0.1')));
    expect(refused).toEqual({ type: 'failed', cause: 'connection failed', retryAfterMs: 0 });
  });

  test('is cut off after 15 s, and leaves no timer', async () => {
    vi.useFakeTimers();
    try {
      const hanging: Fetch = (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () => reject(signal.reason));
        });
      let result: unknown;
      void sendTo(hanging).then((each) => {
        result = each;
      });
      await vi.advanceTimersByTimeAsync(14_999);
      expect(result).toBeUndefined();
      await vi.advanceTimersByTimeAsync(1);
      expect(result).toEqual({ type: 'failed', cause: 'timeout', retryAfterMs: 0 });
      await answering(200);
      await answering(500);
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  test('lets the body go unread, and counts as it answered though that fails', async () => {
    let isLetGo = false;
    const body = new ReadableStream({
      cancel() {
        isLetGo = true;
        throw new Error('broken pipe');
      },
    });
    expect(await sendTo(async () => new Response(body, { status: 200 }))).toEqual({
      type: 'taken',
    });
    expect(isLetGo).toBe(true);
  });

  test('follows no redirection and keeps to its headers', async () => {
    const inits: RequestInit[] = [];
    await sendTo(async (_, init) => {
      inits.push(init);
      return new Response();
    });
    expect(inits).toMatchObject([
      { method: 'POST', redirect: 'manual', body: '{}', headers: { 'webhook-id': 'msg_1' } },
    ]);
  });
});
