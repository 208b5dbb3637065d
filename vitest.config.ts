import { cloudflareTest } from '@cloudflare/vitest-pool-workers';
import { defineConfig } from 'vitest/config';
import { OFFER_REMINDER_SECONDS, WEBHOOKS } from './test/support/receiver.ts';

/** Tests that need the Workers runtime; all others run in Node. */
const IN_WORKERD = [
  'test/auth/access.test.ts',
  'test/http/**/*.test.ts',
  'test/store/**/*.test.ts',
  'test/object/event-object*.test.ts',
  'test/object/offers.alarm.test.ts',
];

/** What runs with somebody who takes the traces; of the others nobody does. */
const TRACED = 'test/object/traces.test.ts';

/** What runs with endpoints that are told of changes. */
const TOLD = ['test/object/webhooks.test.ts', 'test/object/reminders.test.ts'];

/** Whether workerd also reports what tests provoke, such as an object that is aborted. Its errors are always shown. */
const VERBOSE = process.env.WORKERD_VERBOSE === 'yes';

/** Flags by which the runtime streams traces, spans of our own included, to another worker. */
const TRACES = ['streaming_tail_worker', 'tail_worker_user_spans'];

/** Keeps the names of all spans, and gives them to whoever asks. */
const SPANS = {
  name: 'spans',
  modules: true,
  compatibilityDate: '2026-10-23',
  compatibilityFlags: TRACES,
  script: `const names = [];
    export default {
      tailStream: () => ({ event }) => { if (event.type === 'spanOpen') names.push(event.name); },
      fetch: () => Response.json(names),
    };`,
};

export default defineConfig({
  test: {
    globalSetup: 'test/support/dynamodb.setup.ts',
    // For a busy machine: a test that starts the service loads wrangler several times.
    testTimeout: 60_000,
    // What the worker logs is shown for a test that fails.
    silent: 'passed-only',
    projects: [
      {
        extends: true,
        test: {
          name: 'node',
          include: ['test/**/*.test.ts'],
          exclude: [...IN_WORKERD, TRACED, ...TOLD, 'test/browser/**', '**/node_modules/**'],
        },
      },
      {
        extends: true,
        plugins: [
          cloudflareTest(({ inject }) => ({
            verbose: VERBOSE,
            wrangler: { configPath: './wrangler.toml' },
            miniflare: {
              bindings: inject('bindings'),
              ratelimits: { TWO_A_MINUTE: { namespace_id: '1', simple: { limit: 2, period: 60 } } },
            },
          })),
        ],
        test: { name: 'workers', include: IN_WORKERD },
      },
      {
        extends: true,
        plugins: [
          cloudflareTest(({ inject }) => ({
            verbose: VERBOSE,
            wrangler: { configPath: './wrangler.toml' },
            miniflare: {
              bindings: inject('bindings'),
              compatibilityFlags: TRACES,
              streamingTails: ['spans'],
              serviceBindings: { SPANS: 'spans' },
              workers: [SPANS],
            },
          })),
        ],
        test: { name: 'traced', include: [TRACED] },
      },
      {
        extends: true,
        plugins: [
          cloudflareTest(({ inject }) => ({
            verbose: VERBOSE,
            wrangler: { configPath: './wrangler.toml' },
            miniflare: {
              bindings: { ...inject('bindings'), WEBHOOKS, OFFER_REMINDER_SECONDS },
            },
          })),
        ],
        test: { name: 'told', include: TOLD },
      },
    ],
  },
});
