/** Between instants and what an input of type `datetime-local` holds, in a time zone. */

/** The clock on the wall of a zone at an instant, as if it were UTC, in milliseconds. */
function wallClock(ms: number, timeZone: string): number {
  // Swedish dates are written as ISO 8601 has them.
  const text = new Intl.DateTimeFormat('sv-SE', {
    dateStyle: 'short',
    timeStyle: 'medium',
    timeZone,
  }).format(ms);
  return Date.parse(`${text.replace(' ', 'T')}Z`);
}

/** `2026-12-12T19:00` for an instant; empty for null. */
export function toLocal(iso: string | null | undefined, timeZone: string): string {
  if (!iso) return '';
  return new Date(wallClock(Date.parse(iso), timeZone)).toISOString().slice(0, 16);
}

/** The instant at which the clock of the zone shows `2026-12-12T19:00`; null for an empty input. */
export function fromLocal(text: string, timeZone: string): string | null {
  if (text === '') return null;
  const wall = Date.parse(`${text}Z`);
  const offsetAt = (ms: number) => wallClock(ms, timeZone) - Math.floor(ms / 1_000) * 1_000;
  // The offset is that of the instant, which is known only roughly at first: around a change of the clocks it differs.
  const near = wall - offsetAt(wall);
  return new Date(wall - offsetAt(near)).toISOString();
}
