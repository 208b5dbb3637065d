import type { Offer, Registration, WaitlistEntry } from '../event/model.ts';
import { PAGE_MAX_ROWS } from '../limits.ts';
import { servicesOf } from '../services.ts';
import { namesOf } from '../store/users.ts';
import { prefersCsv } from './accept.ts';
import { toCsv } from './csv.ts';
import { execute, type RouteContext } from './event-call.ts';
import { linkNext, readCursor, writeCursor } from './paging.ts';

/** One of an event's lists of people. */
type List = 'registrations' | 'offers' | 'waitlist';

/** Before every order number: a seat without one of its own counts as the zeroth. */
const BEFORE_ALL = -1;

/** A row of a list, with the user's name: null should the users table not have it. */
export type Person = (Registration | Offer | WaitlistEntry) & { name: string | null };

interface Page {
  items: Person[];
  /** The order number of the last row; null when it is the last of all. */
  last: number | null;
}

/** Reads a page out of the event's object, so that no list disagrees with it about who is in. */
async function readPage(
  c: RouteContext,
  eventId: string,
  list: List,
  after: number,
  limit: number,
): Promise<Page> {
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

const COLUMNS: Record<List, string[]> = {
  registrations: ['userId', 'name', 'registrationId', 'status', 'createdAt', 'overrideReason'],
  offers: ['position', 'userId', 'name', 'offerId', 'createdAt', 'expiresAt'],
  waitlist: ['position', 'userId', 'name', 'entryId', 'createdAt'],
};

/** All pages, one after the other, as CSV. */
function streamCsv(c: RouteContext, eventId: string, list: List, first: Page): Response {
  const encoder = new TextEncoder();
  const columns = COLUMNS[list];
  const toLines = ({ items }: Page) =>
    items.map((item) => toCsv(columns.map((column) => item[column as keyof Person])));
  let page: Page | null = first;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      // The mark tells spreadsheets that this is UTF-8.
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

/** Answers a list of people: a page as JSON, or all of it as CSV where that is asked for. */
export async function listPeople(
  c: RouteContext,
  eventId: string,
  list: List,
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
