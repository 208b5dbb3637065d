import type { Hash, LogChange, LogEntry } from './log.ts';
import { canonicalJson } from './log.ts';

/** What endpoints are told of one change. */
export interface Message {
  /** The version of its entry in the log, and its place among all changes of the entry. */
  version: number;
  index: number;
  type: LogChange['type'];
  /** When the change was decided, ISO 8601 in UTC. */
  timestamp: string;
  /** Whose change it is, and what the log has of it. */
  data: { eventId: string; version: number; index: number } & Omit<LogChange, 'type'>;
}

/** Every type of message. */
const TYPES: Record<LogChange['type'], true> = {
  'event.created': true,
  'event.updated': true,
  'event.cancelled': true,
  'registration.created': true,
  'registration.cancelled': true,
  'registration.promoted': true,
  'waitlist.joined': true,
  'waitlist.left': true,
  'offer.made': true,
  'offer.accepted': true,
  'offer.declined': true,
  'offer.expired': true,
};

export const MESSAGE_TYPES = Object.keys(TYPES);

/** What types begin with, or will begin with. */
const PREFIXES = ['event', 'registration', 'waitlist', 'offer', 'user'];

/** Whether a filter names a type of message, or `PREFIX.*` for all that begin so. */
export function isMessageType(filter: string): boolean {
  return Object.hasOwn(TYPES, filter) || PREFIXES.some((prefix) => filter === `${prefix}.*`);
}

/** Whether a message of this type is wanted by any of the filters; null: all are. */
export function isWanted(type: string, filters: readonly string[] | null): boolean {
  if (!filters) return true;
  const group = `${type.slice(0, type.indexOf('.'))}.*`;
  return filters.some((filter) => filter === type || filter === group);
}

/** The messages of an entry, one for each change, in order. */
export function messagesOf(eventId: string, { version, at, changes }: LogEntry): Message[] {
  return changes.map(({ type, ...change }, index) => ({
    ...{ version, index, type, timestamp: at },
    data: { eventId, version, index, ...change },
  }));
}

/**
 * What names a message: the same for each attempt and each endpoint, and of no other message. The chain is
 * in it because versions are given again after a table was restored from a backup.
 */
export async function messageId(
  eventId: string,
  { version, chain }: Pick<LogEntry, 'version' | 'chain'>,
  index: number,
  hash: Hash,
): Promise<string> {
  const digest = await hash(canonicalJson([eventId, version, index, chain]));
  return `msg_${digest.slice(0, 32)}`;
}
