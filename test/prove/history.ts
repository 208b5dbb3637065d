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
}

/** What is to be changed of it. */
export type Patch = Partial<Settings>;

/** One of an event's lists of people. */
export type List = 'registrations' | 'waitlist';

/** What a client asks of an event, and `tables`: reading at the end what has been kept of it. */
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
  /** What the organiser decided, and its revision. */
  | { type: 'look' }
  /** Where a user stands. */
  | { type: 'stand'; userId: string }
  /** A page of a list: so many rows after an order number, 0 for the beginning. All of it as CSV. */
  | { type: 'list'; list: List; format: 'json' | 'csv'; after: number; limit: number }
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
  | 'not registered'
  | 'not waiting'
  | 'paused'
  | 'closed'
  | 'not open yet'
  | 'closed already'
  | 'window reversed'
  | 'revision mismatch'
  | 'cancelled';

/** A place, and its id: `?` when nobody was told. */
interface Held {
  userId: string;
  id: string;
}

/** A seat. */
export interface Seat extends Held {
  /** Its order number, where the tables or the cursor of a page told it. */
  seq?: number | undefined;
}

/** A place in line. */
export interface Place extends Held {
  position: number;
}

/** What the tables hold of an event. */
export interface Content extends Settings {
  /** Counts the changes of what the organiser decides. */
  revision: number;
  lastPosition: number;
  /** By user. */
  seats: readonly Seat[];
  /** By position. */
  line: readonly Place[];
}

/** What a client was told, or that it was told nothing it could rely on. */
export type Outcome =
  | { type: 'created'; capacity: number; hasWaitlist: boolean }
  | { type: 'registered'; id: string; seq?: number | undefined }
  | { type: 'waitlisted'; id: string; position: number }
  | { type: 'unregistered'; promoted: Seat | null }
  | { type: 'leftLine'; id: string; position: number }
  | { type: 'gaveUp'; place: 'ACTIVE' | 'WAITLISTED' | null }
  | { type: 'updated'; settings: Settings; revision: number; promoted: readonly Seat[] }
  | { type: 'cancelled'; revision: number }
  | { type: 'read'; counts: Counts }
  | { type: 'looked'; settings: Settings; revision: number }
  | Page
  | { type: 'standing'; standing: Standing }
  /** `time`: when registration opens, or closed, where that is the reason. */
  | { type: 'refused'; reason: Reason; time?: string | undefined }
  | { type: 'tables'; content: Content | null }
  /** It may have happened at any time since, or may yet, or never will. */
  | { type: 'unknown'; why: string };

/** A page of a list. */
export interface Page {
  type: 'page';
  rows: readonly (Seat | Place)[];
  /** The order number that the next page begins after; null when there is none. */
  next: number | null;
}

/** How full an event is. */
export interface Counts {
  capacity: number;
  available: number;
  registered: number;
  waiting: number;
  status: Status;
}

/** Where a user stands; the id is that of the seat or of the place in line. */
export interface Standing {
  place: 'ACTIVE' | 'WAITLISTED' | 'NONE';
  id: string | null;
  position: number | null;
  ahead: number | null;
}

/** One request and what came of it; sent again under one key, it is still one. */
export interface Operation {
  client: string;
  eventId: string;
  request: Request;
  outcome: Outcome;
  /** When it was sent and when its answer came, on one counter for all: an exact order. */
  sent: number;
  /** Infinity while there is no answer. */
  answered: number;
  /** The same two moments in milliseconds since the start, for people. */
  sentMs: number;
  answeredMs: number;
  /** And by the clock, in epoch milliseconds: the service decided in between. */
  sentAt: number;
  answeredAt: number;
  /** The longest that an attempt of it waited for its answer. */
  slowestMs: number;
}

/** When something happened, by the clock: both bounds included, in epoch milliseconds. */
export interface Interval {
  from: number;
  until: number;
}

/** How far two clocks of one machine may be apart. */
const CLOCK_TOLERANCE_MS = 5;

/** When the service decided an operation: between its being sent and its answer. */
export function whenOf({ sentAt, answeredAt }: Operation): Interval {
  return { from: sentAt - CLOCK_TOLERANCE_MS, until: answeredAt + CLOCK_TOLERANCE_MS };
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
    };
    this.operations.push(operation);
    return operation;
  }

  end(operation: Operation, outcome: Outcome): void {
    operation.outcome = outcome;
    if (outcome.type === 'unknown') return;
    operation.answered = ++this.#clock;
    operation.answeredMs = performance.now() - this.#startedAt;
    operation.answeredAt = Date.now();
  }

  /** Takes back an operation that certainly never happened. */
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
  'updated',
  'cancelled',
]);

/** Whether somebody was told of a change. */
export function isChange({ type }: Outcome): boolean {
  return CHANGES.has(type);
}

const QUESTIONS = new Set<Request['type']>(['read', 'look', 'stand', 'list', 'tables']);

/** Whether a request changes nothing whatever is answered. */
export function isQuestion({ type }: Request): boolean {
  return QUESTIONS.has(type);
}

/**
 * The history without its reads and refusals. While two instances believe that they own an event,
 * those may be out of date; the changes that were acknowledged may not.
 */
export function changesOnly(operations: Operation[]): Operation[] {
  return operations.filter(
    ({ outcome }) => isChange(outcome) || outcome.type === 'unknown' || outcome.type === 'tables',
  );
}

/** The same without its answer: it may have happened or not. */
export function leftOpen(operation: Operation, why: string): Operation {
  return {
    ...operation,
    outcome: { type: 'unknown', why },
    answered: Number.POSITIVE_INFINITY,
    answeredMs: Number.POSITIVE_INFINITY,
    answeredAt: Number.POSITIVE_INFINITY,
  };
}
