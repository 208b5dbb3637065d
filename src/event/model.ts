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

/** Whether a registration window has both ends, and does not end after its start. */
export function isReversed(window: {
  registrationOpensAt?: string | null | undefined;
  registrationClosesAt?: string | null | undefined;
}): boolean {
  const { registrationOpensAt: from, registrationClosesAt: to } = window;
  return !!from && !!to && Date.parse(to) <= Date.parse(from);
}
