import type { Caller } from './access.ts';

/** The prefix of every token of a link, with its version: it distinguishes them from keys and from an issuer's tokens. */
export const LINK_PREFIX = 'rdl1_';

/** Whom a link lets act, where and until when. */
export interface LinkGrant {
  userId: string;
  /** The only event that it is for; null: all. */
  eventId: string | null;
  /** Epoch seconds. */
  endsAt: number;
}

/** A link as it is given out. */
export interface Link {
  /** The page of the event, or of all, with the token in the fragment. */
  url: string;
  /** ISO 8601 in UTC. */
  expiresAt: string;
}

/** Makes and checks links and their tokens. */
export interface Links {
  /** The link for a grant: the same for the same grant, origin and secret. */
  make(grant: LinkGrant, origin: string): Promise<Link>;
  /** The token for a grant, signed with the first secret. */
  sign(grant: LinkGrant): Promise<string>;
  /** The caller of a token; null for one that none of the secrets has signed. */
  verify(token: string): Promise<Caller | 'expired' | null>;
}

const toUtf8 = (text: string) => new TextEncoder().encode(text);

const toBase64Url = (bytes: Uint8Array) =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');

const fromBase64Url = (text: string) =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) =>
    char.charCodeAt(0),
  );

/**
 * A token is `rdl1_GRANT.SIGNATURE`, both base64url: the JSON `[userId, eventId, endsAt]`, and the HMAC-SHA-256 of
 * all before the dot. Nothing is kept of a link: changing the secret ends all that it has signed.
 *
 * @param secrets the first signs; tokens of each are accepted, so that secrets can be rotated
 */
export function openLinks(secrets: readonly string[], now = () => Date.now()): Links {
  // Keeps the keys, not their promise: the runtime cancels a request that waits for another's promise.
  let keys: CryptoKey[] | undefined;
  const readKeys = async () => {
    keys ??= await Promise.all(secrets.map(importKey));
    return keys;
  };
  const sign: Links['sign'] = async ({ userId, eventId, endsAt }) => {
    const signed = LINK_PREFIX + toBase64Url(toUtf8(JSON.stringify([userId, eventId, endsAt])));
    const [key] = await readKeys();
    if (!key) throw new Error('there is no secret for links');
    return `${signed}.${await signatureOf(key, signed)}`;
  };
  return {
    async make(grant, origin) {
      const { eventId, endsAt } = grant;
      const url = new URL(eventId === null ? '/' : `/e/${encodeURIComponent(eventId)}`, origin);
      // Browsers send no server the fragment, and show it to no other page.
      url.hash = `token=${await sign(grant)}`;
      return { url: url.href, expiresAt: new Date(endsAt * 1_000).toISOString() };
    },
    sign,
    async verify(token) {
      const [, signed = '', grant = '', given = ''] =
        /^(rdl1_([\w-]+))\.([\w-]+)$/.exec(token) ?? [];
      const expected = await Promise.all((await readKeys()).map((key) => signatureOf(key, signed)));
      // As texts: another text that stands for the same bytes is no signature. All are compared.
      const isSigned = expected.filter((each) => isEqual(each, given)).length > 0;
      return isSigned ? callerOf(grant, now()) : null;
    },
  };
}

/** The caller of a grant that was signed here. */
function callerOf(grant: string, now: number): Caller | 'expired' {
  const [userId, eventId, endsAt]: [string, string | null, number] = JSON.parse(
    new TextDecoder().decode(fromBase64Url(grant)),
  );
  if (endsAt * 1_000 <= now) return 'expired';
  const caller: Caller = {
    id: `user:${userId}`,
    userId,
    roles: new Set(['attendee']),
    endsAt: endsAt * 1_000,
  };
  if (eventId !== null) caller.eventId = eventId;
  return caller;
}

/** Compares two texts; in constant time where they are equally long, as signatures are. */
function isEqual(one: string, other: string): boolean {
  const [left, right] = [toUtf8(one), toUtf8(other)];
  return left.length === right.length && crypto.subtle.timingSafeEqual(left, right);
}

async function signatureOf(key: CryptoKey, signed: string): Promise<string> {
  return toBase64Url(new Uint8Array(await crypto.subtle.sign('HMAC', key, toUtf8(signed))));
}

function importKey(secret: string): Promise<CryptoKey> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  return crypto.subtle.importKey('raw', toUtf8(secret), algorithm, false, ['sign']);
}
