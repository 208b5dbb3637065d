/** A time that the seed system wrote. */
export interface OldTime {
  /** ISO 8601 in UTC, ending in `Z`, with the fraction of a second that it had. */
  text: string;
  /** A text that sorts as the times do, to the last digit of a fraction. */
  order: string;
}

const TIME = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,12}))?(Z|[+-]\d\d:\d\d)?$/i;

/**
 * Reads a time to its last digit: `Date` knows milliseconds only, but the seed system may have written more. A time
 * without an offset is in UTC.
 *
 * @returns null for what is no time, or not within the years 0000 to 9999
 */
export function readOldTime(value: unknown): OldTime | null {
  const [, date, clock, fraction = '', offset = 'Z'] =
    (typeof value === 'string' && TIME.exec(value)) || [];
  if (!date || !clock) return null;
  const at = new Date(`${date}T${clock}${offset.toUpperCase()}`);
  if (Number.isNaN(at.getTime())) return null;
  const [second = ''] = at.toISOString().split('.');
  // `Date` takes a day that a month does not have for one of the next month.
  if (second.length !== 19 || !isDay(date)) return null;
  const text = `${second}${fraction && `.${fraction}`}Z`;
  return { text, order: `${second}.${fraction.padEnd(12, '0')}` };
}

function isDay(date: string): boolean {
  return new Date(`${date}T00:00:00Z`).toISOString().startsWith(date);
}
