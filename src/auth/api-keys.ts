import { digestOf } from '../digest.ts';
import type { Caller } from './access.ts';
import type { ApiKey } from './settings.ts';

/** The prefix of every key, which distinguishes it from a token. */
export const KEY_PREFIX = 'rdk_';

/** Random bytes in a key. */
export const KEY_BYTES = 32;

const fromHex = (hex: string) =>
  Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

/**
 * Makes a function that finds the caller of a key; null for an unknown key. A plain digest is enough: a key is
 * 256 random bits, which can't be guessed, so a slow hash would protect nothing. All keys are compared, each in
 * constant time, so that the duration tells nothing about any of them.
 */
export function keyVerifier(keys: ApiKey[]): (key: string) => Promise<Caller | null> {
  const known = keys.map(({ name, roles, sha256 }) => ({
    digest: fromHex(sha256),
    caller: { id: `key:${name}`, userId: null, roles: new Set(roles) },
  }));
  return async (key) => {
    const digest = await digestOf(key);
    let found: Caller | null = null;
    for (const each of known) {
      if (crypto.subtle.timingSafeEqual(each.digest, digest)) found = each.caller;
    }
    return found;
  };
}
