import type { Outcome } from './command.ts';
import type { EventStatus, Registration, WaitlistEntry } from './model.ts';

/** How full an event is. */
export interface Capacity {
  eventId: string;
  totalCapacity: number;
  availableCapacity: number;
  registeredCount: number;
  waitlistCount: number;
  status: EventStatus;
}

/** Where a user stands in an event; `ahead` is the number of entries before that of the user. */
export type Standing =
  | { status: 'ACTIVE'; registration: Registration; waitlistEntry: null; ahead: null }
  | { status: 'WAITLISTED'; registration: null; waitlistEntry: WaitlistEntry; ahead: number }
  | { status: 'NONE'; registration: null; waitlistEntry: null; ahead: null };

/** What everybody who watches an event is told. */
export type Occupancy = Capacity & {
  type: 'occupancy';
  /** The server's time. */
  now: string;
  /** The version of the last commit that changed something, as in its receipt and in the log. */
  version: number;
  /** The revision of the event, as in its ETag: when it grows, the event itself was changed. */
  revision: number;
};

/** What somebody who watches their own place is told. */
export type Place = Standing & { type: 'place'; offer: null };

/** What a socket is sent. */
export type LiveMessage = Occupancy | Place;

/** How full an event is, out of the answer of its object. */
export function toCapacity(outcome: Extract<Outcome, { type: 'read' }>): Capacity {
  const { event, registeredCount, waitlistCount } = outcome;
  return {
    eventId: event.eventId,
    totalCapacity: event.capacity,
    availableCapacity: Math.max(0, event.capacity - registeredCount),
    registeredCount,
    waitlistCount,
    status: event.status,
  };
}

/** Where a user stands, out of the answer of the event's object. */
export function toStanding(outcome: Extract<Outcome, { type: 'standing' }>): Standing {
  const { registration, entry, ahead } = outcome;
  if (registration) return { status: 'ACTIVE', registration, waitlistEntry: null, ahead: null };
  if (entry) {
    return { status: 'WAITLISTED', registration: null, waitlistEntry: entry, ahead: ahead ?? 0 };
  }
  return { status: 'NONE', registration: null, waitlistEntry: null, ahead: null };
}
