import { join } from 'node:path';
import { expect, test } from 'vitest';
import { unstable_readConfig } from 'wrangler';
import { RATE_LIMIT_CALLS, RATE_LIMIT_PERIOD_SECONDS } from '../../src/limits.ts';

const ENVIRONMENTS = ['dev', 'staging', 'production'];

interface Settings {
  analytics_engine_datasets: object[];
  observability?: { traces?: { enabled?: boolean } };
  ratelimits: { name: string; namespace_id: string; simple: { limit: number; period: number } }[];
}

/** What wrangler itself makes of an environment. */
function read(environment: string): Settings {
  const config = join(import.meta.dirname, '../../wrangler.toml');
  return unstable_readConfig({ config, env: environment }, { hideWarnings: true });
}

test.each(ENVIRONMENTS)('%s has a dataset for its measurements, and traces', (environment) => {
  const { analytics_engine_datasets, observability } = read(environment);
  expect(analytics_engine_datasets).toEqual([
    { binding: 'METRICS', dataset: `registration_${environment}` },
  ]);
  expect(observability?.traces?.enabled).toBe(true);
});

test.each(ENVIRONMENTS)('%s counts calls as the RateLimit-Policy header says', (environment) => {
  const limits = read(environment).ratelimits.map(({ name, simple }) => ({ name, ...simple }));
  const period = RATE_LIMIT_PERIOD_SECONDS;
  expect(limits).toEqual([
    { name: 'ADDRESS_LIMIT', limit: RATE_LIMIT_CALLS.address, period },
    { name: 'CALLER_LIMIT', limit: RATE_LIMIT_CALLS.caller, period },
  ]);
});

test('no two limits share a counter', () => {
  const ids = ENVIRONMENTS.flatMap((each) =>
    read(each).ratelimits.map(({ namespace_id }) => namespace_id),
  );
  expect(ids.length).toBe(6);
  expect(new Set(ids).size).toBe(6);
});
