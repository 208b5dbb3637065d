import type { EventRecord } from '../event/model.ts';
import { PAGE_MAX_ROWS } from '../limits.ts';
import type { Store } from './client.ts';
import { listUserPlaces } from './user-places.ts';

/** A page of a user's events, and the order key of its last seat; null when no more follow. */
export interface UserEvents {
  events: EventRecord[];
  last: string | null;
}

/**
 * The events in which a user has a seat, oldest seat first: never one whose seat was given up.
 *
 * @param after the order key of the last seat of the page before; null for the first page
 * @throws StoreUnavailableError when the tables do not answer within `USER_EVENTS_DEADLINE_MS`
 */
export async function listUserEvents(
  store: Store,
  userId: string,
  limit: number = PAGE_MAX_ROWS,
  after: string | null = null,
): Promise<UserEvents> {
  const { places, last } = await listUserPlaces(store, userId, ['ACTIVE'], limit, after);
  return { events: places.map(({ event }) => event), last };
}
