/**
 * Who sits at this page. With authentication off, a name that one types. Otherwise a token: of a personal address, of the
 * site that embeds the page, or typed. It is kept for this tab only, and never stands in a URL that is sent or kept.
 */
import { keep, recall } from './memory.ts';

/** Who somebody is. `userId` is null while only a token is known that doesn't tell it. */
export interface Identity {
  userId: string;
  token: string | undefined;
}

const NAME = 'who';

function decode(part: string): unknown {
  const base64 = part.replaceAll('-', '+').replaceAll('_', '/');
  const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
}

/** What the token of a link tells: whom it is for, and the only event that it is for; null for another token. */
function grantOf(token: string): unknown[] | null {
  if (!token.startsWith('rdl1_')) return null;
  const [part = ''] = token.slice('rdl1_'.length).split('.');
  const told = decode(part);
  return Array.isArray(told) ? told : null;
}

/** The only event that a token is for; null for all, or when it does not tell. */
export function eventOf(token: string): string | null {
  try {
    const eventId = grantOf(token)?.[1];
    return typeof eventId === 'string' ? eventId : null;
  } catch {
    // No token that we can read.
    return null;
  }
}

/** The user that a token is about; null when it does not tell. The service checks it; this only reads it. */
export function userOf(token: string): string | null {
  try {
    if (token.startsWith('rdl1_')) {
      const userId = grantOf(token)?.[0];
      return typeof userId === 'string' ? userId : null;
    }
    const [, part = ''] = token.split('.');
    const { sub } = decode(part) as { sub?: unknown };
    return typeof sub === 'string' && sub !== '' ? sub : null;
  } catch {
    // No token that we can read.
    return null;
  }
}

/** Takes a token as the identity of this tab; null when it tells of no user. */
export function takeToken(token: string): Identity | null {
  const userId = userOf(token.trim());
  return userId === null ? null : takeIdentity({ userId, token: token.trim() });
}

/** Keeps an identity for this tab; null forgets it. */
export function takeIdentity<Who extends Identity | null>(identity: Who): Who {
  keep(NAME, identity);
  return identity;
}

/** The identity out of the address, where it is removed at once, or the one that the tab has. */
export function currentIdentity(): Identity | null {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token !== null) {
    history.replaceState(history.state, '', location.pathname + location.search);
    const taken = takeToken(token);
    if (taken) return taken;
  }
  return recall<Identity>(NAME);
}

/**
 * Takes tokens from the site that embeds this page, if the service allows that origin to call. The site waits for
 * `{type: 'registration.ready'}` and answers with `{type: 'registration.token', token}`.
 */
export function listenToEmbedder(origins: string[], onToken: (identity: Identity) => void): void {
  if (window.parent === window || origins.length === 0) return;
  addEventListener('message', ({ source, origin, data }) => {
    if (source !== window.parent || !origins.includes(origin)) return;
    if (data?.type !== 'registration.token' || typeof data.token !== 'string') return;
    const identity = takeToken(data.token);
    if (identity) onToken(identity);
  });
  for (const origin of origins) window.parent.postMessage({ type: 'registration.ready' }, origin);
}
