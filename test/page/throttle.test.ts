import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { throttle } from '../../src/page/desk/throttle.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test('what is asked for often is done at once, and once more after the pause', async () => {
  let runs = 0;
  const throttled = throttle(async () => {
    runs++;
  }, 2_000);
  for (let i = 0; i < 5; i++) throttled.ask();
  expect(runs).toBe(1);
  throttled.ask();
  await vi.advanceTimersByTimeAsync(1_999);
  expect(runs).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(runs).toBe(2);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(runs).toBe(2);
  throttled.ask();
  expect(runs).toBe(3);
});

test('after its end nothing is done any more', async () => {
  let runs = 0;
  const throttled = throttle(async () => {
    runs++;
  }, 2_000);
  throttled.ask();
  throttled.ask();
  throttled.end();
  await vi.advanceTimersByTimeAsync(10_000);
  throttled.ask();
  expect(runs).toBe(1);
});
