/** Times for people. Used by the worker and by the browser. */

/** A day and a time in a zone, such as "Saturday, 12 December 2026 at 19:00 CET". */
export function longTime(iso: string, locale: string, timeZone: string): string {
  return new Intl.DateTimeFormat(locale, {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    hour: 'numeric',
    minute: '2-digit',
    timeZone,
    timeZoneName: 'short',
  }).format(new Date(iso));
}

/** The same, short: "12 Dec, 19:00". */
export function shortTime(iso: string, locale: string, timeZone: string): string {
  return new Intl.DateTimeFormat(locale, {
    day: 'numeric',
    month: 'short',
    hour: 'numeric',
    minute: '2-digit',
    timeZone,
  }).format(new Date(iso));
}

/** What is left of a time: `4:59`, `2:03:04`, or whole days and hours. `days` writes a number of days. */
export function timeLeft(ms: number, days: (n: number) => string): string {
  const seconds = Math.max(0, Math.ceil(ms / 1_000));
  const two = (n: number) => String(Math.floor(n)).padStart(2, '0');
  const hours = Math.floor(seconds / 3_600);
  if (hours >= 24) return `${days(Math.floor(hours / 24))}, ${hours % 24} h`;
  const end = `${two((seconds / 60) % 60)}:${two(seconds % 60)}`;
  return hours > 0 ? `${hours}:${end}` : end.replace(/^0(?=\d:)/, '');
}
