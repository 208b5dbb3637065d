import { createHmac, hkdfSync } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Role } from '../../src/auth/access.ts';
import { openPseudonyms } from '../../src/auth/pseudonym.ts';

const roles: ReadonlySet<Role> = new Set();
const person = (userId: string) => ({ id: `user:${userId}`, userId, roles });

test('a key has its own name', async () => {
  const program = { id: 'key:crm', userId: null, roles };
  expect(await openPseudonyms('secret')(program)).toBe('key:crm');
});

test('a person has the same pseudonym every time, which does not tell who it is', async () => {
  const name = openPseudonyms('secret');
  const told = await name(person('ada'));
  expect(told).toMatch(/^user:[0-9a-f]{16}$/);
  expect(await name(person('ada'))).toBe(told);
  expect(await openPseudonyms('secret')(person('ada'))).toBe(told);
  expect(await name(person('bob'))).not.toBe(told);
});

test('without the secret nobody can guess the person of a pseudonym', async () => {
  const told = await openPseudonyms('secret')(person('ada'));
  expect(await openPseudonyms('another')(person('ada'))).not.toBe(told);
});

test('with the secret it can be found, as the documentation shows', async () => {
  const info = 'registration-desk: callers in the log';
  const key = Buffer.from(hkdfSync('sha256', 'secret', '', info, 32));
  const hash = createHmac('sha256', key).update('ada').digest('hex').slice(0, 16);
  expect(await openPseudonyms('secret')(person('ada'))).toBe(`user:${hash}`);
});
