import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { TableNames } from '../config.ts';
import type { LogHead } from '../event/log.ts';
import type { EventRecord } from '../event/model.ts';

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

/** What a table must look like; all are billed on demand. */
export interface TableSchema {
  hash: KeyAttribute;
  indexes: IndexSchema[];
  /** The attribute by which DynamoDB deletes items: epoch seconds. */
  ttl?: string;
}

/** Index names, as the queries use them. */
export const INDEXES = {
  registrationsByUser: 'UserIdIndex',
  registrationsByEvent: 'EventIdIndex',
  waitlistByPosition: 'EventIdPositionIndex',
} as const;

const text = (name: string): KeyAttribute => ({ name, type: 'S' });

/** The four-table schema: what `npm run tables` creates, and holds existing tables against. */
export const TABLE_SCHEMAS: Record<keyof TableNames, TableSchema> = {
  users: { hash: text('userId'), indexes: [] },
  events: { hash: text('eventId'), indexes: [] },
  registrations: {
    hash: text('registrationId'),
    indexes: [
      { name: INDEXES.registrationsByUser, hash: text('userId') },
      { name: INDEXES.registrationsByEvent, hash: text('eventId') },
    ],
    // Only idempotency keys and entries of the log have it.
    ttl: 'expiresAt',
  },
  waitlist: {
    hash: text('entryId'),
    indexes: [
      {
        name: INDEXES.waitlistByPosition,
        hash: text('eventId'),
        range: { name: 'position', type: 'N' },
      },
    ],
  },
};

/**
 * What the event item carries beside the record, for the fence and for proving a load.
 * Written by every commit of the event, and by nobody else.
 */
export interface EventBooks {
  /** Grows by one with every write of the item; 0 stands for an item that does not exist. */
  version: number;
  /** How often the event itself was written: created, then updated. */
  revision: number;
  /** Rows of the event in the registrations table. */
  registeredCount: number;
  /** Rows of the event in the waitlist table. */
  waitlistCount: number;
  /** The position given last; the next one is one more, whoever has left since. */
  lastPosition: number;
  /** The order number given to a seat last. */
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

/** The event item: record and books. */
export type EventItem = EventRecord & EventBooks & Partial<LogBooks>;

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

/** The log's end out of an event item; null before the first entry. */
export function toLogHead(item: Partial<LogBooks>): LogHead | null {
  const { logVersion: version, logChain: chain, logFrom: from, logNext: next } = item;
  const { logNextAt: nextAt } = item;
  if (version === undefined || chain === undefined) return null;
  return { version, chain, from: from ?? 0, next: next ?? 0, nextAt: nextAt ?? '' };
}

/** Picks the record out of an event item: what a client sees. Old items lack what came later. */
export function toEventRecord(item: EventRecord): EventRecord {
  const { eventId, name, capacity, hasWaitlist, createdAt } = item;
  const { waitlistCapacity = null, registrationOpensAt = null, registrationClosesAt = null } = item;
  const { status = 'OPEN' } = item;
  const limits = { waitlistCapacity, registrationOpensAt, registrationClosesAt };
  return { eventId, name, capacity, hasWaitlist, ...limits, status, createdAt };
}

/**
 * A flat item as DynamoDB has it; what is undefined is left out. Commits write by these known shapes,
 * since lib-dynamodb's search for them is a sixth of what a transaction costs.
 */
export function toAttributes(item: object): Record<string, AttributeValue> {
  const attributes: Record<string, AttributeValue> = {};
  for (const [name, value] of Object.entries(item)) {
    if (typeof value === 'string') attributes[name] = { S: value };
    else if (typeof value === 'number') attributes[name] = { N: String(value) };
    else if (typeof value === 'boolean') attributes[name] = { BOOL: value };
    else if (value === null) attributes[name] = { NULL: true };
    else if (value !== undefined)
      throw new Error(`an item has no place for ${typeof value} ${name}`);
  }
  return attributes;
}

/** A flat item as it was before `toAttributes`; of other kinds of values our tables have none. */
export function fromAttributes(attributes: Record<string, AttributeValue>): object {
  const item: Record<string, unknown> = {};
  for (const [name, { S, N, BOOL }] of Object.entries(attributes)) {
    item[name] = S ?? (N === undefined ? (BOOL ?? null) : Number(N));
  }
  return item;
}

/** The digest as the item holds it. */
export function toDigest(digest: bigint): string {
  return digest.toString(16).padStart(32, '0');
}

/** Key of a row in the table that it lives in. */
export function toPlaceKey(table: 'registrations' | 'waitlist', id: string) {
  return table === 'registrations' ? { registrationId: id } : { entryId: id };
}
