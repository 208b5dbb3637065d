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
  test('must say who may call: without a mode or an environment nothing works', () => {
    expect(() => readConfig(BASE)).toThrow('AUTH_MODE must be one of');
    expect(() => readConfig({ ...BASE, ENVIRONMENT: undefined, AUTH_MODE: 'none' })).toThrow(
      'ENVIRONMENT must be one of',
    );
  });

  test('none is for development; elsewhere it needs a second setting', () => {
    const none = { jwt: null, keys: null };
    for (const ENVIRONMENT of ['dev', 'staging', 'production']) {
      const open = { ...BASE, ENVIRONMENT, AUTH_MODE: 'none' };
      expect(() => readConfig(open)).toThrow('AUTH_MODE is none outside development');
      for (const ALLOW_UNAUTHENTICATED of ['no', 'YES', 'true', '1', '']) {
        expect(() => readConfig({ ...open, ALLOW_UNAUTHENTICATED })).toThrow('AUTH_MODE');
      }
      expect(readConfig({ ...open, ALLOW_UNAUTHENTICATED: 'yes' }).auth).toEqual(none);
    }
    const development = { ...BASE, ENVIRONMENT: 'development', AUTH_MODE: 'none' };
    expect(readConfig(development).auth).toEqual(none);
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

  test('the mode is a list without repetitions, or none', () => {
    const LINK_SECRET = 'x'.repeat(32);
    const keys = { API_KEYS: JSON.stringify([KEY]), LINK_SECRET };
    const inMode = (AUTH_MODE: string) => () => readConfig({ ...JWT, ...keys, AUTH_MODE });
    for (const mode of ['key', 'jwt,key', 'key, jwt', 'link,key', 'jwt,link', 'jwt,key,link']) {
      expect(inMode(mode), mode).not.toThrow();
      expect(inMode(mode)().auth.linkSecrets, mode).toEqual(
        mode.includes('link') ? [LINK_SECRET] : undefined,
      );
    }
    for (const mode of ['', ',', 'key,', 'key,key', 'none,key', 'key none', 'KEY', 'keys']) {
      expect(inMode(mode), mode).toThrow('AUTH_MODE must be one of');
    }
    expect(inMode('link')).toThrow('AUTH_MODE is link alone');
  });

  test('link needs a secret of 32 bytes, or two while they are rotated, and quotes nothing of it', () => {
    const keys = { ...BASE, AUTH_MODE: 'key,link', API_KEYS: JSON.stringify([KEY]) };
    const withSecret = (LINK_SECRET?: string) => () => readConfig({ ...keys, LINK_SECRET });
    const [one, other, third] = ['a'.repeat(32), '\u4f1a'.repeat(11), 'c'.repeat(32)];
    expect(withSecret(one)().auth.linkSecrets).toEqual([one]);
    expect(withSecret(` ${one} ,${other}`)().auth.linkSecrets).toEqual([one, other]);
    for (const short of [undefined, '', 'SeCrEt', 'S'.repeat(31), `${one},`, `${one},SeCrEt`]) {
      expect(withSecret(short), short).toThrow('LINK_SECRET must have at least 32 bytes');
      expect(withSecret(short), short).not.toThrow('SeCrEt');
    }
    expect(withSecret(`${one},${one}`)).toThrow('LINK_SECRET must be one secret, or 2');
    expect(withSecret(`${one},${other},${third}`)).toThrow('LINK_SECRET must be one secret, or 2');
  });

  test('links lead to an https origin; to http only on this machine, outside production', () => {
    const at = (PUBLIC_URL: string, ENVIRONMENT = 'production') =>
      readConfig({ ...JWT, ENVIRONMENT, PUBLIC_URL }).auth.publicUrl;
    expect(at('')).toBeUndefined();
    for (const url of ['https://desk.example', 'https://desk.example:8443']) {
      expect(at(url)).toBe(url);
    }
    for (const url of [
      'desk.example',
      'https://desk.example/',
      'https://desk.example/desk',
      'https://desk.example?a=b',
      'https://desk.example#a',
      'https://ada:pass@desk.example',
      'https://DESK.example',
      'https://desk.example:443',
      'http://desk.example',
      'http://localhost.evil.example',
      'javascript:alert(1)',
      'null',
    ]) {
      for (const where of ['production', 'development']) {
        expect(() => at(url, where), url).toThrow('PUBLIC_URL must be an https origin such as');
      }
    }
    for (const url of ['http://localhost:8787', 'http://127.0.0.1:8787']) {
      for (const where of ['development', 'dev', 'staging']) expect(at(url, where)).toBe(url);
      expect(() => at(url), url).toThrow('PUBLIC_URL must be an https origin');
    }
  });

  test('the clock tolerance is 0 to 300 seconds', () => {
    const within = (text: string) => () =>
      readConfig({ ...JWT, JWT_CLOCK_TOLERANCE_SECONDS: text });
    for (const text of ['0', '300']) expect(within(text)).not.toThrow();
    for (const text of ['301', '-1', '1.5', 'x', '']) expect(within(text)).toThrow('JWT_CLOCK');
  });

  test('keys have unique names and known roles, and a fault never shows a digest', () => {
    const withKeys = (keys: unknown) => () =>
      readConfig({ ...BASE, AUTH_MODE: 'key', API_KEYS: JSON.stringify(keys) });
    expect(withKeys([KEY])).not.toThrow();
    const other = { ...KEY, name: 'other', sha256: 'b'.repeat(64) };
    expect(withKeys([KEY, other])).not.toThrow();
    expect(withKeys([KEY, { ...other, name: KEY.name }])).toThrow('API_KEYS names a key twice');
    expect(withKeys([KEY, { ...other, sha256: KEY.sha256 }])).toThrow(
      'API_KEYS has one sha256 twice',
    );
    expect(withKeys([])).toThrow('API_KEYS has no key');
    expect(withKeys([{ ...KEY, roles: ['attendee'] }])).toThrow('API_KEYS.0.roles');
    expect(withKeys([{ ...KEY, key: 'rdk_x' }])).toThrow('API_KEYS.0');
    const digest = 'deadbeef'.repeat(7);
    expect(withKeys([{ ...KEY, sha256: digest }])).toThrow('64 hex digits');
    expect(withKeys([{ ...KEY, sha256: digest }])).not.toThrow(digest);
    const broken = { ...BASE, AUTH_MODE: 'jwt,key', API_KEYS: '{' };
    expect(() => readConfig(broken)).toThrow('API_KEYS');
  });

  test('a fault in a secret is named by its path, and quotes nothing of it', () => {
    const secret = 'rdk_SeCrEt';
    const told = (API_KEYS: string) => {
      try {
        readConfig({ ...BASE, AUTH_MODE: 'key', API_KEYS });
      } catch (error) {
        return String(error);
      }
      return '';
    };
    const entries: [unknown, string][] = [
      [{ ...KEY, [secret]: 1 }, 'API_KEYS.0 has a field that is not known'],
      [{ ...KEY, name: secret }, 'API_KEYS.0.name must be 1 to 50'],
      [{ ...KEY, name: undefined }, 'API_KEYS.0.name must be 1 to 50'],
      [{ ...KEY, roles: [secret] }, 'API_KEYS.0.roles.0 must be organiser or service'],
      [{ ...KEY, roles: secret }, 'API_KEYS.0.roles must be a list'],
      [{ ...KEY, roles: [] }, 'API_KEYS.0.roles has no role'],
      [{ ...KEY, sha256: secret }, 'API_KEYS.0.sha256 must be 64 hex digits'],
      [{ ...KEY, sha256: { [secret]: secret } }, 'API_KEYS.0.sha256 must be 64 hex digits'],
      [secret, 'API_KEYS.0 must be an entry'],
      [null, 'API_KEYS.0 must be an entry'],
    ];
    const texts = entries.map(([entry, fault]) => [JSON.stringify([entry]), fault] as const);
    const all = [
      ...texts,
      [JSON.stringify({ [secret]: KEY }), 'API_KEYS must be a list'] as const,
      [JSON.stringify(secret), 'API_KEYS must be a list'] as const,
      [`[${secret}]`, 'API_KEYS is missing, or is no JSON'] as const,
    ];
    for (const [text, fault] of all) {
      expect(told(text)).toContain(fault);
      expect(told(text)).not.toContain(secret);
      // zod's own messages are about its input, and do not fit after a name.
      expect(told(text)).not.toMatch(/invalid|expected/i);
    }
  });
});

describe('the endpoint of DynamoDB', () => {
  const at = (DYNAMODB_ENDPOINT: string) => readConfig({ ...JWT, DYNAMODB_ENDPOINT }).endpoint;

  test('is https, or on this machine', () => {
    expect(at('')).toBeUndefined();
    for (const url of [
      'https://dynamodb.eu-central-1.amazonaws.com',
      'http://localhost:8000',
      'http://127.0.0.1:8000',
      'http://[::1]:8000',
    ]) {
      expect(at(url)).toBe(url);
    }
    for (const url of [
      'http://dynamodb.eu-central-1.amazonaws.com',
      'http://192.168.0.7:8000',
      'http://localhost.evil.test',
      'http://localhost@evil.test',
      'ftp://localhost',
      'localhost:8000',
      'nonsense',
    ]) {
      expect(() => at(url)).toThrow('DYNAMODB_ENDPOINT must be empty or an https URL');
    }
  });
});
