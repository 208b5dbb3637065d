import { secretBytes } from './settings.ts';

/** Signs a message: `webhook-signature` for its id, the seconds of `webhook-timestamp`, and its body. */
export type Sign = (id: string, seconds: number, body: string) => Promise<string>;

/**
 * Makes ready to sign as Standard Webhooks has it: a `v1,` for each secret, separated by blanks, so that a
 * receiver may know the old secret or the new one.
 */
export async function openSigner(secrets: readonly string[]): Promise<Sign> {
  const keys = await Promise.all(secrets.map(importKey));
  return async (id, seconds, body) => {
    const signed = new TextEncoder().encode(`${id}.${seconds}.${body}`);
    const signatures = keys.map(async (key) => {
      const bytes = new Uint8Array(await crypto.subtle.sign('HMAC', key, signed));
      return `v1,${btoa(String.fromCharCode(...bytes))}`;
    });
    return (await Promise.all(signatures)).join(' ');
  };
}

function importKey(secret: string): Promise<CryptoKey> {
  const bytes = secretBytes(secret);
  if (!bytes) throw new Error('a secret of an endpoint is none');
  return crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
}
