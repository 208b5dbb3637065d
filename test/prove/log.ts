import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Settings } from './history.ts';

/** What the log tells of an event itself. */
export type LoggedSettings = Settings & { timeZone: string };

/** One change as the log tells it to whoever may see users. */
export type LogChange =
  | { type: 'event.created' | 'event.updated' | 'event.cancelled'; settings: LoggedSettings }
  | { type: 'registration.created'; registrationId: string; userId: string; override?: true }
  | { type: 'registration.cancelled'; registrationId: string; userId: string; erased?: true }
  | {
      type: 'registration.promoted';
      registrationId: string;
      entryId: string;
      position: number;
      userId: string;
    }
  | { type: 'waitlist.joined'; entryId: string; position: number; userId: string }
  | { type: 'waitlist.left'; entryId: string; position: number; userId: string; erased?: true }
  | {
      type: 'offer.made';
      offerId: string;
      entryId: string;
      position: number;
      expiresAt: string;
      userId: string;
    }
  | {
      type: 'offer.accepted';
      offerId: string;
      registrationId: string;
      position: number;
      userId: string;
    }
  | { type: 'offer.declined'; offerId: string; position: number; userId: string; erased?: true }
  | { type: 'offer.expired'; offerId: string; position: number; userId: string };

/** What one commit changed. */
export interface LogEntry {
  version: number;
  /** ISO 8601 in UTC. */
  at: string;
  chain: string;
  changes: LogChange[];
}

/** An entry as the registrations table holds it. */
export interface LogRow {
  registrationId: string;
  at: string;
  chain: string;
  /** JSON. */
  changes: string;
  /** Epoch seconds. */
  expiresAt: number;
}

/** How many days the workers of the campaign keep their log. */
export const LOG_DAYS = 30;

/** A key of the log: the event, and the version after the last `#`. */
const LOG_KEY = /^log#(?<eventId>.*)#(?<version>\d+)$/s;

function keyOf({ registrationId }: LogRow): { eventId: string; version: number } | null {
  const { eventId, version } = LOG_KEY.exec(registrationId)?.groups ?? {};
  return eventId === undefined ? null : { eventId, version: Number(version) };
}

/** The log of an event out of the rows of the table, oldest first. */
export function entriesOf(rows: readonly LogRow[], eventId: string): LogEntry[] {
  return rows
    .flatMap((row) => {
      const key = keyOf(row);
      if (key?.eventId !== eventId) return [];
      const { at, chain, changes } = row;
      return { version: key.version, at, chain, changes: JSON.parse(changes) as LogChange[] };
    })
    .sort((a, b) => a.version - b.version);
}

/** Rows of the log that belong to no event, show up among registrations, or are not kept as long as they should. */
export function strayLogRows(rows: readonly LogRow[], eventIds: Set<string>): string[] {
  return rows.flatMap((row) => {
    const key = keyOf(row);
    const isOurs = key !== null && eventIds.has(key.eventId);
    const isShown = 'eventId' in row || 'userId' in row;
    const keptMs = row.expiresAt * 1_000 - Date.parse(row.at);
    const isKept = Math.abs(keptMs - LOG_DAYS * 86_400_000) <= 1_000;
    if (isOurs && !isShown && isKept) return [];
    return `a row of the log of no event, or in an index, or kept too long or too short: ${JSON.stringify(row)}`;
  });
}

/** The canonical JSON (RFC 8785) of plain data: no blanks, and the members of objects by name. */
function canonicalJson(data: unknown): string {
  return JSON.stringify(data, (_, value: unknown) => {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value;
  });
}

/** The chain of an entry, as the contract defines it. */
export function chainOf(before: string, { version, at, changes }: Omit<LogEntry, 'chain'>): string {
  const open = changes.map((change) =>
    Object.fromEntries(Object.entries(change).filter(([name]) => name !== 'userId')),
  );
  const text = before + canonicalJson({ version, at, changes: open });
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

/**
 * Where the chain of a log does not hold, from its first entry on.
 *
 * @param clocksApartMs how far the clocks of those who wrote it may have been apart
 */
export function checkChain(entries: readonly LogEntry[], clocksApartMs = 0): string[] {
  let before: LogEntry | null = null;
  const faults: string[] = [];
  for (const entry of entries) {
    const { version, at, chain, changes } = entry;
    if (chain !== chainOf(before?.chain ?? '', entry)) {
      faults.push(`the chain of the log breaks at version ${version}`);
    }
    if (changes.length === 0) faults.push(`the log has an empty entry, version ${version}`);
    if (before && version <= before.version) faults.push(`the log has version ${version} twice`);
    if (before && Date.parse(at) < Date.parse(before.at) - clocksApartMs) {
      faults.push(`the log goes back in time: version ${version} at ${at}, after ${before.at}`);
    }
    before = entry;
  }
  return faults;
}

/** A page of the log as somebody was told it over the API. */
export interface LogPage {
  worker: number | undefined;
  /** The version that it begins after; -1 for the beginning. */
  after: number;
  limit: number;
  items: LogEntry[];
  /** The version that the next page begins after; null at the end of the log. */
  next: number | null;
  /** The highest version of which somebody had a receipt before the page was asked for. */
  known: number;
}

/**
 * Where a page is not a piece of the log as the tables hold it.
 *
 * @param mayBeStale whether the worker may not have heard of what another one wrote
 */
export function checkPage(
  { after, limit, items, next, known }: LogPage,
  entries: readonly LogEntry[],
  mayBeStale: boolean,
): string[] {
  const which = `a page of the log (${limit} after ${after})`;
  const following = entries.filter(({ version }) => version > after);
  if (!isDeepStrictEqual(items, following.slice(0, items.length))) {
    const versions = items.map(({ version }) => version).join(', ');
    return [`${which} tells what is not in the tables: versions ${versions}`];
  }
  const faults: string[] = [];
  if (items.length > limit) faults.push(`${which} has ${items.length} entries`);
  // What was passed over between the last entry and the next page is left out for good.
  const skipped = following[items.length];
  if (next !== null && skipped && skipped.version <= next) {
    faults.push(`${which} leaves out version ${skipped.version}: it goes on after ${next}`);
  }
  if (next !== null && next <= after) faults.push(`${which} goes on after ${next}`);
  if (next === null && skipped && skipped.version <= known && !mayBeStale) {
    faults.push(`${which} ends before version ${skipped.version}, whose receipt was out`);
  }
  return faults;
}
