import { seesUsers } from '../auth/access.ts';
import { type LogEntry, withoutUser } from '../event/log.ts';
import { servicesOf } from '../services.ts';
import { readLog } from '../store/log.ts';
import { execute, type RouteContext } from './event-call.ts';
import { linkNext } from './paging.ts';

/** An entry for whoever may see users, and for whoever may not. */
function toItem({ actors, ...entry }: LogEntry, isForStaff: boolean) {
  if (!isForStaff) return { ...entry, changes: entry.changes.map(withoutUser) };
  const [first = null] = actors;
  const actor = actors.every((each) => each === first) ? first : null;
  return { ...entry, actor, actors };
}

/** Answers a page of an event's log. */
export async function answerLog(
  c: RouteContext,
  eventId: string,
  { limit, after = -1 }: { limit: number; after?: number | undefined },
) {
  const { head } = await execute(c, eventId, { type: 'log' }, ['log']);
  const page = await readLog(servicesOf(c.env).store, eventId, head, after, limit);
  const nextCursor = page.next === null ? null : String(page.next);
  linkNext(c, nextCursor, 'after');
  const isForStaff = seesUsers(c.var.caller);
  const items = page.entries.map((entry) => toItem(entry, isForStaff));
  return c.json({ items, nextCursor }, 200);
}
