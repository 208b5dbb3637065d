import { createHash } from 'node:crypto';
import { userIdSchema } from '../http/schemas.ts';
import { ROW_ATTRIBUTES, type RowTable } from '../store/rows.ts';

/** An item as the seed system wrote it. Only its key is certain to exist. */
export type OldItem = Record<string, unknown>;

/** The word for a row, for a person. */
export const WORD_FOR: Record<RowTable, string> = {
  registrations: 'registration',
  waitlist: 'waitlist entry',
};

/** The id of a row. */
export const idOf = (table: RowTable, row: OldItem): string =>
  String(row[ROW_ATTRIBUTES[table].id]);

/** A value for a person: shortened, and in quotes if it is a text. */
export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'missing';
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

/**
 * The new id of a row whose id is no UUID. The same id always gives the same UUID, so that an interrupted run can
 * go on. It is a UUID of version 8 (RFC 9562): its bits are a hash.
 */
export function toNewId(table: RowTable, id: string): string {
  const hash = createHash('sha256').update(`${table} ${id}`).digest();
  hash.writeUInt8((hash.readUInt8(6) & 0x0f) | 0x80, 6);
  hash.writeUInt8((hash.readUInt8(8) & 0x3f) | 0x80, 8);
  return hash.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** Whether this can be a user id. One with blanks around it can't: ids in requests are trimmed. */
export const isUserId = (id: unknown) => userIdSchema.safeParse(id).data === id;
