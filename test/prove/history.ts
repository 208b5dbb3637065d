/** Whether registrations are taken. */
export type Status = 'OPEN' | 'PAUSED' | 'CLOSED' | 'CANCELLED';

/** What the organiser decides about an event. */
export interface Settings {
  capacity: number;
  hasWaitlist: boolean;
  /** Null: bounded by the service only. */
  waitlistCapacity: number | null;
  status: Status;
  /** The window in which registrations are taken, as times (ISO 8601 in UTC); null: no end to this side. */
  registrationOpensAt: string | null;
  registrationClosesAt: string | null;
  /** When the event begins, and when the line ends; null for the start. */
  startsAt: string | null;
  promotesUntil: string | null;
  /** How long a free seat is offered; null: it is given. */
  offerSeconds: number | null;
}

/** The settings that an update changes. */
export type Patch = Partial<Settings>;

/** A list of people that an event has. */
export type PeopleList = 'registrations' | 'offers' | 'waitlist';

/** A request about an event. `tables` is no call of a client: it reads the tables at the end. */
export type Request =
  | { type: 'create'; capacity: number; hasWaitlist: boolean }
  | { type: 'register'; userId: string }
  /** Registers past the capacity, and out of the line. */
  | { type: 'override'; userId: string }
  | { type: 'unregister'; userId: string }
  | { type: 'leaveLine'; userId: string }
  /** `ifMatch`: only if the event still has this revision. */
  | { type: 'update'; patch: Patch; ifMatch?: number }
  | { type: 'cancel'; ifMatch?: number }
  | { type: 'read' }
  /** The settings of the event, and its revision. */
  | { type: 'look' }
  /** Which place a user has. */
  | { type: 'stand'; userId: string }
  /** A page of a list: `limit` rows after an order number, 0 for the beginning; or the whole list as CSV. */
  | { type: 'list'; list: PeopleList; format: 'json' | 'csv'; after: number; limit: number }
  /** Whatever place somebody has is given up who is erased: nobody is told of it. */
  | { type: 'giveUp'; userId: string }
  | { type: 'tables' };

/** What the ids of users begin with who are erased in the course of a run. */
export const ERASABLE = 'erasable';

/** Whether it may be told that there is no such user, though there was one. */
export const isErasable = (userId: string): boolean => userId.startsWith(ERASABLE);

/** The names that users are given in the course of a run. */
export const givenName = (number: number): string => `name ${number}`;

export const isGivenName = (name: string | null): boolean => /^name \d+$/.test(name ?? '');

/** A user that does not exist, and never will. */
export const NOBODY = 'nobody';

/** What a client can ask. */
export type Asked = Exclude<Request, { type: 'tables' | 'giveUp' }>;

/** Why a request was refused by the rules. */
export type Reason =
  | 'event exists'
  | 'no such event'
  | 'no such user'
  | 'already registered'
  | 'already waitlisted'
  | 'full'
  | 'waitlist full'
  | 'line ended'
  | 'not registered'
  | 'not waiting'
  | 'paused'
  | 'closed'
  | 'not open yet'
  | 'closed already'
  | 'window reversed'
  | 'revision mismatch'
  | 'cancelled';

/** A seat or an entry, and its id: `?` when no client was told. */
interface Place {
  userId: string;
  id: string;
}

/** A seat. */
export interface Seat extends Place {
  /** Its order number, if the tables or the cursor of a page told it. */
  seq?: number | undefined;
}

/** An entry of the line. */
export interface Entry extends Place {
  position: number;
}

/** An offer, with the position of the entry that it was. What no client was told is `?`. */
export interface Offered extends Entry {
  createdAt: string;
  /** In answers the end of the line, if that comes first. In the tables always the offer's own end. */
  expiresAt: string;
}

/** The id of an offer and when it was made, by its position: no other offer of the event has it. */
export interface MadeOffer {
  position: number;
  id: string;
  createdAt: string;
}

/** What the tables hold of an event. */
export interface Content extends Settings {
  /** The revision: counts the changes of the settings. */
  revision: number;
  lastPosition: number;
  /** By user. */
  seats: readonly Seat[];
  /** By position. */
  offers: readonly Offered[];
  /** By position. */
  line: readonly Entry[];
}

/** The outcome that a client was told, or `unknown`. */
export type Outcome =
  | { type: 'created'; capacity: number; hasWaitlist: boolean }
  | { type: 'registered'; id: string; seq?: number | undefined }
  | { type: 'waitlisted'; id: string; position: number }
  | { type: 'unregistered'; promoted: Seat | null; offered: Offered | null }
  | { type: 'declined'; offer: Offered }
  | { type: 'leftLine'; id: string; position: number }
  | { type: 'gaveUp'; place: 'ACTIVE' | 'OFFERED' | 'WAITLISTED' | null }
  | {
      type: 'updated';
      settings: Settings;
      revision: number;
      promoted: readonly Seat[];
      offered: readonly Offered[];
    }
  | { type: 'cancelled'; revision: number }
  | { type: 'read'; counts: Counts }
  | { type: 'looked'; settings: Settings; revision: number }
  | Page
  | { type: 'standing'; standing: Standing }
  /** `time`: when registration opens, or closed, if that is the reason. */
  | { type: 'refused'; reason: Reason; time?: string | undefined }
  /** `offersMade`: every offer that the event's log tells of. */
  | { type: 'tables'; content: Content | null; offersMade?: readonly MadeOffer[] }
  /** The request may have been carried out at any time since, may still be, or never. */
  | { type: 'unknown'; why: string };

/** A page of a list. */
export interface Page {
  type: 'page';
  rows: readonly (Seat | Offered | Entry)[];
  /** The order number that the next page begins after; null when there is none. */
  next: number | null;
}

/** How full an event is. */
export interface Counts {
  capacity: number;
  available: number;
  registered: number;
  offered: number;
  waiting: number;
  status: Status;
}

/** The place of a user; the id is that of the seat or of the entry. */
export interface Standing {
  place: 'ACTIVE' | 'OFFERED' | 'WAITLISTED' | 'NONE';
  id: string | null;
  position: number | null;
  ahead: number | null;
  offer: Offered | null;
}

/** A request and its outcome. A request that is repeated under its key is still one operation. */
export interface Operation {
  client: string;
  eventId: string;
  request: Request;
  outcome: Outcome;
  /** When it was sent and answered, on a counter that all operations share: an exact order. */
  sent: number;
  /** Infinity while there is no answer. */
  answered: number;
  /** The same two moments in milliseconds since the start, for reports. */
  sentMs: number;
  answeredMs: number;
  /** The same two moments in epoch milliseconds: the service decided in between. */
  sentAt: number;
  answeredAt: number;
  /** The longest time that one of its attempts waited for an answer. */
  slowestMs: number;
  /** What proves that the change is in the event's log; null where the answer had none. */
  receipt: string | null;
}

/** An interval of time in epoch milliseconds, both bounds included. */
export interface Interval {
  from: number;
  until: number;
}

/** How far two clocks of one machine may be apart. */
const CLOCK_TOLERANCE_MS = 5;

/** When the service decided an operation: between its being sent and its answer. */
export function whenOf({ sentAt, answeredAt }: Pick<Operation, 'sentAt' | 'answeredAt'>): Interval {
  return { from: sentAt - CLOCK_TOLERANCE_MS, until: answeredAt + CLOCK_TOLERANCE_MS };
}

/**
 * The operations with the times that the clocks of workers may have told while they were decided.
 *
 * @param clocks how far these were ahead, in milliseconds: the least and the most
 */
export function byClocks(operations: Operation[], clocks: Interval): Operation[] {
  return operations.map((operation) => ({
    ...operation,
    sentAt: operation.sentAt + clocks.from,
    answeredAt: operation.answeredAt + clocks.until,
  }));
}

/** Writes down operations as they begin and end. */
export class Recorder {
  readonly operations: Operation[] = [];
  #clock = 0;
  readonly #startedAt = performance.now();

  begin(client: string, eventId: string, request: Request): Operation {
    const operation: Operation = {
      client,
      eventId,
      request,
      outcome: { type: 'unknown', why: 'no answer' },
      sent: ++this.#clock,
      answered: Number.POSITIVE_INFINITY,
      sentMs: performance.now() - this.#startedAt,
      answeredMs: Number.POSITIVE_INFINITY,
      sentAt: Date.now(),
      answeredAt: Number.POSITIVE_INFINITY,
      slowestMs: 0,
      receipt: null,
    };
    this.operations.push(operation);
    return operation;
  }

  end(operation: Operation, outcome: Outcome, receipt: string | null = null): void {
    operation.outcome = outcome;
    if (outcome.type === 'unknown') return;
    operation.receipt = receipt;
    operation.answered = ++this.#clock;
    operation.answeredMs = performance.now() - this.#startedAt;
    operation.answeredAt = Date.now();
  }

  /** Removes an operation that certainly never happened. */
  cancel(operation: Operation): void {
    this.operations.splice(this.operations.indexOf(operation), 1);
  }

  /** The operations of each event: events share nothing, so each is checked on its own. */
  byEvent(): Map<string, Operation[]> {
    return Map.groupBy(this.operations, ({ eventId }) => eventId);
  }
}

const CHANGES = new Set<Outcome['type']>([
  'created',
  'registered',
  'waitlisted',
  'unregistered',
  'leftLine',
  'declined',
  'updated',
  'cancelled',
]);

/** Whether an outcome reports a change. */
export function isChange({ type }: Outcome): boolean {
  return CHANGES.has(type);
}

const QUESTIONS = new Set<Request['type']>(['read', 'look', 'stand', 'list', 'tables']);

/** Whether a request never changes anything. */
export function isQuestion({ type }: Request): boolean {
  return QUESTIONS.has(type);
}

/**
 * The history without its reads and refusals. While two instances believe that they own an event, these may be out
 * of date; acknowledged changes may not.
 */
export function changesOnly(operations: Operation[]): Operation[] {
  return operations.filter(
    ({ outcome }) => isChange(outcome) || outcome.type === 'unknown' || outcome.type === 'tables',
  );
}

/** The operation without its answer, so that it may have happened or not. */
export function leftOpen(operation: Operation, why: string): Operation {
  return {
    ...operation,
    outcome: { type: 'unknown', why },
    answered: Number.POSITIVE_INFINITY,
    answeredMs: Number.POSITIVE_INFINITY,
    answeredAt: Number.POSITIVE_INFINITY,
  };
}
