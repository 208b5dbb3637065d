import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { examineCallers } from '../../src/cli/examine.ts';
import { checkSettings, readSettings, withLocalTables } from '../../src/cli/settings.ts';
import { readConfig } from '../../src/config.ts';
import { ConfigurationError } from '../../src/errors.ts';

const ROOT = resolve(import.meta.dirname, '../..');
/** The default table names, which are those of the contract. */
const USUAL = checkSettings({ AWS_REGION: 'eu-central-1' }).tables;
const HERE = 'http://127.0.0.1:8000';
/** The project's wrangler.toml, without a .dev.vars. */
let root: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'registration-desk-'));
  writeFileSync(join(root, 'wrangler.toml'), readFileSync(join(ROOT, 'wrangler.toml')));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const tablesOf = (settings: Record<string, string>) => checkSettings(settings).tables;

describe('without an environment', () => {
  test('on this machine, the tables have their default names, and authentication is off', async () => {
    const settings = await readSettings(root, undefined, { DYNAMODB_ENDPOINT: HERE });
    expect(tablesOf(settings)).toEqual(USUAL);
    expect(settings).toMatchObject({ ENVIRONMENT: 'development', AUTH_MODE: 'none' });
    // `npm start` gets its endpoint later.
    expect(tablesOf(withLocalTables(await readSettings(root, undefined, {})))).toEqual(USUAL);
  });

  test('table names and authentication that were chosen stay', async () => {
    const chosen = {
      DYNAMODB_ENDPOINT: HERE,
      USERS_TABLE: 'mine',
      AUTH_MODE: 'key',
      ENVIRONMENT: 'dev',
    };
    expect(await readSettings(root, undefined, chosen)).toMatchObject(chosen);
  });

  test('what wrangler.toml does not have comes out of the environment of the process', async () => {
    const given = {
      ...{ WEBHOOKS: '[]', LOG_DAYS: '7', API_KEYS: '[{}]', LOG_REQUESTS: 'yes' },
      OFFER_REMINDER_SECONDS: '60',
    };
    const settings = await readSettings(root, undefined, { ...given, SOMETHING: 'else' });
    expect(settings).toMatchObject(given);
    expect(settings).not.toHaveProperty('SOMETHING');
  });

  test('in an account, no table of an environment is touched', async () => {
    const names = Object.values(tablesOf(await readSettings(root, undefined, {})));
    for (const environment of ['dev', 'staging', 'production']) {
      const taken = Object.values(tablesOf(await readSettings(root, environment, {})));
      expect(names.filter((name) => taken.includes(name))).toEqual([]);
    }
  });
});

test('of an environment, only what wrangler.toml has is set', async () => {
  const settings = await readSettings(root, 'production', {});
  expect(settings).toMatchObject({ ENVIRONMENT: 'production', AUTH_MODE: 'key' });
  expect(tablesOf(settings)).toEqual(USUAL);
});

describe('the doctor says of callers', () => {
  const of = (AUTH_MODE: string, ENVIRONMENT: string, ALLOW_UNAUTHENTICATED = '') => {
    const { verdict, detail } = examineCallers({ AUTH_MODE, ENVIRONMENT, ALLOW_UNAUTHENTICATED });
    return `${verdict}: ${detail}`;
  };

  test('how they are authenticated, or that authentication is off', () => {
    expect(of('jwt,key', 'production')).toBe('right: by jwt,key');
    expect(of('none', 'development')).toBe(
      'right: is off: anyone on this machine may make every call',
    );
    const open = 'unknown: is off: anyone who can reach it may make every call';
    expect(of('none', 'development', 'yes')).toBe(open);
    expect(of('none', 'staging', 'yes')).toBe(open);
  });
});

test('a bare worker on this machine names the command that runs it with settings', () => {
  let refusal: unknown;
  try {
    readConfig({ AWS_REGION: 'eu-central-1' });
  } catch (error) {
    refusal = error;
  }
  if (!(refusal instanceof ConfigurationError)) throw refusal;
  expect(refusal.message).toContain('wrangler secret put');
  const here = refusal.forThisMachine().message;
  expect(here).toContain('AWS_ACCESS_KEY_ID is missing; AWS_SECRET_ACCESS_KEY is missing; ');
  expect(here).toContain('run `npm start` (or `npm run dev`) instead of `wrangler dev`');
  expect(here).not.toContain('secret put');
});
