/** A file that calendars read (RFC 5545). */
const compact = (iso: string) => new Date(iso).toISOString().replace(/[-:]|\.\d{3}/g, '');
const escapeText = (text: string) => text.replace(/[\\;,]/g, '\\$&').replace(/\r?\n/g, '\\n');

/** Folds a line, so that none is longer than 75 bytes. */
function fold(line: string): string {
  const bytes = new TextEncoder();
  let folded = '';
  let length = 0;
  for (const char of line) {
    const size = bytes.encode(char).length;
    if (length + size > 74) {
      folded += '\r\n ';
      length = 1;
    }
    folded += char;
    length += size;
  }
  return folded;
}

/** The calendar file of an event that begins at `startsAt`. */
export function toCalendar(
  event: { eventId: string; name: string; startsAt: string },
  url: string,
  now: string,
): string {
  const lines = [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//registration-desk//EN',
    'BEGIN:VEVENT',
    `UID:${escapeText(event.eventId)}@${new URL(url).host}`,
    `DTSTAMP:${compact(now)}`,
    `DTSTART:${compact(event.startsAt)}`,
    `SUMMARY:${escapeText(event.name)}`,
    `URL:${url}`,
    'END:VEVENT',
    'END:VCALENDAR',
  ];
  return `${lines.map(fold).join('\r\n')}\r\n`;
}
