import { NEAR_MAX_AGE_SECONDS } from '../http-limits.ts';

const TOKEN = "[!#$%&'*+.^_`|~\\w-]+";
/** One directive (RFC 9111, 5.2): a name, and perhaps a value, which may be quoted. */
const DIRECTIVE = new RegExp(`^(${TOKEN})(?:=(?:(${TOKEN})|"([^"\\\\]*)"))?$`);

/** Directives that ask for an answer of the object itself; `min-fresh` for one that stays fresh, which none does. */
const WANT_FRESH = ['no-cache', 'no-store', 'min-fresh'];

/**
 * How old an answer may be, in seconds, by the `Cache-Control` of a request.
 *
 * @returns 1 to `NEAR_MAX_AGE_SECONDS`; null: it has to come from the object. So it is without a `max-age`, and
 *   wherever the header leaves a doubt: two of them, a value out of bounds, or something malformed anywhere.
 */
export function readMaxAge(header: string | undefined): number | null {
  let maxAge: number | null = null;
  for (const each of (header ?? '').split(',')) {
    const text = each.trim();
    // An empty member of a list means nothing (RFC 9110, 5.6.1).
    if (text === '') continue;
    const [, name = '', bare, quoted] = DIRECTIVE.exec(text) ?? [];
    const lower = name.toLowerCase();
    if (name === '' || WANT_FRESH.includes(lower)) return null;
    if (lower !== 'max-age') continue;
    const value = bare ?? quoted ?? '';
    const seconds = /^\d+$/.test(value) ? Number(value) : 0;
    if (maxAge !== null || seconds < 1 || seconds > NEAR_MAX_AGE_SECONDS) return null;
    maxAge = seconds;
  }
  return maxAge;
}
