/** The words of the domain, as plain types. Texts are trimmed and checked, times are ISO 8601 in UTC. */

/** Somebody who can have a place in events. */
export interface User {
  userId: string;
  name: string;
  createdAt: string;
}

/** Whether registrations are taken: `CANCELLED` for good, the others as the organiser likes. */
export type EventStatus = 'OPEN' | 'PAUSED' | 'CLOSED' | 'CANCELLED';

/** An event, as its creator and organisers describe it. */
export interface EventRecord {
  eventId: string;
  name: string;
  /** Seats; an override goes past them, and lowering them evicts nobody. */
  capacity: number;
  hasWaitlist: boolean;
  /** People who may wait at a time; null for as many as fit into memory. */
  waitlistCapacity: number | null;
  /** From this moment on people can register; null for always. */
  registrationOpensAt: string | null;
  /** From this moment on they can't any more; null for never. */
  registrationClosesAt: string | null;
  status: EventStatus;
  createdAt: string;
}

/** A new event as its creator describes it. */
export type NewEvent = Omit<EventRecord, 'createdAt' | 'status'>;

/** What an organiser changes of an event; what is left out stays as it is. */
export type EventPatch = {
  [Field in Exclude<keyof EventRecord, 'eventId' | 'createdAt' | 'status'>]?:
    | EventRecord[Field]
    | undefined;
} & { status?: Exclude<EventStatus, 'CANCELLED'> | undefined };

/** A seat as a client sees it. Rows never change: they are written once, and deleted. */
export interface Registration {
  registrationId: string;
  userId: string;
  eventId: string;
  status: 'ACTIVE';
  createdAt: string;
  /** Why the user was seated past the capacity; only there when that was done. */
  overrideReason?: string | undefined;
}

/** A seat as it is stored: with its place in the order in which seats were given. */
export type Seat = Registration & { seq: number };

/** A place in the line. `position` starts at 1 and is never given twice within an event. */
export interface WaitlistEntry {
  entryId: string;
  userId: string;
  eventId: string;
  position: number;
  createdAt: string;
}

/** Whether a window ends before it starts, as far as both its ends are known. */
export function isReversed(window: {
  registrationOpensAt?: string | null | undefined;
  registrationClosesAt?: string | null | undefined;
}): boolean {
  const { registrationOpensAt: from, registrationClosesAt: to } = window;
  return !!from && !!to && Date.parse(to) <= Date.parse(from);
}
