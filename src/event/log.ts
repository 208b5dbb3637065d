import type { EventRecord, EventStatus } from './model.ts';
import type { Change } from './state.ts';

/** What the log tells of an event itself: what decides who gets a place, without its name. */
export type LoggedSettings = Omit<EventRecord, 'eventId' | 'name' | 'createdAt'>;

/** One change as the log tells it, with `userId` for whoever may see it. */
export type LogChange =
  | { type: 'event.created' | 'event.updated' | 'event.cancelled'; settings: LoggedSettings }
  /** `override`: past the capacity. */
  | { type: 'registration.created'; registrationId: string; userId: string; override?: true }
  /** `erased`, here and below: the place was given up by the erasure of the user. */
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
  /** `expiresAt`: when it ends as things stood; a change of the line's end can move that. */
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

/** What one commit changed. There is none for a commit that changed nothing, so versions have gaps. */
export interface LogEntry {
  /** The version of the event that the commit led to. */
  version: number;
  /** When it was decided, ISO 8601 in UTC. */
  at: string;
  /** Proves this entry and all before it: see `chainOf`. */
  chain: string;
  /** In the order in which they were decided. */
  changes: LogChange[];
  /** Who made each change: null where authentication is off, or the service did it by itself. */
  actors: (string | null)[];
}

/** The end of an event's log, and where it begins. */
export interface LogHead {
  /** Version and chain of the last entry. */
  version: number;
  chain: string;
  /** No entry before this version is kept any more. */
  from: number;
  /** Everything before this version was written before this time (ISO 8601). */
  next: number;
  nextAt: string;
}

/** SHA-256 of the UTF-8 of a text, in hex. */
export type Hash = (text: string) => Promise<string>;

const settingsOf = ({ eventId: _, name: __, createdAt: ___, ...settings }: EventRecord) => settings;

const EVENT_TYPES: Record<EventStatus, 'event.updated' | 'event.cancelled'> = {
  OPEN: 'event.updated',
  PAUSED: 'event.updated',
  CLOSED: 'event.updated',
  CANCELLED: 'event.cancelled',
};

/** What a change has more where the erasure of its user made it. */
const erasure = (change: { erased?: true }) => (change.erased ? { erased: true as const } : {});

/** A change as the log tells it. */
export function toLogChange(change: Change): LogChange {
  switch (change.type) {
    case 'created':
      return { type: 'event.created', settings: settingsOf(change.event) };
    case 'updated':
      return { type: EVENT_TYPES[change.event.status], settings: settingsOf(change.event) };
    case 'registered': {
      const { registrationId, userId, overrideReason } = change.registration;
      const override = overrideReason === undefined ? {} : { override: true as const };
      return { type: 'registration.created', registrationId, userId, ...override };
    }
    case 'unregistered': {
      const { registrationId, userId } = change.registration;
      return { type: 'registration.cancelled', registrationId, userId, ...erasure(change) };
    }
    case 'promoted': {
      const { registrationId, userId } = change.registration;
      const { entryId, position } = change.entry;
      return { type: 'registration.promoted', registrationId, entryId, position, userId };
    }
    case 'waitlisted': {
      const { entryId, position, userId } = change.entry;
      return { type: 'waitlist.joined', entryId, position, userId };
    }
    case 'leftLine': {
      const { entryId, position, userId } = change.entry;
      return { type: 'waitlist.left', entryId, position, userId, ...erasure(change) };
    }
    case 'offered': {
      const { offerId, position, userId } = change.offer;
      const { expiresAt, entry } = change;
      return { type: 'offer.made', offerId, entryId: entry.entryId, position, expiresAt, userId };
    }
    case 'accepted': {
      const { offerId, position, userId } = change.offer;
      const { registrationId } = change.registration;
      return { type: 'offer.accepted', offerId, registrationId, position, userId };
    }
    case 'declined': {
      const { offerId, position, userId } = change.offer;
      return { type: 'offer.declined', offerId, position, userId, ...erasure(change) };
    }
    case 'offerExpired': {
      const { offerId, position, userId } = change.offer;
      return { type: 'offer.expired', offerId, position, userId };
    }
  }
}

/** A change without what not everybody may see; what the chain is made of. */
export function withoutUser<Logged extends object>(change: Logged): Omit<Logged, 'userId'> {
  const { userId: _, ...rest } = change as Logged & { userId?: string };
  return rest;
}

/**
 * The canonical JSON of a value (RFC 8785): no blanks, and the members of each object in the order of
 * the UTF-16 code units of their names. `undefined` members are left out.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`);
  return `{${members.join(',')}}`;
}

/**
 * The chain of an entry: the hash of the chain before it (nothing for the first) followed by the
 * canonical JSON of the entry without any `userId`. Whoever may not see users can check it.
 */
export function chainOf(
  before: string,
  { version, at, changes }: { version: number; at: string; changes: readonly object[] },
  hash: Hash,
): Promise<string> {
  return hash(before + canonicalJson({ version, at, changes: changes.map(withoutUser) }));
}

/** The log's end after one more entry. `days`: how long entries are kept. */
export function nextHead(
  head: LogHead | null,
  { version, at, chain }: LogEntry,
  days: number,
): LogHead {
  if (!head) return { version, chain, from: version, next: version, nextAt: at };
  const isOver = Date.parse(at) - Date.parse(head.nextAt) >= days * 24 * 60 * 60 * 1_000;
  return isOver
    ? { version, chain, from: head.next, next: version, nextAt: at }
    : { ...head, version, chain };
}

/** What proves later that a change is in the log: the entry's version and chain. */
export function receiptOf({ version, chain }: Pick<LogEntry, 'version' | 'chain'>): string {
  return `${version}.${chain}`;
}
