/** Whether registrations are taken. */
export type Status = 'OPEN' | 'PAUSED' | 'CLOSED' | 'CANCELLED';

/** What the organiser decides about an event. */
export interface Settings {
  capacity: number;
  hasWaitlist: boolean;
  /** Null: bounded by the service only. */
  waitlistCapacity: number | null;
  status: Status;
}

/** What is to be changed of it. */
export type Patch = Partial<Settings>;

/** What a client asks of an event, and `tables`: reading at the end what has been kept of it. */
export type Request =
  | { type: 'create'; capacity: number; hasWaitlist: boolean }
  | { type: 'register'; userId: string }
  /** Registers past the capacity, and out of the line. */
  | { type: 'override'; userId: string }
  | { type: 'unregister'; userId: string }
  | { type: 'leaveLine'; userId: string }
  | { type: 'update'; patch: Patch }
  | { type: 'cancel' }
  | { type: 'read' }
  /** Where a user stands. */
  | { type: 'stand'; userId: string }
  | { type: 'tables' };

/** What a client can ask. */
export type Asked = Exclude<Request, { type: 'tables' }>;

/** Why a request was refused by the rules. */
export type Reason =
  | 'event exists'
  | 'no such event'
  | 'already registered'
  | 'already waitlisted'
  | 'full'
  | 'waitlist full'
  | 'not registered'
  | 'not waiting'
  | 'paused'
  | 'closed'
  | 'cancelled';

/** A seat, and the id of its registration: `?` when nobody was told. */
export interface Seat {
  userId: string;
  id: string;
}

/** A place in line. */
export interface Place extends Seat {
  position: number;
}

/** What the tables hold of an event. */
export interface Content extends Settings {
  lastPosition: number;
  seats: readonly Seat[];
  /** By position. */
  line: readonly Place[];
}

/** What a client was told, or that it was told nothing it could rely on. */
export type Outcome =
  | { type: 'created'; capacity: number; hasWaitlist: boolean }
  | { type: 'registered'; id: string }
  | { type: 'waitlisted'; id: string; position: number }
  | { type: 'unregistered'; promoted: Seat | null }
  | { type: 'leftLine'; id: string; position: number }
  | { type: 'updated'; settings: Settings; promoted: readonly Seat[] }
  | { type: 'cancelled' }
  | { type: 'read'; counts: Counts }
  | { type: 'standing'; standing: Standing }
  | { type: 'refused'; reason: Reason }
  | { type: 'tables'; content: Content | null }
  /** It may have happened at any time since, or may yet, or never will. */
  | { type: 'unknown'; why: string };

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
    };
    this.operations.push(operation);
    return operation;
  }

  end(operation: Operation, outcome: Outcome): void {
    operation.outcome = outcome;
    if (outcome.type === 'unknown') return;
    operation.answered = ++this.#clock;
    operation.answeredMs = performance.now() - this.#startedAt;
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

/** Whether a request changes nothing whatever is answered. */
export function isQuestion({ type }: Request): boolean {
  return type === 'read' || type === 'stand' || type === 'tables';
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
  };
}
