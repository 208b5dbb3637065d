import { cloudflareTest } from '@cloudflare/vitest-pool-workers';
import { defineConfig } from 'vitest/config';

/** Tests that need the Workers runtime; all others run in Node. */
const IN_WORKERD = [
  'test/auth/access.test.ts',
  'test/routes/**/*.test.ts',
  'test/store/**/*.test.ts',
  'test/event/event-object*.test.ts',
];

export default defineConfig({
  test: {
    globalSetup: 'test/support/dynamodb.setup.ts',
    testTimeout: 20_000,
    projects: [
      {
        extends: true,
        test: { name: 'node', include: ['test/**/*.test.ts'], exclude: IN_WORKERD },
      },
      {
        extends: true,
        plugins: [
          cloudflareTest(({ inject }) => ({
            wrangler: { configPath: './wrangler.toml' },
            miniflare: { bindings: inject('bindings') },
          })),
        ],
        test: { name: 'workers', include: IN_WORKERD },
      },
    ],
  },
});
