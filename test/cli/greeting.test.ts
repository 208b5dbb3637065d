import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { greet } from '../../src/cli/greeting.ts';

const key = (name: string) => ({ name, roles: ['organiser' as const], sha256: '0'.repeat(64) });
const jwt = {
  issuer: 'https://issuer.test',
  audience: 'desk',
  jwksUrl: new URL('https://issuer.test/keys'),
  rolesClaim: 'roles',
  clockToleranceSeconds: 30,
};
const said = (AUTH_MODE: string, auth: Parameters<typeof greet>[0]['auth']) => {
  const settings = { ENVIRONMENT: 'development', AUTH_MODE };
  return greet({ port: 8787, data: '.data', settings, auth }).join('\n');
};

test('names the addresses', () => {
  const text = said('none', { keys: null, jwt: null });
  expect(text).toContain('http://localhost:8787/registration,');
  expect(text).toContain('http://localhost:8787/docs');
  expect(text).not.toContain('Bearer');
});

test('suggests a user whom no tour creates: who has tried it can take them all', () => {
  const [, userId] = /"userId":"(\w+)"/.exec(said('none', { keys: null, jwt: null })) ?? [];
  for (const page of ['README.md', 'docs/tour.md']) {
    const tour = readFileSync(join(import.meta.dirname, '../..', page), 'utf8');
    const created = [...tour.matchAll(/-d '\{"userId": "(\w+)", "name"/g)].map(([, id]) => id);
    expect(created.length).toBeGreaterThan(1);
    expect(created).not.toContain(userId);
  }
});

test('suggests a call with the credentials that callers need', () => {
  const one = said('key', { keys: [key('crm')], jwt: null });
  expect(one).toContain('with the key crm in the place of KEY:');
  expect(one).toContain(
    "curl http://localhost:8787/registration/events -H 'Authorization: Bearer KEY'",
  );
  const two = said('key', { keys: [key('crm'), key('till')], jwt: null });
  expect(two).toContain('with one of the keys crm, till in the place of KEY:');
  const token = said('jwt', { keys: null, jwt });
  expect(token).toContain('with a token of https://issuer.test in the place of TOKEN:');
  expect(token).toContain("'Authorization: Bearer TOKEN'");
  const either = said('jwt,key', { keys: [key('crm')], jwt });
  expect(either).toContain(
    'with the key crm or a token of https://issuer.test in the place of KEY:',
  );
});
