import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const MAIN = join(import.meta.dirname, 'main.ts');

test('a slice of the campaign finds no violation', { timeout: 90_000 }, async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [MAIN, '--slice'], {
    timeout: 80_000,
    // The exit code shows violations too, but the output shows more.
  }).catch((error: { stdout: string }) => error);
  const summary = /\nhistories (\d+), crashes [1-9]\d*, split-brain [1-9]\d*, violations 0\n$/;
  expect(stdout).toMatch(summary);
  expect(Number(summary.exec(stdout)?.[1])).toBeGreaterThanOrEqual(10);
});
