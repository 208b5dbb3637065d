import type { Interval } from './history.ts';
import type { LogEntry } from './log.ts';
import { LoggedEvent } from './replay.ts';
import { lineEndOf } from './rules.ts';

/** A time in which nothing fails and nobody calls the service: alarms alone see to it that seats are passed on. */
export interface Quiet extends Interval {
  /** How long a seat may be idle, in milliseconds: no longer than an alarm may be late. */
  idleMaxMs: number;
}

/**
 * From when on a seat is idle though somebody waits, if nothing happens to the event.
 *
 * @param from epoch milliseconds; nothing before counts
 * @returns epoch milliseconds; null for never
 */
export function idleFrom(event: LoggedEvent, from: number): number | null {
  const { settings, line, seats, offers } = event;
  if (!settings || line.length === 0) return null;
  const isFree = seats.size + offers.length < settings.capacity;
  const ends = offers.map(({ expiresAt }) => Date.parse(expiresAt));
  const at = isFree ? from : Math.max(from, Math.min(...ends));
  return at < lineEndOf(settings) ? at : null;
}

/** Where a seat was idle for too long while somebody waited and the line lived, by the log of an event. */
export function idleSeats(entries: readonly LogEntry[], times: readonly Quiet[]): string[] {
  return times.flatMap(({ from, until, idleMaxMs }) =>
    entries.flatMap(({ version, at }, i) => {
      const next = entries[i + 1];
      const begin = Math.max(from, Date.parse(at));
      const end = Math.min(until, next ? Date.parse(next.at) : Number.POSITIVE_INFINITY);
      if (end - begin <= idleMaxMs) return [];
      const event = new LoggedEvent(entries.slice(0, i + 1));
      const since = event.settings && idleFrom(event, begin);
      if (since === null || event.settings === null) return [];
      const idleMs = Math.min(end, lineEndOf(event.settings)) - since;
      if (idleMs <= idleMaxMs) return [];
      return [
        `a seat was idle for ${idleMs} ms after version ${version} while somebody waited, ${Math.round(idleMaxMs)} at most`,
      ];
    }),
  );
}
