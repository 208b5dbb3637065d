import { toHex } from '../digest.ts';
import type { Caller } from './access.ts';

/** How a caller is called in the log. */
export type Pseudonym = (caller: Caller) => Promise<string>;

/** Hex digits of a person's pseudonym: enough to tell a deployment's people apart. */
const DIGITS = 16;

const toBytes = (text: string) => new TextEncoder().encode(text);

/**
 * Names callers for the log: a key by its name; a person by a keyed hash, so that the log tells which
 * calls are one person's, and nobody who has the log alone can try out whose.
 *
 * @param secret what the key of the hash is derived from (RFC 5869)
 */
export function openPseudonyms(secret: string): Pseudonym {
  // The key and not the promise of it: what one request waits for is no other's to wait for.
  let key: CryptoKey | undefined;
  return async ({ id, userId }) => {
    if (userId === null) return id;
    key ??= await deriveKey(secret);
    const hash = new Uint8Array(await crypto.subtle.sign('HMAC', key, toBytes(userId)));
    return `user:${toHex(hash).slice(0, DIGITS)}`;
  };
}

async function deriveKey(secret: string): Promise<CryptoKey> {
  const material = await crypto.subtle.importKey('raw', toBytes(secret), 'HKDF', false, [
    'deriveKey',
  ]);
  const info = toBytes('registration-desk: callers in the log');
  return crypto.subtle.deriveKey(
    { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info },
    material,
    { name: 'HMAC', hash: 'SHA-256', length: 256 },
    false,
    ['sign'],
  );
}
