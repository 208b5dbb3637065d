import { ValidationError } from '../errors.ts';
import { servicesOf } from '../services.ts';
import {
  isOrderKey,
  listUserPlaces,
  type PlaceStatus,
  type UserPlace,
} from '../store/user-places.ts';
import type { RouteContext } from './event-call.ts';
import { linkNext, readCursor, writeCursor } from './paging.ts';
import type { UserPlaceItem } from './schemas.ts';

/** Every kind of place, as the lists of a user's places have them. */
export const ALL_PLACES: readonly PlaceStatus[] = ['WAITLISTED', 'OFFERED', 'ACTIVE'];

/** The order key in a cursor of a list of this user's; null without a cursor. */
export function readOrderKey(
  cursor: string | undefined,
  list: 'events' | 'places',
  userId: string,
): string | null {
  const key = readCursor(cursor, list, userId);
  if (key === null || (typeof key === 'string' && isOrderKey(key))) return key;
  throw new ValidationError([{ path: 'cursor', message: 'is not a cursor of this list' }]);
}

/** A place as a client sees it. */
export function toPlaceItem(place: UserPlace): UserPlaceItem {
  const { event } = place;
  switch (place.status) {
    case 'ACTIVE': {
      const { status, row: registration } = place;
      return { status, event, registration, offer: null, waitlistEntry: null };
    }
    case 'OFFERED': {
      const { status, row: offer } = place;
      return { status, event, registration: null, offer, waitlistEntry: null };
    }
    case 'WAITLISTED': {
      const { status, row: waitlistEntry } = place;
      return { status, event, registration: null, offer: null, waitlistEntry };
    }
  }
}

/** Answers a page of a user's places. */
export async function answerPlaces(
  c: RouteContext,
  userId: string,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
) {
  const after = readOrderKey(cursor, 'places', userId);
  const { store } = servicesOf(c.env);
  const { places, last } = await listUserPlaces(store, userId, ALL_PLACES, limit, after);
  const nextCursor = last === null ? null : writeCursor('places', userId, last);
  linkNext(c, nextCursor);
  return c.json({ items: places.map(toPlaceItem), nextCursor }, 200);
}
