import { CHANGE_MAX_LISTED } from '../../limits.ts';
import type { EventRecord, Registration, Seat } from '../model.ts';
import type { Change, EventView } from '../state.ts';
import type { Circumstances } from './decision.ts';

/** What a client sees of a seat. */
export function toRegistration({ seq: _, ...registration }: Seat): Registration {
  return registration;
}

/** A new seat. `seq` numbers the seats in the order in which they were given. */
export function seatFor(
  userId: string,
  event: EventRecord,
  seq: number,
  { now, newId }: Circumstances,
): Seat {
  return {
    registrationId: newId(),
    userId,
    eventId: event.eventId,
    status: 'ACTIVE',
    createdAt: now,
    seq,
  };
}

/** Promotions as changes, and as an answer lists them: the first who were promoted, and the count of all. */
export interface Promotions {
  changes: Change[];
  promoted: Registration[];
  promotedCount: number;
}

/** Promotes into free seats, in the order of the line. A cancelled event promotes nobody. */
export function promoteInto(
  view: EventView,
  event: EventRecord,
  registeredCount: number,
  circumstances: Circumstances,
): Promotions {
  const changes: Change[] = [];
  const promoted: Registration[] = [];
  const free = event.status === 'CANCELLED' ? 0 : event.capacity - registeredCount;
  if (free <= 0 || view.waitlistCount === 0) return { changes, promoted, promotedCount: 0 };
  for (const entry of view.waiting()) {
    const seq = view.lastSeq + changes.length + 1;
    const registration = seatFor(entry.userId, event, seq, circumstances);
    changes.push({ type: 'promoted', entry, registration });
    if (promoted.length < CHANGE_MAX_LISTED) promoted.push(toRegistration(registration));
    if (changes.length === free) break;
  }
  return { changes, promoted, promotedCount: changes.length };
}
