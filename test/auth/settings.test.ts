import { describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';

const BASE = {
  AWS_REGION: 'eu-central-1',
  AWS_ACCESS_KEY_ID: 'id',
  AWS_SECRET_ACCESS_KEY: 'the-secret',
  ENVIRONMENT: 'production',
};
const JWT = {
  ...BASE,
  AUTH_MODE: 'jwt',
  JWT_ISSUER: 'https://issuer.test',
  JWT_AUDIENCE: 'desk',
  JWT_JWKS_URL: 'https://issuer.test/keys',
};
const KEY = { name: 'crm', roles: ['service'], sha256: 'a'.repeat(64) };

describe('the settings about callers', () => {
  test('have to say who may call: without a mode or an environment nothing works', () => {
    expect(() => readConfig(BASE)).toThrow('AUTH_MODE must be one of');
    expect(() => readConfig({ ...BASE, ENVIRONMENT: undefined, AUTH_MODE: 'none' })).toThrow(
      'ENVIRONMENT must be one of',
    );
  });

  test('none is for development; in production it has to be said twice', () => {
    const open = { ...BASE, AUTH_MODE: 'none' };
    expect(() => readConfig(open)).toThrow('AUTH_MODE is none in production');
    expect(() => readConfig({ ...open, ALLOW_UNAUTHENTICATED: 'no' })).toThrow('AUTH_MODE');
    const none = { jwt: null, keys: null };
    expect(readConfig({ ...open, ALLOW_UNAUTHENTICATED: 'yes' }).auth).toEqual(none);
    expect(readConfig({ ...open, ENVIRONMENT: 'development' }).auth).toEqual(none);
  });

  test('jwt needs an issuer, an audience and a key set that comes encrypted', () => {
    expect(readConfig(JWT).auth.jwt).toMatchObject({ rolesClaim: 'roles', audience: 'desk' });
    for (const name of ['JWT_ISSUER', 'JWT_AUDIENCE', 'JWT_JWKS_URL']) {
      expect(() => readConfig({ ...JWT, [name]: '' })).toThrow(name);
    }
    const from = (url: string) => () => readConfig({ ...JWT, JWT_JWKS_URL: url });
    expect(from('http://issuer.test/keys')).toThrow('JWT_JWKS_URL must be an https URL');
    expect(from('http://localhost.evil.test/keys')).toThrow('JWT_JWKS_URL');
    expect(from('http://localhost:8080/keys')).not.toThrow();
  });

  test('the clock tolerance is 0 to 300 seconds', () => {
    const within = (text: string) => () =>
      readConfig({ ...JWT, JWT_CLOCK_TOLERANCE_SECONDS: text });
    for (const text of ['0', '300']) expect(within(text)).not.toThrow();
    for (const text of ['301', '-1', '1.5', 'x', '']) expect(within(text)).toThrow('JWT_CLOCK');
  });

  test('keys have names of their own and known roles, and a fault never shows a digest', () => {
    const withKeys = (keys: unknown) => () =>
      readConfig({ ...BASE, AUTH_MODE: 'key', API_KEYS: JSON.stringify(keys) });
    expect(withKeys([KEY])).not.toThrow();
    expect(withKeys([KEY, KEY])).toThrow('names a key twice');
    expect(withKeys([])).toThrow('API_KEYS has no key');
    expect(withKeys([{ ...KEY, roles: ['attendee'] }])).toThrow('API_KEYS.0.roles');
    expect(withKeys([{ ...KEY, key: 'rdk_x' }])).toThrow('API_KEYS.0');
    const digest = 'deadbeef'.repeat(7);
    expect(withKeys([{ ...KEY, sha256: digest }])).toThrow('64 hex digits');
    expect(withKeys([{ ...KEY, sha256: digest }])).not.toThrow(digest);
    const broken = { ...BASE, AUTH_MODE: 'jwt,key', API_KEYS: '{' };
    expect(() => readConfig(broken)).toThrow('API_KEYS');
  });
});
