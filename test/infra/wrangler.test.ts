import { join } from 'node:path';
import { expect, test } from 'vitest';
import { unstable_readConfig } from 'wrangler';
import { readConfig } from '../../src/config.ts';
import { RATE_LIMIT_CALLS, RATE_LIMIT_PERIOD_SECONDS } from '../../src/http-limits.ts';
import { CAPACITY_MAX, TRANSACTION_MAX_ACTIONS } from '../../src/limits.ts';

const ENVIRONMENTS = ['dev', 'staging', 'production'];

interface Settings {
  analytics_engine_datasets: object[];
  limits?: { cpu_ms?: number; subrequests?: number };
  observability?: { logs?: { invocation_logs?: boolean }; traces?: { enabled?: boolean } };
  triggers?: { crons?: string[] };
  vars: Record<string, unknown>;
  ratelimits: { name: string; namespace_id: string; simple: { limit: number; period: number } }[];
}

/** An environment as wrangler itself reads it. */
function read(environment?: string): Settings {
  const config = join(import.meta.dirname, '../../wrangler.toml');
  return unstable_readConfig(
    { config, ...(environment ? { env: environment } : {}) },
    { hideWarnings: true },
  );
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

test.each(ENVIRONMENTS)('%s looks every hour for events whose alarm was lost', (environment) => {
  expect(read(environment).triggers?.crons).toEqual(['17 * * * *']);
});

test('no two limits share a counter', () => {
  const ids = ENVIRONMENTS.flatMap((each) =>
    read(each).ratelimits.map(({ namespace_id }) => namespace_id),
  );
  expect(ids.length).toBe(6);
  expect(new Set(ids).size).toBe(6);
});

/** Secrets as a deployment may have them. */
const SECRETS = {
  AWS_ACCESS_KEY_ID: 'id',
  AWS_SECRET_ACCESS_KEY: 'secret',
  API_KEYS: JSON.stringify([{ name: 'crm', roles: ['service'], sha256: '0'.repeat(64) }]),
};

test.each(ENVIRONMENTS)('%s has authentication', (environment) => {
  const { auth } = readConfig({ ...read(environment).vars, ...SECRETS });
  expect(auth.keys).toHaveLength(1);
});

test('a deployment that names no environment is closed, and has tables of its own', () => {
  const { vars } = read();
  expect(() => readConfig({ ...vars, ...SECRETS })).toThrow(
    /ENVIRONMENT must be .*AUTH_MODE must be/,
  );
  // Even if the other settings are given.
  const opened = readConfig({ ...vars, ...SECRETS, ENVIRONMENT: 'dev', AUTH_MODE: 'key' });
  const taken = ENVIRONMENTS.flatMap((each) =>
    Object.values(readConfig({ ...read(each).vars, ...SECRETS }).tables),
  );
  const names = Object.values(opened.tables);
  expect(names.filter((name) => taken.includes(name))).toEqual([]);
  expect(new Set([...taken, ...names]).size).toBe(16);
});

test.each([undefined, ...ENVIRONMENTS])(
  '%s has the limits of large events, and keeps no URLs',
  (environment) => {
    const { limits, observability } = read(environment);
    expect(limits).toEqual({ cpu_ms: 120_000, subrequests: 1_000_000 });
    // 100 000 promoted are two rows each, and a commit takes 99.
    expect(limits?.subrequests).toBeGreaterThan((CAPACITY_MAX * 2) / (TRANSACTION_MAX_ACTIONS - 1));
    expect(observability?.logs?.invocation_logs).toBe(false);
  },
);
