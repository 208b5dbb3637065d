import type { Reply } from './client.ts';
import {
  type Asked,
  type Entry,
  isErasable,
  isGivenName,
  type Offered,
  type Page,
  type PeopleList,
  type Seat,
} from './history.ts';

/** An answer that no promise allows. */
export class UnexpectedAnswerError extends Error {}

/** A row of a list in an answer. */
interface Row {
  userId: string;
  name: string | null;
  registrationId?: string;
  entryId?: string;
  offerId?: string;
  position?: number;
  createdAt?: string;
  expiresAt?: string;
}

/** The cursor of a list that stands for an order number. */
export function writeCursor(list: PeopleList, eventId: string, after: number): string {
  const base64 = Buffer.from(JSON.stringify([list, eventId, after])).toString('base64');
  return base64.replaceAll('+', '-').replaceAll('/', '_');
}

/** @throws UnexpectedAnswerError for a text that is not a cursor of the list */
function readCursor(cursor: string, list: PeopleList, eventId: string): number {
  const parsed: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  const after: unknown = Array.isArray(parsed) ? parsed[2] : undefined;
  if (typeof after === 'number' && writeCursor(list, eventId, after) === cursor) return after;
  throw new UnexpectedAnswerError(`a cursor that is not of the ${list} of ${eventId}: ${cursor}`);
}

/** @throws UnexpectedAnswerError for an answer that is not the requested page */
export function toPage(
  { headers, body }: Reply,
  eventId: string,
  { list, format, limit }: Extract<Asked, { type: 'list' }>,
): Page {
  const isCsv = format === 'csv';
  const type = String(headers['content-type']);
  if (!type.startsWith(isCsv ? 'text/csv' : 'application/json')) {
    throw new UnexpectedAnswerError(`a list as ${format} came as ${type}`);
  }
  const told = isCsv ? fromCsv(String(body.text)) : (body.items as Row[]);
  const cursor = isCsv ? null : (body.nextCursor as string | null);
  const next = cursor === null ? null : readCursor(cursor, list, eventId);
  const rows = told.map((row) => toRow(row, list));
  const last = rows.at(-1);
  const isFull = rows.length === limit;
  if (!isCsv && (rows.length > limit || (next !== null && !isFull))) {
    throw new UnexpectedAnswerError(`a page of ${rows.length} rows where ${limit} were asked for`);
  }
  // The API shows the order number of a seat only in the cursor, which is that of the last row.
  if (last && next !== null && !('position' in last)) last.seq = next;
  return { type: 'page', rows, next };
}

/** Whether a user can have that name: their id at first, one that they were given, or none while they are erased. */
function mayBeCalled(userId: string, name: string | null): boolean {
  if (isErasable(userId) && (name === null || name === '')) return true;
  return name === userId || isGivenName(name);
}

function toRow(row: Row, list: PeopleList): Seat | Offered | Entry {
  const { userId, name, registrationId, entryId, offerId, position } = row;
  if (!mayBeCalled(userId, name)) throw new UnexpectedAnswerError(`${userId} is listed as ${name}`);
  if (list === 'registrations' && registrationId) return { userId, id: registrationId };
  if (list === 'waitlist' && entryId && position) return { userId, id: entryId, position };
  const { createdAt, expiresAt } = row;
  if (list === 'offers' && offerId && position && createdAt && expiresAt) {
    return { userId, id: offerId, position, createdAt, expiresAt };
  }
  throw new UnexpectedAnswerError(`a row of the ${list} has no id or position: ${userId}`);
}

const MARK = '\uFEFF';

/** The rows of CSV (RFC 4180) by the names in its first line. */
function fromCsv(text: string): Row[] {
  if (!text.startsWith(MARK)) throw new UnexpectedAnswerError('CSV that does not say it is UTF-8');
  const [columns = [], ...lines] = linesOf(text.slice(MARK.length));
  return lines.map((cells) => {
    const row = Object.fromEntries(columns.map((column, i) => [column, cells[i] ?? '']));
    const { userId = '', name = '', position, ...ids } = row;
    return {
      ...ids,
      userId,
      name,
      ...(position === undefined ? {} : { position: Number(position) }),
    };
  });
}

/** Splits CSV into cells. Every line ends in CRLF; a cell with quotes, commas or line ends is quoted. */
function linesOf(text: string): string[][] {
  const lines: string[][] = [];
  let cells: string[] = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/y;
  while (cell.lastIndex < text.length) {
    const at = cell.lastIndex;
    const found = cell.exec(text);
    if (!found) throw new UnexpectedAnswerError(`not CSV from character ${at} on: ${text}`);
    const [, quoted, plain = '', end] = found;
    cells.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === ',') continue;
    lines.push(cells);
    cells = [];
  }
  return lines;
}
