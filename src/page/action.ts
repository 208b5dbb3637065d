/** What the one button of an event offers. Plain data in and out. */
import type { CapacityView, EventView, PlaceView } from './wire.ts';

/** What can be pressed, or why nothing can. */
export type Action =
  | { type: 'register' | 'join' | 'leave' | 'leaveLine' | 'decline' }
  | { type: 'take'; untilMs: number }
  | { type: 'opens'; atMs: number }
  | { type: 'full' | 'paused' | 'closed' | 'cancelled' };

/** The button, and the one beside it that is rarely needed. */
export interface Offered {
  main: Action;
  second: Action | null;
}

/** Whether the line of an event has ended: nobody joins it any more, and a free seat is for whoever asks. */
export function hasLineEnded(event: EventView, nowMs: number): boolean {
  const ends = event.promotesUntil ?? event.startsAt;
  return !!ends && nowMs >= Date.parse(ends);
}

/** What somebody without a place can do. */
function toGetIn(event: EventView, capacity: CapacityView, nowMs: number): Action {
  if (capacity.status === 'CANCELLED') return { type: 'cancelled' };
  if (capacity.status === 'CLOSED') return { type: 'closed' };
  const { registrationOpensAt: from, registrationClosesAt: to } = event;
  if (to && nowMs >= Date.parse(to)) return { type: 'closed' };
  if (from && nowMs < Date.parse(from)) return { type: 'opens', atMs: Date.parse(from) };
  if (capacity.status === 'PAUSED') return { type: 'paused' };
  if (capacity.availableCapacity > 0) return { type: 'register' };
  const limit = event.waitlistCapacity ?? Number.POSITIVE_INFINITY;
  const hasRoom = event.hasWaitlist && capacity.waitlistCount < limit;
  return { type: hasRoom && !hasLineEnded(event, nowMs) ? 'join' : 'full' };
}

/** What the buttons offer somebody, by where they stand. */
export function offered(
  event: EventView,
  capacity: CapacityView,
  place: PlaceView | null,
  nowMs: number,
): Offered {
  const isCancelled = capacity.status === 'CANCELLED';
  if (place?.status === 'ACTIVE') {
    return isCancelled
      ? { main: { type: 'cancelled' }, second: { type: 'leave' } }
      : { main: { type: 'leave' }, second: null };
  }
  if (place?.status === 'OFFERED' && place.offer) {
    const untilMs = Date.parse(place.offer.expiresAt);
    return { main: { type: 'take', untilMs }, second: { type: 'decline' } };
  }
  if (place?.status === 'WAITLISTED') {
    const way = toGetIn(event, capacity, nowMs);
    // After the line's end those who wait have to ask like anybody else.
    return hasLineEnded(event, nowMs) && way.type === 'register'
      ? { main: way, second: { type: 'leaveLine' } }
      : { main: { type: 'leaveLine' }, second: null };
  }
  return { main: toGetIn(event, capacity, nowMs), second: null };
}
