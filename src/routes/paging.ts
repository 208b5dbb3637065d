import type { Context } from 'hono';
import { decodeBase64Url, encodeBase64Url } from 'hono/utils/encode';
import { ValidationError } from '../errors.ts';

/** Lists that have pages. */
type List = 'events' | 'registrations' | 'waitlist';

/**
 * Where a page ended, as text that means nothing to a client. It names the list that it is of, and
 * the event, since a place in one list says nothing about another.
 */
export function writeCursor(list: List, eventId: string, last: string | number): string {
  const bytes = new TextEncoder().encode(JSON.stringify([list, eventId, last]));
  return encodeBase64Url(bytes.buffer);
}

/** @throws ValidationError for a cursor that this list never gave */
export function readCursor(
  cursor: string | undefined,
  list: List,
  eventId: string,
): string | number | null {
  if (cursor === undefined) return null;
  try {
    const parsed: unknown = JSON.parse(new TextDecoder().decode(decodeBase64Url(cursor)));
    const wanted = list === 'events' ? 'string' : 'number';
    if (Array.isArray(parsed) && parsed[0] === list && parsed[1] === eventId) {
      if (typeof parsed[2] === wanted) return parsed[2];
    }
  } catch {
    // Not even a cursor: told the same way.
  }
  throw new ValidationError([{ path: 'cursor', message: 'is not a cursor of this list' }]);
}

/** Points at the next page, if there is one (RFC 8288). */
export function linkNext(c: Context, cursor: string | null): void {
  if (cursor === null) return;
  const url = new URL(c.req.url);
  url.searchParams.set('cursor', cursor);
  c.header('Link', `<${url.pathname}${url.search}>; rel="next"`);
}
