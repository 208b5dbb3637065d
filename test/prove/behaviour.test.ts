import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { measureHang, measureOverload, measureThrottling } from './behaviour.ts';
import { type Build, build } from './build.ts';
import { measureReplays } from './fairness.ts';
import { measureHostile } from './hostile.ts';

const TIMEOUT_MS = 60_000;
const SMALL_QUEUE = 250;

/** The product as it is deployed, in workerd; the campaign measures the same for longer. */
describe('under load and faults', { timeout: TIMEOUT_MS }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'prove-'));
  let product: Build;
  /** A build with a short queue, which is full before the commit in flight reaches its deadline. */
  let small: Build;
  beforeAll(async () => {
    product = await build(folder, { name: 'product', scale: 1, replacements: [] });
    const from = 'QUEUE_MAX_COMMANDS = 2_500;';
    const to = `QUEUE_MAX_COMMANDS = ${SMALL_QUEUE};`;
    const replacements = [{ file: 'limits.ts', from, to }];
    small = await build(folder, { name: 'small', scale: 1, replacements });
  }, TIMEOUT_MS);
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  test('past its bound the queue refuses at once, and its commands are carried out', async () => {
    expect((await measureOverload(small, SMALL_QUEUE)).faults).toEqual([]);
  });

  test('a DynamoDB that hangs leaves nothing stuck, and memory as it was', async () => {
    expect((await measureHang(product, 5_000)).faults).toEqual([]);
  });

  test('throttling slows the service down, and breaks nothing', async () => {
    expect((await measureThrottling(product, 1_000)).faults).toEqual([]);
  });

  // Compares two percentiles in milliseconds, which a busy machine can distort. A real fault makes seconds.
  test("replays of used keys don't delay other clients", { retry: 2 }, async () => {
    expect((await measureReplays(product, 3_000)).faults).toEqual([]);
  });

  test('2 000 hostile requests are each refused with a problem document', async () => {
    expect((await measureHostile(product, 1, 2_000)).faults).toEqual([]);
  });
});
