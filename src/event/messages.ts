import type { Hash, LogChange, LogEntry } from './log.ts';
import { canonicalJson } from './log.ts';
import type { Offer } from './model.ts';
import type { Reminder } from './outbox.ts';

/** The types of messages: those of changes, a reminder, and what tells endpoints to delete what they hold about a user. */
export type MessageType = LogChange['type'] | 'offer.expiring' | 'user.erased';

/** What endpoints are told of one change, as a reminder, or of the erasure of a user. */
export interface Message {
  /** The version of its entry in the log, and its place among all messages of the entry; of a reminder see `Reminder`. */
  version: number;
  index: number;
  type: MessageType;
  /** When the change was decided, or the reminder due, ISO 8601 in UTC. */
  timestamp: string;
  /** Whose change it is, and what the log has of it; of a reminder the offer. */
  data: { eventId: string; version: number; index: number } & (
    | Omit<LogChange, 'type'>
    | Omit<Offer, 'createdAt'>
  );
}

/** Every type of message. */
const TYPES: Record<MessageType, true> = {
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
  'offer.expiring': true,
  'user.erased': true,
};

export const MESSAGE_TYPES = Object.keys(TYPES);

/** What types begin with. */
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

/**
 * The messages of an entry: one for each change, in order, and then one for each user whose erasure made one. Where a
 * change is among the changes is the index of its message.
 */
export function messagesOf(eventId: string, { version, at, changes }: LogEntry): Message[] {
  const erasures = changes.flatMap((change) =>
    'erased' in change && change.erased
      ? [{ type: 'user.erased' as const, userId: change.userId }]
      : [],
  );
  return [...changes, ...erasures].map(({ type, ...told }, index) => ({
    ...{ version, index, type, timestamp: at },
    data: { eventId, version, index, ...told },
  }));
}

/** The message that reminds of an offer. */
export function reminderMessage(eventId: string, { version, index, at, offer }: Reminder): Message {
  const { offerId, position, expiresAt, userId } = offer;
  const data = { eventId, version, index, offerId, position, expiresAt, userId };
  return { version, index, type: 'offer.expiring', timestamp: at, data };
}

/** What names a reminder: the same for each attempt and each endpoint, as long as the offer has this end. */
export async function reminderId(
  eventId: string,
  { offerId, expiresAt }: Offer,
  hash: Hash,
): Promise<string> {
  return toId(await hash(canonicalJson([eventId, 'offer.expiring', offerId, expiresAt])));
}

const toId = (digest: string) => `msg_${digest.slice(0, 32)}`;

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
  return toId(await hash(canonicalJson([eventId, version, index, chain])));
}
