import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { LogChange, LogEntry, LogHead } from '../event/log.ts';
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

/**
 * An entry of the log as its item, without the attributes that would bring it into an index.
 *
 * @param entry `expiresAt` is in epoch seconds
 */
export function toLogItem(
  eventId: string,
  { version, at, chain, changes, actors, expiresAt }: LogEntry & { expiresAt: number },
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

function toEntry({ registrationId, at, chain, ...json }: LogItem): LogEntry {
  const version = Number(registrationId.slice(registrationId.lastIndexOf('#') + 1));
  const changes = JSON.parse(json.changes) as LogChange[];
  const actors = json.actors ? JSON.parse(json.actors) : changes.map(() => null);
  return { version, at, chain, changes, actors };
}

/** A page of the log. */
export interface LogPage {
  /** In the order of their versions. */
  entries: LogEntry[];
  /** The version to go on after; null at the end of the log. */
  next: number | null;
}

/**
 * Reads entries of the log, consistently and by key. A page can end early: with `LOG_PAGE_MAX_CHANGES`
 * changes, or after `LOG_PAGE_MAX_READS` calls where many versions have no entry.
 *
 * @param head the end of the log
 * @param after the version to begin after; -1 for the beginning
 * @param limit how many entries at most
 * @throws StoreUnavailableError when the table does not answer
 */
export async function readLog(
  store: Store,
  eventId: string,
  head: LogHead | null,
  after: number,
  limit: number,
): Promise<LogPage> {
  if (!head) return { entries: [], next: null };
  const table = store.tables.registrations;
  const deadline = Date.now() + READ_DEADLINE_MS;
  const nowSeconds = Date.now() / 1_000;
  const entries: LogEntry[] = [];
  let changeCount = 0;
  let last = Math.max(after, head.from - 1);
  for (let reads = 0; last < head.version && reads < LOG_PAGE_MAX_READS; reads++) {
    const first = last + 1;
    const count = Math.min(BATCH_GET_MAX_KEYS, limit - entries.length, head.version - last);
    const keys = Array.from({ length: count }, (_, i) => ({
      registrationId: toLogId(eventId, first + i),
    }));
    const found = ((await batchGet(store, { [table]: keys }, deadline))[table] ?? []) as LogItem[];
    const page = found.filter(({ expiresAt }) => expiresAt > nowSeconds).map(toEntry);
    for (const entry of page.sort((a, b) => a.version - b.version)) {
      entries.push(entry);
      last = entry.version;
      changeCount += entry.changes.length;
      if (entries.length === limit || changeCount >= LOG_PAGE_MAX_CHANGES) {
        return { entries, next: last < head.version ? last : null };
      }
    }
    last = first + count - 1;
  }
  return { entries, next: last < head.version ? last : null };
}
