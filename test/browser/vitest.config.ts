import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';

/** The tests of the pages. They are not part of `npm test`, since not every machine has a browser. */
export default defineConfig({
  test: {
    root: resolve(import.meta.dirname, '../..'),
    include: ['test/browser/**/*.test.ts'],
    globalSetup: 'test/browser/setup.ts',
    // One browser at a time.
    fileParallelism: false,
    testTimeout: 30_000,
    hookTimeout: 90_000,
  },
});
