/** A time that an older system wrote. */
export interface OldTime {
  /** As the service says times: ISO 8601 in UTC, ending in `Z`, to whatever fraction of a second it had. */
  text: string;
  /** Sorts as the times do, to the last digit of a fraction. */
  order: string;
}

const TIME = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,12}))?(Z|[+-]\d\d:\d\d)?$/i;

/**
 * Reads a time to its last digit; `Date` knows milliseconds only, and an older system may have written more.
 * One that says no offset is in UTC, which the contract says of all.
 *
 * @returns null for what is no time, or none of the years 0000 to 9999
 */
export function toTime(value: unknown): OldTime | null {
  const [, date, clock, fraction = '', offset = 'Z'] =
    (typeof value === 'string' && TIME.exec(value)) || [];
  if (!date || !clock) return null;
  const at = new Date(`${date}T${clock}${offset.toUpperCase()}`);
  if (Number.isNaN(at.getTime())) return null;
  const [second = ''] = at.toISOString().split('.');
  // A day that a month does not have is taken for one of the next.
  if (second.length !== 19 || !isDay(date)) return null;
  const text = `${second}${fraction && `.${fraction}`}Z`;
  return { text, order: `${second}.${fraction.padEnd(12, '0')}` };
}

function isDay(date: string): boolean {
  return new Date(`${date}T00:00:00Z`).toISOString().startsWith(date);
}
