/** What a client asks of an event, and `tables`: reading at the end what has been kept of it. */
export type Request =
  | { type: 'create'; capacity: number; hasWaitlist: boolean }
  | { type: 'register'; userId: string }
  | { type: 'unregister'; userId: string }
  | { type: 'read' }
  | { type: 'tables' };

/** Why a request was refused by the rules. */
export type Reason =
  | 'event exists'
  | 'no such event'
  | 'already registered'
  | 'already waitlisted'
  | 'full'
  | 'not registered';

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
export interface Content {
  capacity: number;
  hasWaitlist: boolean;
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
  | { type: 'read'; capacity: number; available: number }
  | { type: 'refused'; reason: Reason }
  | { type: 'tables'; content: Content | null }
  /** It may have happened at any time since, or may yet, or never will. */
  | { type: 'unknown'; why: string };

/** One request and what came of it. */
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

/** Whether somebody was told of a change. */
export function isChange({ type }: Outcome): boolean {
  return (
    type === 'created' || type === 'registered' || type === 'waitlisted' || type === 'unregistered'
  );
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
