import { createHash } from 'node:crypto';
import { userIdSchema } from '../http/schemas.ts';

/** The tables that have a row for each place. */
export type PlaceTable = 'registrations' | 'waitlist';

/** An item as it was found: nothing is certain of it but its key. */
export type OldItem = Record<string, unknown>;

/** The attribute that is the id of a row. */
export const ID_OF: Record<PlaceTable, 'registrationId' | 'entryId'> = {
  registrations: 'registrationId',
  waitlist: 'entryId',
};
/** The attribute by which rows are in order. */
export const ORDER_OF: Record<PlaceTable, 'seq' | 'position'> = {
  registrations: 'seq',
  waitlist: 'position',
};
/** One row, for a person. */
export const WORD_FOR: Record<PlaceTable, string> = {
  registrations: 'registration',
  waitlist: 'waitlist entry',
};

/** The id of a row. */
export const idOf = (table: PlaceTable, row: OldItem): string => String(row[ID_OF[table]]);

/** A value that was found, for a person: short, and in quotes where it is text. */
export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'missing';
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

/**
 * The UUID that a row gets whose id is none: always the same one, so that a run that was cut short goes
 * on where it was. Version 8 of RFC 9562: the bits are a hash.
 */
export function toNewId(table: PlaceTable, id: string): string {
  const hash = createHash('sha256').update(`${table} ${id}`).digest();
  hash.writeUInt8((hash.readUInt8(6) & 0x0f) | 0x80, 6);
  hash.writeUInt8((hash.readUInt8(8) & 0x3f) | 0x80, 8);
  return hash.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** Ids are trimmed before they are looked for, so one that has blanks around it is never found. */
export const isUserId = (id: unknown) => userIdSchema.safeParse(id).data === id;
