import { waitUntil } from 'cloudflare:workers';
import { UnauthenticatedError } from '../errors.ts';
import { AUTHORIZATION_MAX_CHARS } from '../http-limits.ts';
import { sleep } from '../sleep.ts';
import type { Caller } from './access.ts';
import { KEY_PREFIX, keyVerifier } from './api-keys.ts';
import { KeySet } from './key-set.ts';
import { LINK_PREFIX, type Links } from './links.ts';
import type { AuthSettings } from './settings.ts';
import { tokenVerifier } from './tokens.ts';

/**
 * Finds the caller of an `Authorization` header.
 *
 * @throws UnauthenticatedError when the header is missing, not valid or expired
 * @throws UnavailableError when a token can't be checked
 */
export type Authenticate = (authorization: string | undefined) => Promise<Caller>;

/**
 * @param links checks tokens of links; null where there are none
 * @returns null when authentication is off
 */
export function openAuthentication(
  { jwt, keys }: AuthSettings,
  links: Links | null,
): Authenticate | null {
  if (!jwt && !keys) return null;
  const verifyToken = jwt && tokenVerifier(jwt, openKeySet(jwt.jwksUrl));
  const verifyKey = keys && keyVerifier(keys);
  return async (authorization) => {
    if (authorization === undefined) throw new UnauthenticatedError('missing');
    const credential =
      authorization.length <= AUTHORIZATION_MAX_CHARS
        ? /^Bearer +([\w.~+/-]+=*)$/i.exec(authorization)?.[1]
        : undefined;
    if (credential === undefined) throw new UnauthenticatedError('invalid');
    const verify = credential.startsWith(KEY_PREFIX)
      ? verifyKey
      : credential.startsWith(LINK_PREFIX)
        ? links?.verify
        : verifyToken;
    const caller = await verify?.(credential);
    if (caller === 'expired') throw new UnauthenticatedError('expired');
    if (!caller) throw new UnauthenticatedError('invalid');
    return caller;
  };
}

function openKeySet(url: URL): KeySet {
  return new KeySet(url, {
    fetch: (input, init) => fetch(input, init),
    now: () => Date.now(),
    sleep,
    keepAlive: waitUntil,
    onFailure: (cause) => {
      // biome-ignore lint/suspicious/noConsole: the platform's log
      console.error(JSON.stringify({ problem: 'key set not read', cause }));
    },
  });
}
