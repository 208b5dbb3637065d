import { withoutUser } from '../event/log.ts';
import type { User } from '../event/model.ts';
import { EXPORT_MAX_PLACES, EXPORT_MAX_VERSIONS, EXPORT_WORK_MS } from '../http-limits.ts';
import { IDEMPOTENCY_TTL_SECONDS, PAGE_MAX_ROWS } from '../limits.ts';
import { servicesOf } from '../services.ts';
import { listUserPlaces, type UserPlace } from '../store/user-places.ts';
import type { RouteContext } from './event-call.ts';
import { readKept } from './log.ts';
import type { UserExport } from './schemas.ts';
import { ALL_PLACES, toPlaceItem } from './user-places.ts';

type ExportedChange = UserExport['log']['items'][number]['change'];

const HOURS = IDEMPOTENCY_TTL_SECONDS / 3_600;

/** What an export cannot have, and for how long it stays. */
function notesFor(logDays: number): string[] {
  const log =
    logDays === 0
      ? 'No log of changes is kept.'
      : `Events keep a log of changes for ${logDays} days. It cannot be searched by person: entries of events in which the person has no place now are not in this document.`;
  const outcomes =
    logDays === 0
      ? 'They can have the id of who got a seat that somebody gave up, cannot be searched,'
      : 'They do not say whom they are about,';
  return [
    log,
    `Outcomes of requests with an Idempotency-Key are kept for ${HOURS} hours. ${outcomes} and are not in this document.`,
    'Back-ups of the tables, and what was sent to others by webhooks, are not in this document.',
  ];
}

/** What the service holds about a user, as far as it can be found by them. */
export async function exportUser(c: RouteContext, user: User): Promise<UserExport> {
  const { store, config } = servicesOf(c.env);
  const exportedAt = new Date().toISOString();
  const { userId } = user;
  const limit = EXPORT_MAX_PLACES;
  const { places, last } = await listUserPlaces(store, userId, ALL_PLACES, limit, null);
  return {
    exportedAt,
    user,
    places: { items: places.map(toPlaceItem), isWhole: last === null },
    log: await readLogs(c, userId, places),
    notes: notesFor(config.logDays),
  };
}

/** The entries about a user, or by them, in the logs of the events in which they have a place. */
async function readLogs(
  c: RouteContext,
  userId: string,
  places: UserPlace[],
): Promise<UserExport['log']> {
  const { store } = servicesOf(c.env);
  const deadline = Date.now() + EXPORT_WORK_MS;
  const self = `user:${userId}`;
  const items: UserExport['log']['items'] = [];
  const unread: UserExport['log']['unread'] = [];
  let versionsLeft = EXPORT_MAX_VERSIONS;
  for (const { event, log } of places) {
    const { eventId } = event;
    let after: number | null = log === null ? null : log.from - 1;
    while (log !== null && after !== null) {
      if (versionsLeft <= 0 || Date.now() >= deadline) {
        unread.push({ eventId, after: Math.max(0, after) });
        break;
      }
      const page = await readKept(store, eventId, log, after, PAGE_MAX_ROWS);
      versionsLeft -= (page.next ?? log.version) - after;
      after = page.next;
      for (const { version, at, changes, actors } of page.entries) {
        for (const [i, change] of changes.entries()) {
          const isAbout = 'userId' in change && change.userId === userId;
          const isBy = actors[i] === self;
          if (!isAbout && !isBy) continue;
          // Whom else a change of theirs was about is not theirs to have.
          const told = isAbout ? change : (withoutUser(change) as ExportedChange);
          items.push({ eventId, version, at, isAbout, isBy, change: told });
        }
      }
    }
  }
  return { items, unread };
}
