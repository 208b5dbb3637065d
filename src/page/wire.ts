/** What the API answers, as far as the pages use it. */

/** An event. */
export interface EventView {
  eventId: string;
  name: string;
  capacity: number;
  hasWaitlist: boolean;
  waitlistCapacity: number | null;
  registrationOpensAt: string | null;
  registrationClosesAt: string | null;
  startsAt?: string | null;
  timeZone?: string;
  promotesUntil?: string | null;
  offerSeconds?: number | null;
  status: 'OPEN' | 'PAUSED' | 'CLOSED' | 'CANCELLED';
  createdAt: string;
}

/** How full an event is. */
export interface CapacityView {
  totalCapacity: number;
  availableCapacity: number;
  registeredCount: number;
  waitlistCount: number;
  offeredCount?: number;
  status: EventView['status'];
}

/** Where somebody stands. */
export interface PlaceView {
  status: 'ACTIVE' | 'OFFERED' | 'WAITLISTED' | 'NONE';
  ahead: number | null;
  registration: { registrationId: string } | null;
  waitlistEntry: { position: number } | null;
  offer?: { expiresAt: string } | null;
}

/** A place of somebody, with its event. */
export interface OwnPlace extends Omit<PlaceView, 'status' | 'ahead'> {
  status: 'ACTIVE' | 'OFFERED' | 'WAITLISTED';
  event: EventView;
}

/** A refusal. */
export interface Problem {
  title: string;
  status: number;
  detail: string;
  errors?: { path: string; message: string }[];
}

/** The zone in which people read an event's times. */
export const zoneOf = (event: { timeZone?: string }): string => event.timeZone ?? 'UTC';

/** Where somebody stands who is new here. */
export const NOWHERE: PlaceView = {
  status: 'NONE',
  ahead: null,
  registration: null,
  waitlistEntry: null,
};
