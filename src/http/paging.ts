import type { Context } from 'hono';
import { decodeBase64Url, encodeBase64Url } from 'hono/utils/encode';
import { ValidationError } from '../errors.ts';
import { ID_MAX_CHARS } from '../limits.ts';
import { isLongerThan } from '../text.ts';

/** Lists that have pages. */
type PagedList = 'events' | 'places' | 'registrations' | 'offers' | 'waitlist';

/**
 * The end of a page as a cursor, which is opaque to clients. It contains the list and the event, so that it is
 * refused for another list.
 *
 * @param last the order number, event id or order key of the last row
 */
export function writeCursor(list: PagedList, eventId: string, last: string | number): string {
  const bytes = new TextEncoder().encode(JSON.stringify([list, eventId, last]));
  return encodeBase64Url(bytes.buffer);
}

/** Whether a page of this list can end with `last`: nothing else may reach the table. */
function canEndWith(list: PagedList, last: unknown): last is string | number {
  if (list !== 'events' && list !== 'places')
    return Number.isSafeInteger(last) && Number(last) >= 0;
  return (
    typeof last === 'string' &&
    last !== '' &&
    last.isWellFormed() &&
    !isLongerThan(last, ID_MAX_CHARS)
  );
}

/**
 * The end of the page before, out of its cursor; null without a cursor.
 *
 * @throws ValidationError for a cursor that this list cannot have given
 */
export function readCursor(
  cursor: string | undefined,
  list: PagedList,
  eventId: string,
): string | number | null {
  if (cursor === undefined) return null;
  try {
    const parsed: unknown = JSON.parse(new TextDecoder().decode(decodeBase64Url(cursor)));
    const last: unknown = Array.isArray(parsed) ? parsed[2] : undefined;
    // Written again it must be the same text: that refuses another list, extra parts, and other spellings.
    if (canEndWith(list, last) && writeCursor(list, eventId, last) === cursor) return last;
  } catch {
    // Not a cursor at all: refused below, like a wrong one.
  }
  throw new ValidationError([{ path: 'cursor', message: 'is not a cursor of this list' }]);
}

/** Points at the next page, if there is one (RFC 8288). `parameter` is the one that takes the cursor. */
export function linkNext(c: Context, cursor: string | null, parameter = 'cursor'): void {
  if (cursor === null) return;
  const url = new URL(c.req.url);
  url.searchParams.set(parameter, cursor);
  c.header('Link', `<${url.pathname}${url.search}>; rel="next"`);
}
