import type { Offer, Registration, WaitlistEntry } from '../event/model.ts';
import { PAGE_MAX_ROWS } from '../limits.ts';
import { servicesOf } from '../services.ts';
import { namesOf } from '../store/users.ts';
import { prefersCsv } from './accept.ts';
import { toCsv } from './csv.ts';
import { execute, type RouteContext } from './event-call.ts';
import { linkNext, readCursor, writeCursor } from './paging.ts';

/** A list of people that an event has. */
type PeopleList = 'registrations' | 'offers' | 'waitlist';

/** Before every order number: that of a seat without `seq` is 0. */
const BEFORE_ALL = -1;

/** A row of a list, with the user's name; null when the users table does not have the user. */
export type Person = (Registration | Offer | WaitlistEntry) & { name: string | null };

/** A page of a list of people. */
interface PeoplePage {
  items: Person[];
  /** The order number of the last row; null when it is the last of all. */
  last: number | null;
}

/** Reads a page from the event's object, which always knows the committed state. Indexes of the tables lag. */
async function readPage(
  c: RouteContext,
  eventId: string,
  list: PeopleList,
  after: number,
  limit: number,
): Promise<PeoplePage> {
  const outcome = await execute(c, eventId, { type: 'list', list, after, limit }, [list]);
  const names = await namesOf(
    servicesOf(c.env).store,
    outcome.rows.map(({ userId }) => userId),
  );
  const name = (userId: string) => ({ name: names.get(userId) ?? null });
  const last = outcome.rows.at(-1);
  const order = last === undefined ? null : 'seq' in last ? last.seq : last.position;
  const items =
    outcome.type === 'registrations'
      ? outcome.rows.map(({ seq: _, ...row }) => ({ ...row, ...name(row.userId) }))
      : outcome.rows.map((row) => ({ ...row, ...name(row.userId) }));
  return { items, last: outcome.isLast ? null : order };
}

const COLUMNS: Record<PeopleList, string[]> = {
  registrations: ['userId', 'name', 'registrationId', 'status', 'createdAt', 'overrideReason'],
  offers: ['position', 'userId', 'name', 'offerId', 'createdAt', 'expiresAt'],
  waitlist: ['position', 'userId', 'name', 'entryId', 'createdAt'],
};

/** Streams all pages as CSV, one after the other. */
function streamCsv(
  c: RouteContext,
  eventId: string,
  list: PeopleList,
  first: PeoplePage,
): Response {
  const encoder = new TextEncoder();
  const columns = COLUMNS[list];
  const toLines = ({ items }: PeoplePage) =>
    items.map((item) => toCsv(columns.map((column) => item[column as keyof Person])));
  let page: PeoplePage | null = first;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      // The byte order mark tells spreadsheets that this is UTF-8.
      controller.enqueue(encoder.encode(`\uFEFF${toCsv(columns)}`));
    },
    async pull(controller) {
      if (page === null) return controller.close();
      controller.enqueue(encoder.encode(toLines(page).join('')));
      page = page.last === null ? null : await readPage(c, eventId, list, page.last, PAGE_MAX_ROWS);
    },
  });
  return c.body(body, 200, {
    'Content-Type': 'text/csv; charset=utf-8; header=present',
    'Content-Disposition': `attachment; filename="${list}.csv"`,
  });
}

/** Answers a list of people: a page as JSON, or the whole list as CSV if the caller prefers that. */
export async function listPeople(
  c: RouteContext,
  eventId: string,
  list: PeopleList,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
) {
  const after = Number(readCursor(cursor, list, eventId) ?? BEFORE_ALL);
  const isCsv = prefersCsv(c);
  c.header('Vary', 'Accept', { append: true });
  const page = await readPage(c, eventId, list, after, isCsv ? PAGE_MAX_ROWS : limit);
  if (isCsv) return streamCsv(c, eventId, list, page);
  const nextCursor = page.last === null ? null : writeCursor(list, eventId, page.last);
  linkNext(c, nextCursor);
  return c.json({ items: page.items, nextCursor }, 200);
}
