import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { LogChange, LogEntry } from '../event/log.ts';
import {
  BATCH_GET_MAX_KEYS,
  LOG_PAGE_MAX_CHANGES,
  LOG_PAGE_MAX_READS,
  READ_DEADLINE_MS,
} from '../limits.ts';
import { batchGet } from './batch-get.ts';
import type { Store } from './client.ts';
import { toAttributes } from './tables.ts';

/** An entry of the log as it is stored. */
interface LogItem {
  registrationId: string;
  at: string;
  chain: string;
  /** JSON of the changes. */
  changes: string;
  /** JSON of who made each change; left out where nobody has shown who they are. */
  actors?: string;
  /** Epoch seconds. */
  expiresAt: number;
}

/**
 * The key of the log's entry for one version of an event. It lives among the registrations, whose ids
 * are ours alone; the last `#` separates the version, whatever the event's id has in it.
 */
const toLogId = (eventId: string, version: number) => `log#${eventId}#${version}`;

/** An entry of the log as its item, without the attributes that would bring it into an index. */
export function toLogItem(
  eventId: string,
  { version, at, chain, changes, actors, expiresAt }: KeptEntry,
): Record<string, AttributeValue> {
  const isAnonymous = actors.every((actor) => actor === null);
  return toAttributes({
    registrationId: toLogId(eventId, version),
    at,
    chain,
    changes: JSON.stringify(changes),
    actors: isAnonymous ? undefined : JSON.stringify(actors),
    expiresAt,
  } satisfies Record<keyof LogItem, unknown>);
}

/** An entry as it is kept. `expiresAt` is in epoch seconds. */
export type KeptEntry = LogEntry & { expiresAt: number };

function toEntry({ registrationId, at, chain, expiresAt, ...json }: LogItem): KeptEntry {
  const version = Number(registrationId.slice(registrationId.lastIndexOf('#') + 1));
  const changes = JSON.parse(json.changes) as LogChange[];
  const actors = json.actors ? JSON.parse(json.actors) : changes.map(() => null);
  return { version, at, chain, changes, actors, expiresAt };
}

/**
 * Reads the entries of these versions, consistently and by key, as far as they are in the table: DynamoDB
 * may delete an expired one days later.
 *
 * @param versions at most `BATCH_GET_MAX_KEYS`
 * @param deadline epoch milliseconds
 * @returns in the order of their versions
 * @throws StoreUnavailableError when the table does not answer
 */
export async function readEntries(
  store: Store,
  eventId: string,
  versions: readonly number[],
  deadline = Date.now() + READ_DEADLINE_MS,
): Promise<KeptEntry[]> {
  if (versions.length === 0) return [];
  const table = store.tables.registrations;
  const keys = versions.map((version) => ({ registrationId: toLogId(eventId, version) }));
  const found = ((await batchGet(store, { [table]: keys }, deadline))[table] ?? []) as LogItem[];
  return found.map(toEntry).sort((a, b) => a.version - b.version);
}

/** What is read of the log: the entries after a version, up to and with another. */
export interface LogRange {
  /** -1 for the beginning. */
  after: number;
  to: number;
  /** How many entries at most. */
  limit: number;
}

/** A page of the log. */
export interface LogPage {
  /** In the order of their versions. */
  entries: LogEntry[];
  /** The version to go on after; null at the end of what was asked for. */
  next: number | null;
}

/**
 * Reads a range of the log, stepping over versions that have no entry. A page can end early: with
 * `LOG_PAGE_MAX_CHANGES` changes, or after `LOG_PAGE_MAX_READS` calls where many versions have none.
 *
 * @param isWanted which entries are in the page; all when left out
 * @throws StoreUnavailableError when the table does not answer
 */
export async function readLog(
  store: Store,
  eventId: string,
  { after, to, limit }: LogRange,
  isWanted: (entry: KeptEntry) => boolean = () => true,
): Promise<LogPage> {
  const deadline = Date.now() + READ_DEADLINE_MS;
  const entries: LogEntry[] = [];
  let changeCount = 0;
  let last = after;
  for (let reads = 0; last < to && reads < LOG_PAGE_MAX_READS; reads++) {
    const count = Math.min(BATCH_GET_MAX_KEYS, limit - entries.length, to - last);
    const versions = Array.from({ length: count }, (_, i) => last + 1 + i);
    for (const entry of (await readEntries(store, eventId, versions, deadline)).filter(isWanted)) {
      const { expiresAt: _, ...told } = entry;
      entries.push(told);
      changeCount += entry.changes.length;
      if (entries.length === limit || changeCount >= LOG_PAGE_MAX_CHANGES) {
        return { entries, next: entry.version < to ? entry.version : null };
      }
    }
    last += count;
  }
  return { entries, next: last < to ? last : null };
}
