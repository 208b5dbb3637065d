import type { LogEntry } from '../event/log.ts';
import { isWanted, type Message, messagesOf, reminderMessage } from '../event/messages.ts';
import type { Offer } from '../event/model.ts';
import { type DeliveryJob, isReminder } from '../event/outbox.ts';
import {
  OUTBOX_FIRST_PAGE_ENTRIES,
  OUTBOX_MAX_CHANGES,
  OUTBOX_MAX_MESSAGES,
  OUTBOX_MAX_OPEN,
  OUTBOX_MAX_PAGES,
} from '../limits.ts';
import type { LogPage, LogRange } from '../store/log.ts';
import { isAt, type Place, placeOf } from './progress.ts';

/** A message, and what its id is made of. */
export interface Outgoing extends Message {
  /** The chain of its entry, or the offer that it reminds of. */
  chain: string | Offer;
}

/** What a delivery has to do, in the order of the log. */
export interface Backlog {
  /** Messages that failed, and are due again. */
  due: Outgoing[];
  /** Messages that failed and are no longer in the log. */
  gone: Place[];
  /** Reminders that failed, and whose offer is over. */
  over: Place[];
  /** Reminders that were never sent, in the order of ends. */
  reminders: Outgoing[];
  /** Messages that were never sent, and that the endpoint wants. */
  fresh: Outgoing[];
  /** What the pointer can pass to when all of `fresh` are sent. */
  end: Place;
}

/** How the log is read. */
export interface LogReader {
  readRange(range: LogRange): Promise<LogPage>;
  /** At most `OUTBOX_MAX_OPEN` versions; entries that are gone are left out. */
  readVersions(versions: number[]): Promise<LogEntry[]>;
}

const outgoing = (eventId: string, entry: LogEntry): Outgoing[] =>
  messagesOf(eventId, entry).map((message) => ({ ...message, chain: entry.chain }));

/** Reads the messages that failed and whose time has come. */
async function readDue({ eventId, pointer }: DeliveryJob, now: number, reader: LogReader) {
  const places = pointer.open.filter((each) => each.nextAt <= now && !isReminder(each));
  const versions = [...new Set(places.map(({ version }) => version))];
  const entries = versions.length > 0 ? await reader.readVersions(versions) : [];
  const messages = new Map(
    entries.map((entry) => [entry.version, outgoing(eventId, entry)] as const),
  );
  const due: Outgoing[] = [];
  const gone: Place[] = [];
  for (const place of places) {
    const message = messages.get(place.version)?.[place.index];
    if (message) due.push(message);
    else gone.push(place);
  }
  return { due, gone };
}

/** The reminders of a job: those that failed before, and the others. */
function toReminders({ eventId, pointer, reminders = [] }: DeliveryJob, now: number) {
  const all = reminders.map((each) => ({ ...reminderMessage(eventId, each), chain: each.offer }));
  const failed = pointer.open.filter((each) => each.nextAt <= now && isReminder(each));
  const wasSent = (message: Outgoing) => failed.some(isAt(message));
  const over = failed.filter((place) => !all.some(isAt(place)));
  return { again: all.filter(wasSent), over, reminders: all.filter((each) => !wasSent(each)) };
}

/** How many entries to read next: about as many as have the messages that are still wanted. */
function entriesFor(wanted: number, messageCount: number, entryCount: number): number {
  const perEntry = Math.max(messageCount / Math.max(entryCount, 1), 1 / OUTBOX_MAX_MESSAGES);
  return Math.min(OUTBOX_MAX_MESSAGES, Math.ceil(wanted / perEntry));
}

/** Reads messages that were never sent: `OUTBOX_MAX_MESSAGES` or a few more, if there are so many. */
async function readFresh(
  { eventId, pointer, head }: DeliveryJob,
  types: readonly string[] | null,
  reader: LogReader,
): Promise<{ fresh: Outgoing[]; end: Place }> {
  const first = placeOf(pointer);
  const fresh: Outgoing[] = [];
  let after = pointer.version;
  let limit = OUTBOX_FIRST_PAGE_ENTRIES;
  let entryCount = 0;
  let changeCount = 0;
  for (let pages = 0; after < head && pages < OUTBOX_MAX_PAGES; pages++) {
    const { entries, next } = await reader.readRange({ after, to: head, limit });
    for (const entry of entries) {
      const sent = entry.version === first.version ? first.index : 0;
      const messages = outgoing(eventId, entry).slice(sent);
      fresh.push(...messages.filter(({ type }) => isWanted(type, types)));
      changeCount += entry.changes.length;
    }
    after = next ?? head;
    entryCount += entries.length;
    if (fresh.length >= OUTBOX_MAX_MESSAGES || changeCount >= OUTBOX_MAX_CHANGES) break;
    limit = entriesFor(OUTBOX_MAX_MESSAGES - fresh.length, fresh.length, entryCount);
  }
  return { fresh, end: after === pointer.version ? first : { version: after + 1, index: 0 } };
}

/**
 * Reads what is due. Nothing new is read for an endpoint that has `OUTBOX_MAX_OPEN` open messages.
 *
 * @param types which messages the endpoint wants; null for all
 */
export async function readBacklog(
  job: DeliveryJob,
  types: readonly string[] | null,
  now: number,
  reader: LogReader,
): Promise<Backlog> {
  const { due, gone } = await readDue(job, now, reader);
  const { again, over, reminders } = toReminders(job, now);
  const isDown = job.pointer.open.length - gone.length - over.length >= OUTBOX_MAX_OPEN;
  const news = isDown
    ? { fresh: [], end: placeOf(job.pointer) }
    : await readFresh(job, types, reader);
  return { due: [...again, ...due], gone, over, reminders, ...news };
}
