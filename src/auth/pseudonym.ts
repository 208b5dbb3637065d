import { toHex } from '../digest.ts';
import type { Caller } from './access.ts';

/** The name of a caller in the log. */
export type Pseudonym = (caller: Caller) => Promise<string>;

/** Hex digits of a person's pseudonym: enough to distinguish the people of a deployment. */
const DIGITS = 16;

const toUtf8 = (text: string) => new TextEncoder().encode(text);

/**
 * Names callers for the log. A program has the name of its API key. A person has a keyed hash of the user id:
 * the log shows which calls are of the same person, but user ids can't be guessed from the log alone.
 *
 * @param secret the key of the hash is derived from it (RFC 5869)
 */
export function openPseudonyms(secret: string): Pseudonym {
  // Keeps the key, not its promise: the runtime cancels a request that waits for another's promise.
  let key: CryptoKey | undefined;
  return async ({ id, userId }) => {
    if (userId === null) return id;
    key ??= await deriveKey(secret);
    const hash = new Uint8Array(await crypto.subtle.sign('HMAC', key, toUtf8(userId)));
    return `user:${toHex(hash).slice(0, DIGITS)}`;
  };
}

async function deriveKey(secret: string): Promise<CryptoKey> {
  const material = await crypto.subtle.importKey('raw', toUtf8(secret), 'HKDF', false, [
    'deriveKey',
  ]);
  const info = toUtf8('registration-desk: callers in the log');
  return crypto.subtle.deriveKey(
    { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info },
    material,
    { name: 'HMAC', hash: 'SHA-256', length: 256 },
    false,
    ['sign'],
  );
}
