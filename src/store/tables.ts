import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { TableNames } from '../config.ts';
import type { LogHead } from '../event/log.ts';
import type { EventRecord, Offer } from '../event/model.ts';
import type { Pointer } from '../event/outbox.ts';
import type { Books } from '../event/state.ts';

/** One attribute of a key: its name and DynamoDB type. */
export interface KeyAttribute {
  name: string;
  type: 'S' | 'N';
}

/** A global secondary index; all project ALL. */
export interface IndexSchema {
  name: string;
  hash: KeyAttribute;
  range?: KeyAttribute;
}

/** The schema of a table; all tables are billed on demand. */
export interface TableSchema {
  hash: KeyAttribute;
  indexes: IndexSchema[];
  /** The attribute that says when DynamoDB may delete an item, in epoch seconds. */
  ttl?: string;
}

/** The names of the indexes. */
export const INDEXES = {
  registrationsByUser: 'UserIdIndex',
  registrationsByEvent: 'EventIdIndex',
  waitlistByPosition: 'EventIdPositionIndex',
  waitlistByUser: 'UserIdIndex',
} as const;

const stringKey = (name: string): KeyAttribute => ({ name, type: 'S' });

/** The schemas of the four tables. `npm run tables` creates them, and compares existing tables with them. */
export const TABLE_SCHEMAS: Record<keyof TableNames, TableSchema> = {
  users: { hash: stringKey('userId'), indexes: [] },
  events: { hash: stringKey('eventId'), indexes: [] },
  registrations: {
    hash: stringKey('registrationId'),
    indexes: [
      { name: INDEXES.registrationsByUser, hash: stringKey('userId') },
      { name: INDEXES.registrationsByEvent, hash: stringKey('eventId') },
    ],
    // Only idempotency keys and entries of the log have it.
    ttl: 'expiresAt',
  },
  waitlist: {
    hash: stringKey('entryId'),
    indexes: [
      {
        name: INDEXES.waitlistByPosition,
        hash: stringKey('eventId'),
        range: { name: 'position', type: 'N' },
      },
      { name: INDEXES.waitlistByUser, hash: stringKey('userId') },
    ],
  },
};

/**
 * What the event item carries beside the record: for the fence, and to prove a load. Every commit of the event
 * writes the books.
 */
export interface EventBooks {
  /** Grows by one with every write of the item; 0 means that the item does not exist. */
  version: number;
  /** How often the event itself was created or updated; changes of its rows don't count. */
  revision: number;
  /** Seats: rows of the event in the registrations table with the status `ACTIVE`. */
  registeredCount: number;
  /** Open offers: those with the status `OFFERED`. Items from before there were offers lack it. */
  offeredCount?: number;
  /** Rows of the event in the waitlist table. */
  waitlistCount: number;
  /** The position given last. The next one is one more, even if that entry is gone. */
  lastPosition: number;
  /** The `seq` given last. */
  lastSeq: number;
  /** XOR of the ids of all those rows, as 32 hex digits. */
  digest: string;
}

/** What the event item holds of the event's log; nothing before the first entry. See `LogHead`. */
export interface LogBooks {
  logVersion: number;
  logChain: string;
  logFrom: number;
  logNext: number;
  logNextAt: string;
}

/** What the event item holds of what is to be done; nothing where there never was anything. */
export interface DueBooks {
  /** JSON of the pointers, one for each endpoint. */
  outbox: string;
  /** Epoch milliseconds at which the event has something to do by itself; null for never. */
  dueAt: number | null;
}

/** The event item: record and books. */
export type EventItem = EventRecord & EventBooks & Partial<LogBooks & DueBooks>;

/** The log's end as the event item holds it. */
export function toLogBooks({ version, chain, from, next, nextAt }: LogHead): LogBooks {
  return {
    logVersion: version,
    logChain: chain,
    logFrom: from,
    logNext: next,
    logNextAt: nextAt,
  };
}

/** Where the endpoints stand, as the event item holds it; nothing for an event that never had any. */
export function toOutbox(pointers: readonly Pointer[]): Partial<Pick<DueBooks, 'outbox'>> {
  return pointers.length === 0 ? {} : { outbox: JSON.stringify(pointers) };
}

/** What an event item holds beside the record and the counts. */
export function toBooks(item: Partial<LogBooks & DueBooks>): Books {
  const pointers = item.outbox === undefined ? [] : (JSON.parse(item.outbox) as Pointer[]);
  return { log: toLogHead(item), pointers, dueAt: item.dueAt ?? null };
}

/** The log's end out of an event item; null before the first entry. */
function toLogHead(item: Partial<LogBooks>): LogHead | null {
  const { logVersion: version, logChain: chain, logFrom: from, logNext: next } = item;
  const { logNextAt: nextAt } = item;
  if (version === undefined || chain === undefined) return null;
  return { version, chain, from: from ?? 0, next: next ?? 0, nextAt: nextAt ?? '' };
}

/** The record in an event item: what a client sees. Fields that an old item lacks get their defaults. */
export function toEventRecord(item: EventRecord): EventRecord {
  const { eventId, name, capacity, hasWaitlist, createdAt } = item;
  const { waitlistCapacity = null, registrationOpensAt = null, registrationClosesAt = null } = item;
  const { startsAt = null, timeZone = 'UTC', promotesUntil = null, offerSeconds = null } = item;
  const { status = 'OPEN' } = item;
  const limits = { waitlistCapacity, registrationOpensAt, registrationClosesAt };
  const times = { startsAt, timeZone, promotesUntil, offerSeconds };
  return { eventId, name, capacity, hasWaitlist, ...limits, ...times, status, createdAt };
}

/**
 * A flat item in DynamoDB's format, without undefined attributes. Commits use it instead of lib-dynamodb,
 * whose generic conversion takes a sixth of the CPU time of a transaction.
 */
export function toAttributes(item: object): Record<string, AttributeValue> {
  const attributes: Record<string, AttributeValue> = {};
  for (const [name, value] of Object.entries(item)) {
    if (typeof value === 'string') attributes[name] = { S: value };
    else if (typeof value === 'number') attributes[name] = { N: String(value) };
    else if (typeof value === 'boolean') attributes[name] = { BOOL: value };
    else if (value === null) attributes[name] = { NULL: true };
    else if (value !== undefined) throw new Error(`an item can't have the ${typeof value} ${name}`);
  }
  return attributes;
}

/** The inverse of `toAttributes`. */
export function fromAttributes(attributes: Record<string, AttributeValue>): object {
  const item: Record<string, unknown> = {};
  for (const [name, { S, N, BOOL }] of Object.entries(attributes)) {
    item[name] = S ?? (N === undefined ? (BOOL ?? null) : Number(N));
  }
  return item;
}

/** A digest as the event item holds it: 32 hex digits. */
export function toDigest(digest: bigint): string {
  return digest.toString(16).padStart(32, '0');
}

/**
 * An offer as it is stored, among the registrations. When it ends is not called `expiresAt`: by that DynamoDB
 * would delete the row.
 */
export interface OfferRow {
  registrationId: string;
  userId: string;
  eventId: string;
  status: 'OFFERED';
  position: number;
  createdAt: string;
  offerEndsAt: string;
}

/** An offer as its row. */
export function toOfferRow({ offerId, expiresAt, ...offer }: Offer): OfferRow {
  return { registrationId: offerId, ...offer, status: 'OFFERED', offerEndsAt: expiresAt };
}

/** The inverse of `toOfferRow`. */
export function toOffer(row: OfferRow): Offer {
  const { registrationId: offerId, userId, eventId, position, createdAt, offerEndsAt } = row;
  return { offerId, userId, eventId, position, createdAt, expiresAt: offerEndsAt };
}

/** The primary key of a row in its table. */
export function toRowKey(table: 'registrations' | 'waitlist', id: string) {
  return table === 'registrations' ? { registrationId: id } : { entryId: id };
}
