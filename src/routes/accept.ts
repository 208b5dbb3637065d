import type { Context } from 'hono';
import { accepts } from 'hono/accepts';
import type { Accept } from 'hono/utils/accept';

const JSON_TYPE = 'application/json';
const CSV_TYPE = 'text/csv';

/** How exactly a range of `Accept` names a type: not at all, with all others, with its kind, or by name. */
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

/** The range by which a type is judged: the one that names it most exactly, and of those the first. */
function judge(ranges: Accept[], type: string) {
  return ranges
    .map(({ type: range, q }, order) => ({ type, q, exact: exactness(range, type), order }))
    .filter(({ exact }) => exact > 0)
    .sort((a, b) => b.exact - a.exact)[0];
}

/**
 * The type that the caller likes most (RFC 9110, 12.5.1). Of types that are liked alike it is the one
 * named more exactly, then the one named first. Hono's own choice passes over what stands for all types,
 * and so takes a type that is liked less.
 */
function mostLiked(ranges: Accept[], types: { supports: string[]; default: string }): string {
  const [best] = types.supports
    .flatMap((type) => judge(ranges, type) ?? [])
    .filter(({ q }) => q > 0)
    .sort((a, b) => b.q - a.q || b.exact - a.exact || a.order - b.order);
  return best?.type ?? types.default;
}

/** Whether CSV is asked for rather than JSON, which is also for whoever takes neither. */
export function prefersCsv(c: Context): boolean {
  const supports = [JSON_TYPE, CSV_TYPE];
  const type = accepts(c, { header: 'Accept', supports, default: JSON_TYPE, match: mostLiked });
  return type === CSV_TYPE;
}
