import { CHANGE_MAX_LISTED } from '../../limits.ts';
import {
  type EventRecord,
  lineEndsAt,
  type Offer,
  type Registration,
  type Seat,
  shownOffer,
  type WaitlistEntry,
} from '../model.ts';
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

/** What became of free seats, as changes and as an answer lists it: the first people, and the count of all. */
export interface Filling {
  changes: Change[];
  promoted: Registration[];
  promotedCount: number;
  offered: Offer[];
  offeredCount: number;
}

/**
 * Gives free seats to the line, in its order: promotes, or offers where the event has `offerSeconds`. When the
 * line has ended nobody gets one by themselves.
 *
 * @param taken the seats that are given or held
 */
export function fillSeats(
  view: EventView,
  event: EventRecord,
  taken: number,
  circumstances: Circumstances,
): Filling {
  const filling: Filling = {
    changes: [],
    promoted: [],
    promotedCount: 0,
    offered: [],
    offeredCount: 0,
  };
  const { changes, promoted, offered } = filling;
  const free = event.capacity - taken;
  if (free <= 0 || view.waitlistCount === 0) return filling;
  if (hasLineEnded(event, circumstances.now)) return filling;
  for (const entry of view.waiting()) {
    if (!event.offerSeconds) {
      const seq = view.lastSeq + changes.length + 1;
      const registration = seatFor(entry.userId, event, seq, circumstances);
      changes.push({ type: 'promoted', entry, registration });
      filling.promotedCount++;
      if (promoted.length < CHANGE_MAX_LISTED) promoted.push(toRegistration(registration));
    } else {
      const offer = offerFor(entry, event.offerSeconds, circumstances);
      const shown = shownOffer(event, offer);
      changes.push({ type: 'offered', entry, offer, expiresAt: shown.expiresAt });
      filling.offeredCount++;
      if (offered.length < CHANGE_MAX_LISTED) offered.push(shown);
    }
    if (changes.length === free) break;
  }
  return filling;
}

/** Whether the line of an event has ended. */
export function hasLineEnded(event: EventRecord, now: string): boolean {
  return lineEndsAt(event) <= Date.parse(now);
}

/** A new offer to somebody who waits. */
function offerFor(
  { userId, eventId, position }: WaitlistEntry,
  seconds: number,
  { now, newId }: Circumstances,
): Offer {
  const expiresAt = new Date(Date.parse(now) + seconds * 1_000).toISOString();
  return { offerId: newId(), userId, eventId, position, createdAt: now, expiresAt };
}
