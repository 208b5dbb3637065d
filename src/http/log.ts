import { seesUsers } from '../auth/access.ts';
import { type LogEntry, type LogHead, withoutUser } from '../event/log.ts';
import { servicesOf } from '../services.ts';
import type { Store } from '../store/client.ts';
import { type LogPage, readLog } from '../store/log.ts';
import { execute, type RouteContext } from './event-call.ts';
import { linkNext } from './paging.ts';

/** An entry for whoever may see users, and for whoever may not. */
function toItem({ actors, ...entry }: LogEntry, isForStaff: boolean) {
  if (!isForStaff) return { ...entry, changes: entry.changes.map(withoutUser) };
  const [first = null] = actors;
  const actor = actors.every((each) => each === first) ? first : null;
  return { ...entry, actor, actors };
}

const EMPTY: LogPage = { entries: [], next: null };

/** A page of what is kept: an expired entry may still be in the table. */
export function readKept(
  store: Store,
  eventId: string,
  head: LogHead,
  after: number,
  limit: number,
): Promise<LogPage> {
  const range = { after: Math.max(after, head.from - 1), to: head.version, limit };
  const nowSeconds = Date.now() / 1_000;
  return readLog(store, eventId, range, ({ expiresAt }) => expiresAt > nowSeconds);
}

/** Answers a page of an event's log. */
export async function answerLog(
  c: RouteContext,
  eventId: string,
  { limit, after = -1 }: { limit: number; after?: number | undefined },
) {
  const { head } = await execute(c, eventId, { type: 'log' }, ['log']);
  const page = head ? await readKept(servicesOf(c.env).store, eventId, head, after, limit) : EMPTY;
  const nextCursor = page.next === null ? null : String(page.next);
  linkNext(c, nextCursor, 'after');
  const isForStaff = seesUsers(c.var.caller);
  const items = page.entries.map((entry) => toItem(entry, isForStaff));
  return c.json({ items, nextCursor }, 200);
}
