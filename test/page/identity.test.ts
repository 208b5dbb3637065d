import { expect, test } from 'vitest';
import { eventOf, userOf } from '../../src/page/identity.ts';
import { pauseBefore } from '../../src/page/press.ts';

/** JSON in base64url. */
const encode = (value: unknown) =>
  btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(value))))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');

test('a token tells its user: one of an issuer, and one of a personal address', () => {
  expect(userOf(`x.${encode({ sub: 'Ünal', exp: 1 })}.y`)).toBe('Ünal');
  expect(userOf(`rdl1_${encode(['Zoë', 'gala', 1_900_000_000])}.signature`)).toBe('Zoë');
  expect(userOf(`rdl1_${encode(['a', null, 1])}.signature`)).toBe('a');
});

test('a personal address tells its only event; another token tells none', () => {
  expect(eventOf(`rdl1_${encode(['a', 'gala 1/2', 1])}.signature`)).toBe('gala 1/2');
  expect(eventOf(`rdl1_${encode(['a', null, 1])}.signature`)).toBeNull();
  expect(eventOf(`x.${encode({ sub: 'a' })}.y`)).toBeNull();
  expect(eventOf('rdl1_???')).toBeNull();
});

test.each(['', 'rdk_key', 'a.b.c', `x.${encode({ sub: '' })}.y`, `rdl1_${encode({})}.z`, 'rdl1_'])(
  '%j tells of no user',
  (token) => {
    expect(userOf(token)).toBeNull();
  },
);

test('the pause grows, is scattered, and heeds Retry-After', () => {
  expect(pauseBefore(0, null, 0)).toBe(250);
  expect(pauseBefore(0, null, 1)).toBe(500);
  expect(pauseBefore(3, null, 1)).toBe(4_000);
  expect(pauseBefore(40, null, 1)).toBe(15_000);
  expect(pauseBefore(0, '7', 0)).toBe(7_000);
  expect(pauseBefore(0, '9999', 0)).toBe(60_000);
  expect(pauseBefore(0, 'Thu, 26 Nov 2026 16:00:00 GMT', 0)).toBe(250);
});
