import { describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';

const BASE = {
  AWS_REGION: 'eu-central-1',
  AWS_ACCESS_KEY_ID: 'id',
  AWS_SECRET_ACCESS_KEY: 'the-secret',
  ENVIRONMENT: 'production',
  AUTH_MODE: 'none',
  ALLOW_UNAUTHENTICATED: 'yes',
};
const secretOf = (bytes: number) => `whsec_${Buffer.alloc(bytes, 'SeCrEt').toString('base64')}`;
const SECRET = secretOf(32);
const ONE = { name: 'crm', url: 'https://hooks.example.com/desk', secrets: [SECRET] };

const read = (webhooks: unknown, vars: Record<string, string> = {}) =>
  readConfig({ ...BASE, ...vars, WEBHOOKS: JSON.stringify(webhooks) }).webhooks;
const reading =
  (...given: Parameters<typeof read>) =>
  () =>
    read(...given);
/** The same endpoint, so many times under names of their own. */
const named = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ ...ONE, name: `crm-${i}` }));

describe('the secret WEBHOOKS', () => {
  test('is left out where nobody is told', () => {
    expect(readConfig(BASE).webhooks).toEqual([]);
    expect(readConfig({ ...BASE, WEBHOOKS: '' }).webhooks).toEqual([]);
  });

  test('lists 1 to 5 endpoints, each with a name of its own', () => {
    expect(read([ONE])).toEqual([{ ...ONE, types: null }]);
    expect(read(named(5))).toHaveLength(5);
    expect(reading(named(6))).toThrow('WEBHOOKS must be a list of 1 to 5 endpoints');
    expect(reading([])).toThrow('WEBHOOKS must be a list of 1 to 5 endpoints; leave it out');
    expect(reading([ONE, { ...ONE, url: 'https://other.example.com' }])).toThrow(
      'WEBHOOKS names an endpoint twice',
    );
  });

  test('has names of 1 to 50 of a-z 0-9 - _', () => {
    for (const name of ['a', 'crm-2_b', 'x'.repeat(50)]) {
      expect(read([{ ...ONE, name }])[0]?.name).toBe(name);
    }
    for (const name of ['', 'x'.repeat(51), 'CRM', 'c r', 'a/b', 'ä']) {
      expect(reading([{ ...ONE, name }])).toThrow('WEBHOOKS.0.name must be 1 to 50');
    }
  });

  test('has 1 to 3 secrets of 24 to 64 bytes', () => {
    const withSecrets = (...secrets: string[]) => reading([{ ...ONE, secrets }]);
    expect(withSecrets(SECRET, secretOf(24), secretOf(64))).not.toThrow();
    for (const bytes of [25, 26]) expect(withSecrets(secretOf(bytes))).not.toThrow();
    const list = 'WEBHOOKS.0.secrets must be a list of 1 to 3 secrets';
    expect(withSecrets()).toThrow(list);
    expect(withSecrets(SECRET, SECRET, SECRET, SECRET)).toThrow(list);
    const bare = SECRET.slice('whsec_'.length);
    for (const text of [
      secretOf(23),
      secretOf(65),
      bare,
      `whsk_${bare}`,
      'whsec_',
      '',
      SECRET.replace(/=+$/, ''),
      `whsec_*${bare.slice(1)}`,
      `${SECRET} `,
      `whsec_${'-_'.repeat(16)}`,
    ]) {
      expect(withSecrets(SECRET, text), text).toThrow(
        'WEBHOOKS.0.secrets.1 must be whsec_ and the base64 of 24 to 64 bytes',
      );
    }
  });

  test('has types that there are, or groups of them', () => {
    const withTypes = (...types: string[]) => reading([{ ...ONE, types }]);
    const known = ['event.created', 'event.updated', 'event.cancelled', 'registration.created'];
    expect(withTypes(...known, 'registration.cancelled', 'registration.promoted')).not.toThrow();
    expect(withTypes('waitlist.joined', 'waitlist.left')).not.toThrow();
    for (const prefix of ['event', 'registration', 'waitlist', 'offer', 'user']) {
      expect(read([{ ...ONE, types: [`${prefix}.*`] }])[0]?.types).toEqual([`${prefix}.*`]);
    }
    for (const type of ['*', 'event', 'event.', 'seat.*', 'event.nothing', 'Event.*', 'toString']) {
      expect(withTypes('event.*', type), type).toThrow('WEBHOOKS.0.types.1 is no type of message');
    }
    expect(withTypes()).toThrow('WEBHOOKS.0.types must be a list of 1 to 30 types');
    expect(read([{ ...ONE, types: null }])[0]?.types).toBeNull();
  });

  test('is an error without a log', () => {
    for (const LOG_DAYS of ['0', '00']) {
      expect(reading([ONE], { LOG_DAYS })).toThrow('WEBHOOKS needs a log, and LOG_DAYS is 0');
    }
    expect(reading([ONE], { LOG_DAYS: '1' })).not.toThrow();
    expect(readConfig({ ...BASE, LOG_DAYS: '0' }).webhooks).toEqual([]);
  });
});

describe('LINK_IN_WEBHOOKS', () => {
  const CALLERS = {
    AUTH_MODE: 'key, link',
    API_KEYS: JSON.stringify([{ name: 'a', roles: ['service'], sha256: 'a'.repeat(64) }]),
    LINK_SECRET: 'x'.repeat(32),
    PUBLIC_URL: 'https://desk.example',
  };
  const withLinks = (LINK_IN_WEBHOOKS: string, vars: Record<string, string> = {}) =>
    reading(named(3), { ...CALLERS, LINK_IN_WEBHOOKS, ...vars });

  test('names the endpoints that get links; none by default', () => {
    const linked = (names: string) => withLinks(names)().map(({ hasLinks }) => hasLinks ?? false);
    expect(linked('')).toEqual([false, false, false]);
    expect(linked('crm-1')).toEqual([false, true, false]);
    expect(linked('crm-2, crm-0')).toEqual([true, false, true]);
    for (const names of ['yes', 'crm', 'crm-0,', ',', 'crm-0,crm-9', 'CRM-0', '*']) {
      expect(withLinks(names), names).toThrow(
        'LINK_IN_WEBHOOKS must be names of endpoints in WEBHOOKS, separated by commas',
      );
    }
    expect(() => readConfig({ ...BASE, ...CALLERS, LINK_IN_WEBHOOKS: 'crm-0' })).toThrow(
      'LINK_IN_WEBHOOKS must be names of endpoints in WEBHOOKS',
    );
  });

  test('needs links, and an address for them', () => {
    for (const AUTH_MODE of ['key', 'none', 'linked', '']) {
      expect(withLinks('crm-0', { AUTH_MODE }), AUTH_MODE).toThrow(
        'LINK_IN_WEBHOOKS needs links: AUTH_MODE does not have link',
      );
    }
    expect(withLinks('crm-0', { LINK_SECRET: '' })).toThrow('LINK_SECRET must have at least 32');
    expect(withLinks('crm-0', { PUBLIC_URL: '' })).toThrow(
      'LINK_IN_WEBHOOKS needs PUBLIC_URL, the origin that links lead to',
    );
  });
});

test('a reminder is off, or comes 1 to 604 800 seconds before the end of an offer', () => {
  const of = (OFFER_REMINDER_SECONDS?: string) =>
    readConfig({
      ...BASE,
      ...(OFFER_REMINDER_SECONDS === undefined ? {} : { OFFER_REMINDER_SECONDS }),
    }).offerReminderSeconds;
  expect([of(), of('')]).toEqual([null, null]);
  expect([of('1'), of('604800')]).toEqual([1, 604_800]);
  for (const wrong of ['0', '604801', '-1', '1.5', '1e3', ' 5', '05', 'an hour']) {
    expect(() => of(wrong), wrong).toThrow(
      'OFFER_REMINDER_SECONDS must be empty or a whole number of seconds from 1 to 604800',
    );
  }
});

describe('the URL of an endpoint', () => {
  const at = (url: unknown, ENVIRONMENT = 'production') =>
    reading([{ ...ONE, url }], { ENVIRONMENT });

  test('is https, of the public internet', () => {
    for (const url of [
      'https://hooks.example.com',
      'https://hooks.example.com:8443/a?b=c',
      'https://1.1.1.1/',
      `https://hooks.example.com/${'x'.repeat(2_048 - 26)}`,
    ]) {
      for (const where of ['dev', 'staging', 'production']) expect(at(url, where)).not.toThrow();
    }
    for (const url of ['http://hooks.example.com', 'ftp://hooks.example.com', 'data:,x']) {
      expect(at(url), url).toThrow('WEBHOOKS.0.url must be https');
      expect(at(url, 'development'), url).toThrow('WEBHOOKS.0.url must be https');
    }
    for (const host of [
      'localhost',
      '127.0.0.1',
      '[::1]',
      '10.0.0.1',
      'desk.local',
      '2130706433',
    ]) {
      expect(at(`https://${host}/`), host).toThrow('must be a host of the public internet');
      expect(at(`https://${host}/`, 'dev'), host).toThrow('must be a host of the public internet');
      expect(at(`http://${host}/`), host).toThrow('WEBHOOKS.0.url must be https');
    }
  });

  test('is http only on this machine, in development', () => {
    for (const url of ['http://localhost:9000/x', 'http://127.0.0.1:9000', 'http://[::1]:9000']) {
      expect(at(url, 'development'), url).not.toThrow();
      for (const where of ['dev', 'staging', 'production']) expect(at(url, where)).toThrow('https');
    }
    expect(at('http://192.168.0.7/', 'development')).toThrow('must be https');
    expect(at('https://192.168.0.7/', 'development')).not.toThrow();
  });

  test('has no credentials and no fragment, and is a URL', () => {
    expect(at('https://me@hooks.example.com')).toThrow('no user and no password');
    expect(at('https://:word@hooks.example.com')).toThrow('no user and no password');
    expect(at('https://hooks.example.com/#a')).toThrow('no fragment');
    expect(at('https://hooks.example.com/#')).toThrow('no fragment');
    for (const url of ['', 'hooks.example.com', '//hooks.example.com', 'https://']) {
      expect(at(url), url).toThrow('WEBHOOKS.0.url must be a URL of at most 2048 characters');
    }
    expect(at(`https://hooks.example.com/${'x'.repeat(2_048 - 25)}`)).toThrow('at most 2048');
    expect(at(7)).toThrow('WEBHOOKS.0.url must be a URL');
  });
});

test('a fault in WEBHOOKS is told by its place, and quotes nothing of it', () => {
  const secret = 'HuShHuSh';
  const told = (WEBHOOKS: string) => {
    try {
      readConfig({ ...BASE, WEBHOOKS });
    } catch (error) {
      return String(error);
    }
    return '';
  };
  const entries: [unknown, string][] = [
    [{ ...ONE, [secret]: 1 }, 'WEBHOOKS.0 has a field that is not known'],
    [{ ...ONE, name: secret }, 'WEBHOOKS.0.name must be 1 to 50'],
    [{ ...ONE, name: undefined }, 'WEBHOOKS.0.name must be 1 to 50'],
    [{ ...ONE, url: secret }, 'WEBHOOKS.0.url must be a URL'],
    [{ ...ONE, url: `http://${secret}.com/${secret}` }, 'WEBHOOKS.0.url must be https'],
    [{ ...ONE, url: undefined }, 'WEBHOOKS.0.url must be a URL'],
    [{ ...ONE, secrets: [secret] }, 'WEBHOOKS.0.secrets.0 must be whsec_'],
    [{ ...ONE, secrets: [{ [secret]: secret }] }, 'WEBHOOKS.0.secrets.0 must be whsec_'],
    [{ ...ONE, secrets: secret }, 'WEBHOOKS.0.secrets must be a list'],
    [{ ...ONE, secrets: undefined }, 'WEBHOOKS.0.secrets must be a list'],
    [{ ...ONE, types: [secret] }, 'WEBHOOKS.0.types.0 is no type'],
    [{ ...ONE, types: [{ [secret]: 1 }] }, 'WEBHOOKS.0.types.0 must be a text'],
    [{ ...ONE, types: secret }, 'WEBHOOKS.0.types must be a list'],
    [secret, 'WEBHOOKS.0 must be an endpoint'],
    [null, 'WEBHOOKS.0 must be an endpoint'],
  ];
  const texts = entries.map(([entry, fault]) => [JSON.stringify([entry]), fault] as const);
  const all = [
    ...texts,
    [JSON.stringify({ [secret]: ONE }), 'WEBHOOKS must be a list'] as const,
    [JSON.stringify(secret), 'WEBHOOKS must be a list'] as const,
    [`[${secret}]`, 'WEBHOOKS is no JSON'] as const,
  ];
  for (const [text, fault] of all) {
    expect(told(text)).toContain(fault);
    expect(told(text)).not.toMatch(new RegExp(secret, 'i'));
    // zod's own words are about its input, and stand badly after a name.
    expect(told(text)).not.toMatch(/invalid|expected|too (small|big)/i);
  }
});
