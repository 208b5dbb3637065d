import type { Outcome } from './command.ts';
import type { EventStatus, Offer, Registration, WaitlistEntry } from './model.ts';

/** How full an event is. */
export interface Capacity {
  eventId: string;
  totalCapacity: number;
  /** Seats that whoever asks first gets: not those that are offered, or owed to the line. */
  availableCapacity: number;
  registeredCount: number;
  offeredCount: number;
  waitlistCount: number;
  status: EventStatus;
}

/** What a user does not have beside the place that they have. */
interface NoOther {
  registration: null;
  offer: null;
  waitlistEntry: null;
  ahead: null;
}

/** Where a user stands in an event; `ahead` is the number of entries before that of the user. */
export type Standing =
  | ({ status: 'ACTIVE'; registration: Registration } & Omit<NoOther, 'registration'>)
  | ({ status: 'OFFERED'; offer: Offer } & Omit<NoOther, 'offer'>)
  | ({ status: 'WAITLISTED'; waitlistEntry: WaitlistEntry; ahead: number } & Omit<
      NoOther,
      'waitlistEntry' | 'ahead'
    >)
  | ({ status: 'NONE' } & NoOther);

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
export type Place = Standing & { type: 'place' };

/** What a socket is sent. */
export type LiveMessage = Occupancy | Place;

/** How full an event is, out of the answer of its object. */
export function toCapacity(outcome: Extract<Outcome, { type: 'read' }>): Capacity {
  const { event, registeredCount, offeredCount, waitlistCount, owedCount } = outcome;
  return {
    eventId: event.eventId,
    totalCapacity: event.capacity,
    availableCapacity: Math.max(0, event.capacity - registeredCount - offeredCount - owedCount),
    registeredCount,
    offeredCount,
    waitlistCount,
    status: event.status,
  };
}

/** Where a user stands, out of the answer of the event's object. */
export function toStanding(outcome: Extract<Outcome, { type: 'standing' }>): Standing {
  const { registration, offer, entry, ahead } = outcome;
  const none: NoOther = { registration: null, offer: null, waitlistEntry: null, ahead: null };
  if (registration) return { status: 'ACTIVE', ...none, registration };
  if (offer) return { status: 'OFFERED', ...none, offer };
  if (entry) return { status: 'WAITLISTED', ...none, waitlistEntry: entry, ahead: ahead ?? 0 };
  return { status: 'NONE', ...none };
}
