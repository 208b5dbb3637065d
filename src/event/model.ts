/** The words of the domain, as plain types. Texts are trimmed and checked, times are ISO 8601 in UTC. */

/** Somebody who can have a place in events. */
export interface User {
  userId: string;
  name: string;
  createdAt: string;
}

/** Whether registrations are taken. `CANCELLED` is final; an organiser can change between the others. */
export type EventStatus = 'OPEN' | 'PAUSED' | 'CLOSED' | 'CANCELLED';

/** An event, as its creator and organisers describe it. */
export interface EventRecord {
  eventId: string;
  name: string;
  /** Seats to give out. An override goes past it; lowering it takes no seat away. */
  capacity: number;
  hasWaitlist: boolean;
  /** Entries that the line may have at a time; null for `WAITLIST_MAX_ENTRIES`. */
  waitlistCapacity: number | null;
  /** From this moment on people can register; null for always. */
  registrationOpensAt: string | null;
  /** From this moment on nobody can register any more; null for never. */
  registrationClosesAt: string | null;
  /** When the event begins; null where nobody has said so. */
  startsAt: string | null;
  /** The IANA time zone that people read its times in. Nothing is decided by it. */
  timeZone: string;
  /** When the line ends; null for `startsAt`. See `lineEndsAt`. */
  promotesUntil: string | null;
  /** How long a free seat is offered to the first in line; null: they get it at once. */
  offerSeconds: number | null;
  status: EventStatus;
  createdAt: string;
}

/** A new event as its creator describes it. */
export type NewEvent = Omit<EventRecord, 'createdAt' | 'status'>;

/** The fields of an event that an organiser changes. Fields that are left out stay as they are. */
export type EventPatch = {
  [Field in Exclude<keyof EventRecord, 'eventId' | 'createdAt' | 'status'>]?:
    | EventRecord[Field]
    | undefined;
} & { status?: Exclude<EventStatus, 'CANCELLED'> | undefined };

/** A seat as a client sees it. A row is written once and never altered; it can only be deleted. */
export interface Registration {
  registrationId: string;
  userId: string;
  eventId: string;
  status: 'ACTIVE';
  createdAt: string;
  /** Why the user was seated by an override; absent for any other seat. */
  overrideReason?: string | undefined;
}

/** A seat as it is stored. `seq` numbers the seats of an event in the order in which they were given. */
export type Seat = Registration & { seq: number };

/** An entry of the line. `position` starts at 1 and is never given twice within an event. */
export interface WaitlistEntry {
  entryId: string;
  userId: string;
  eventId: string;
  position: number;
  createdAt: string;
}

/**
 * An offer: a seat that is held for somebody who was in line. `position` is the one that they had there.
 * As it is stored, `expiresAt` is `offerSeconds` after it was made; as a client sees it, no later than the
 * end of the line (see `shownOffer`).
 */
export interface Offer {
  offerId: string;
  userId: string;
  eventId: string;
  position: number;
  createdAt: string;
  expiresAt: string;
}

/**
 * When the line of an event ends, in epoch milliseconds: from then on no seat goes to it by itself. The line
 * of a cancelled event has always ended.
 */
export function lineEndsAt({
  status,
  promotesUntil,
  startsAt,
}: Pick<EventRecord, 'status' | 'promotesUntil' | 'startsAt'>): number {
  if (status === 'CANCELLED') return Number.NEGATIVE_INFINITY;
  const end = promotesUntil ?? startsAt;
  return end ? Date.parse(end) : Number.POSITIVE_INFINITY;
}

/** An offer as a client sees it: it ends with the line at the latest. */
export function shownOffer(event: EventRecord, offer: Offer): Offer {
  const lineEnd = lineEndsAt(event);
  if (Date.parse(offer.expiresAt) <= lineEnd) return offer;
  return {
    ...offer,
    expiresAt: new Date(Math.max(lineEnd, Date.parse(offer.createdAt))).toISOString(),
  };
}

/** Whether a registration window has both ends, and does not end after its start. */
export function isReversed(window: {
  registrationOpensAt?: string | null | undefined;
  registrationClosesAt?: string | null | undefined;
}): boolean {
  const { registrationOpensAt: from, registrationClosesAt: to } = window;
  return !!from && !!to && Date.parse(to) <= Date.parse(from);
}
