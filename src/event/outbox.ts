import { OUTBOX_MAX_OPEN, OUTBOX_MAX_POINTERS, REMINDER_FIRST_INDEX } from '../limits.ts';
import type { Offer } from './model.ts';

/** A message that an endpoint has not taken yet, and will be sent again. */
export interface OpenMessage {
  /** The version of its entry in the log, and its place among the entry's changes; of a reminder see `Reminder`. */
  version: number;
  index: number;
  /** Attempts that failed, at least 1. */
  attempts: number;
  /** Epoch milliseconds of the next attempt. */
  nextAt: number;
}

/** How far the messages of an event have come with one endpoint. */
export interface Pointer {
  /** The name of the endpoint. */
  name: string;
  /** All messages up to this version were sent once, and taken, apart from those in `open`. */
  version: number;
  /** How many messages of the entry of the version after it were sent, too. */
  index: number;
  /** In the order of the log; at most `OUTBOX_MAX_OPEN`. With so many no other message is begun. */
  open: OpenMessage[];
  /** Whether the endpoint has asked for no more messages of this event (410). */
  isEnded: boolean;
  /** Since when attempts fail (ISO 8601), and what the last failure was; null while none does. */
  failingSince: string | null;
  lastError: string | null;
  /**
   * How often a replay moved it; left out where none did. A replay may put it back to where a delivery
   * under way began: what that delivery sent before does not count.
   */
  replays?: number;
  /** The last offer, by its end, whose user the endpoint was told to remind; left out before the first. */
  reminded?: OfferMark;
}

/** An offer in the order of ends: epoch milliseconds, and the position for offers that end together. */
export interface OfferMark {
  end: number;
  position: number;
}

/** A message that reminds of an offer. It is not in the log. */
export interface Reminder {
  /** The version of the log's end when it was first sent, and a place after all changes of that entry. */
  version: number;
  index: number;
  /** When it was due, ISO 8601 in UTC. */
  at: string;
  /** The offer, as clients see it. */
  offer: Offer;
}

/** What one delivery is to do: send to one endpoint what is due. */
export interface DeliveryJob {
  eventId: string;
  pointer: Pointer;
  /** The version up to which the log is to be sent: its end when the delivery begins. */
  head: number;
  /** No entry before this version is kept any more (`LogHead`); left out where that is not known. */
  from?: number;
  /** Reminders that are due: those that failed and are tried again, and others in the order of ends. */
  reminders?: Reminder[];
}

/** What came of a delivery. */
export interface DeliveryReport {
  /** Where the endpoint stands now. */
  pointer: Pointer;
  /** Messages that were taken, that failed, and that were given up after their last attempt. */
  delivered: number;
  failed: number;
  gaveUp: number;
}

/** Whether a message is a reminder, and in no entry of the log. */
export const isReminder = ({ index }: Pick<OpenMessage, 'index'>): boolean =>
  index >= REMINDER_FIRST_INDEX;

/** A pointer that begins after a version. */
export const pointerAt = (name: string, version: number): Pointer => ({
  ...{ name, version, index: 0, open: [], isEnded: false, failingSince: null, lastError: null },
});

/**
 * The pointers of an event: one for each endpoint that is configured. Pointers of other endpoints stay, as
 * far as there is room, so that an endpoint that comes back goes on where it was.
 *
 * @param version a new endpoint begins after it
 */
export function pointersFor(
  pointers: readonly Pointer[],
  endpoints: readonly string[],
  version: number,
): Pointer[] {
  const known = endpoints.map(
    (name) => pointers.find((each) => each.name === name) ?? pointerAt(name, version),
  );
  const others = pointers.filter(({ name }) => !endpoints.includes(name));
  return [...known, ...others.slice(0, Math.max(0, OUTBOX_MAX_POINTERS - known.length))];
}

/** The pointers with one of them moved. */
export function withPointer(pointers: readonly Pointer[], moved: Pointer): Pointer[] {
  const isKnown = pointers.some(({ name }) => name === moved.name);
  return isKnown
    ? pointers.map((each) => (each.name === moved.name ? moved : each))
    : [...pointers, moved];
}

/**
 * When an endpoint has something to do next.
 *
 * @param head the version of the log's end
 * @returns epoch milliseconds; 0 for at once, null for nothing
 */
export function pointerDueAt({ version, open, isEnded }: Pointer, head: number): number | null {
  if (isEnded) return null;
  if (version < head && open.length < OUTBOX_MAX_OPEN) return 0;
  return open.length === 0 ? null : Math.min(...open.map(({ nextAt }) => nextAt));
}

/** When any of these endpoints has something to do next: epoch milliseconds, 0 for at once, null for nothing. */
export function outboxDueAt(
  pointers: readonly Pointer[],
  endpoints: readonly string[],
  head: number,
): number | null {
  const all = pointers
    .filter(({ name }) => endpoints.includes(name))
    .map((pointer) => pointerDueAt(pointer, head))
    .filter((at) => at !== null);
  return all.length === 0 ? null : Math.min(...all);
}
