import type { Context } from 'hono';
import { accepts } from 'hono/accepts';
import type { Accept } from 'hono/utils/accept';

const JSON_TYPE = 'application/json';
const CSV_TYPE = 'text/csv';

/** How exactly a range of `Accept` matches a type: 0 not at all, 1 by `*` for all, 2 by its kind, 3 by name. */
function exactness(range: string, type: string): 0 | 1 | 2 | 3 {
  const [kind] = type.split('/');
  switch (range.toLowerCase()) {
    case type:
      return 3;
    case `${kind}/*`:
      return 2;
    case '*/*':
      return 1;
    default:
      return 0;
  }
}

/** The range that decides about a type: the one that matches it most exactly, and of those the first. */
function rangeFor(ranges: Accept[], type: string) {
  return ranges
    .map(({ type: range, q }, order) => ({ type, q, exact: exactness(range, type), order }))
    .filter(({ exact }) => exact > 0)
    .sort((a, b) => b.exact - a.exact)[0];
}

/**
 * The type with the highest quality value (RFC 9110, 12.5.1). Among equals it is the one that is named more
 * exactly, then the one that is named first. Hono's own `match` ignores wildcards, and so can choose a type
 * with a lower value.
 */
function bestType(ranges: Accept[], types: { supports: string[]; default: string }): string {
  const [best] = types.supports
    .flatMap((type) => rangeFor(ranges, type) ?? [])
    .filter(({ q }) => q > 0)
    .sort((a, b) => b.q - a.q || b.exact - a.exact || a.order - b.order);
  return best?.type ?? types.default;
}

/** Whether the caller prefers CSV. A caller who accepts neither CSV nor JSON gets JSON. */
export function prefersCsv(c: Context): boolean {
  const supports = [JSON_TYPE, CSV_TYPE];
  const type = accepts(c, { header: 'Accept', supports, default: JSON_TYPE, match: bestType });
  return type === CSV_TYPE;
}
