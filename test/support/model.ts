import * as fc from 'fast-check';
import type { Command, Outcome } from '../../src/event/command.ts';
import type { NewEvent } from '../../src/event/model.ts';
import type { Circumstances } from '../../src/event/rules/decision.ts';
import type { RowChange } from '../../src/event/state.ts';

/** Counts up, in the form of UUIDs. */
export function counterIds(start = 0): () => string {
  let last = start;
  return () => `00000000-0000-4000-8000-${String(++last).padStart(12, '0')}`;
}

/** A clock that stands still. */
export const NOW = '2026-01-01T00:00:00.000Z';

/** Circumstances of a decision, with ids that count up. */
export function still(newId = counterIds()): Circumstances {
  return { now: NOW, newId };
}

/** A new event as its creator would describe it. */
export function eventOf(capacity: number, hasWaitlist = true): NewEvent {
  return {
    eventId: 'e',
    name: 'E',
    capacity,
    hasWaitlist,
    waitlistCapacity: null,
    registrationOpensAt: null,
    registrationClosesAt: null,
  };
}

/**
 * The rules told again in the plainest way there is: two lists of user ids. What the product decides
 * is held against it.
 */
export class NaiveEvent {
  seats: string[] = [];
  line: string[] = [];
  positions = 0;
  capacity: number;
  hasWaitlist: boolean;
  waitlistCapacity = Number.POSITIVE_INFINITY;
  status = 'OPEN';

  constructor(capacity: number, hasWaitlist: boolean) {
    this.capacity = capacity;
    this.hasWaitlist = hasWaitlist;
  }

  /** What should come of a command, in short. */
  expect(command: Command): string {
    switch (command.type) {
      case 'create':
        return 'refused event-exists';
      case 'read':
        return `read ${this.seats.length} ${this.line.length}`;
      case 'register':
        return this.#register(command.userId, command.override !== undefined);
      case 'unregister':
        if (!this.seats.includes(command.userId)) return 'refused not-registered';
        this.seats = this.seats.filter((each) => each !== command.userId);
        return `unregistered ${this.#promote() || '-'}`;
      case 'leaveLine':
        if (!this.line.includes(command.userId)) return 'refused not-waiting';
        this.line = this.line.filter((each) => each !== command.userId);
        return 'leftLine';
      case 'giveUp': {
        const { userId } = command;
        const had = this.seats.includes(userId) ? 'ACTIVE' : null;
        const waited = this.line.includes(userId) ? 'WAITLISTED' : null;
        this.seats = this.seats.filter((each) => each !== userId);
        this.line = this.line.filter((each) => each !== userId);
        if (had !== null) this.#promote();
        return `gaveUp ${had ?? waited ?? 'nothing'}`;
      }
      case 'update': {
        if (this.status === 'CANCELLED') return 'refused cancelled';
        const { capacity, hasWaitlist, waitlistCapacity, status } = command.patch;
        if (capacity !== undefined) this.capacity = capacity;
        if (hasWaitlist !== undefined) this.hasWaitlist = hasWaitlist;
        if (waitlistCapacity !== undefined) {
          this.waitlistCapacity = waitlistCapacity ?? Number.POSITIVE_INFINITY;
        }
        if (status !== undefined) this.status = status;
        return `updated ${this.#promote()}`;
      }
      case 'cancel':
        this.status = 'CANCELLED';
        return 'cancelled';
      default:
        throw new Error(`the model knows no ${command.type}`);
    }
  }

  #register(userId: string, isOverride: boolean): string {
    if (this.status === 'CANCELLED') return 'refused cancelled';
    if (this.seats.includes(userId)) return 'refused already-registered';
    if (isOverride) {
      this.line = this.line.filter((each) => each !== userId);
      this.seats.push(userId);
      return 'registered';
    }
    if (this.line.includes(userId)) return 'refused already-waitlisted';
    if (this.status !== 'OPEN') return `refused ${this.status.toLowerCase()}`;
    if (this.seats.length < this.capacity && this.line.length === 0) {
      this.seats.push(userId);
      return 'registered';
    }
    if (!this.hasWaitlist) return 'refused full';
    if (this.line.length >= this.waitlistCapacity) return 'refused waitlist-full';
    this.line.push(userId);
    this.positions++;
    return `waitlisted ${this.positions}`;
  }

  #promote(): string {
    const promoted: string[] = [];
    while (this.status !== 'CANCELLED' && this.seats.length < this.capacity) {
      const first = this.line.shift();
      if (first === undefined) break;
      this.seats.push(first);
      promoted.push(first);
    }
    return promoted.join(',');
  }
}

/** An outcome in the same short form. */
export function inShort(outcome: Outcome): string {
  switch (outcome.type) {
    case 'refused':
      return `refused ${outcome.reason}`;
    case 'read':
      return `read ${outcome.registeredCount} ${outcome.waitlistCount}`;
    case 'waitlisted':
      return `waitlisted ${outcome.entry.position}`;
    case 'unregistered':
      return `unregistered ${outcome.promoted?.userId ?? '-'}`;
    case 'gaveUp':
      return `gaveUp ${outcome.status ?? 'nothing'}`;
    case 'updated':
      return `updated ${outcome.promoted.map(({ userId }) => userId).join(',')}`;
    default:
      return outcome.type;
  }
}

/** Rows as a table would hold them, by id. */
export class NaiveTables {
  readonly rows = new Map<string, RowChange>();

  apply(change: RowChange): void {
    if (change.op === 'add') this.rows.set(change.id, change);
    else this.rows.delete(change.id);
  }

  /** Comparable: who is where. */
  get content(): string[] {
    return [...this.rows.values()]
      .map(({ table, id, row }) => `${table} ${id} ${JSON.stringify(row)}`)
      .sort();
  }
}

/** Few users, so that they meet; now and then the organiser changes something. */
const userId = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h');
const patch = fc.record(
  {
    capacity: fc.integer({ min: 1, max: 6 }),
    hasWaitlist: fc.boolean(),
    waitlistCapacity: fc.option(fc.integer({ min: 0, max: 4 })),
    status: fc.constantFrom('OPEN' as const, 'PAUSED' as const, 'CLOSED' as const),
  },
  { requiredKeys: [] },
);
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ type: fc.constant('register' as const), userId }) },
  { weight: 8, arbitrary: fc.record({ type: fc.constant('unregister' as const), userId }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('leaveLine' as const), userId }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('giveUp' as const), userId }) },
  {
    weight: 1,
    arbitrary: userId.map((userId) => ({
      type: 'register' as const,
      userId,
      override: { reason: 'asked' },
    })),
  },
  {
    weight: 2,
    arbitrary: patch.map((patch) => ({
      type: 'update' as const,
      patch,
      revisions: null,
      isDryRun: false,
    })),
  },
);
export const commands = fc.array(command, { maxLength: 120 });
