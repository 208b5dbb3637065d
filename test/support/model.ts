import * as fc from 'fast-check';
import type { Command, Outcome } from '../../src/event/decide.ts';
import type { RowChange } from '../../src/event/state.ts';

/** Counts up, in the form of UUIDs. */
export function counterIds(): () => string {
  let last = 0;
  return () => `00000000-0000-4000-8000-${String(++last).padStart(12, '0')}`;
}

/** A clock that stands still. */
export const NOW = '2026-01-01T00:00:00.000Z';

/**
 * The rules told again in the plainest way there is: two lists of user ids. What the product decides
 * is held against it.
 */
export class NaiveEvent {
  seats: string[] = [];
  line: string[] = [];
  positions = 0;
  readonly capacity: number;
  readonly hasWaitlist: boolean;

  constructor(capacity: number, hasWaitlist: boolean) {
    this.capacity = capacity;
    this.hasWaitlist = hasWaitlist;
  }

  /** What should come of a command, in short. */
  expect(command: Command): string {
    if (command.type === 'create') return 'refused event-exists';
    if (command.type === 'read') return `read ${this.seats.length} ${this.line.length}`;
    const { userId } = command;
    if (command.type === 'register') {
      if (this.seats.includes(userId)) return 'refused already-registered';
      if (this.line.includes(userId)) return 'refused already-waitlisted';
      if (this.seats.length < this.capacity && this.line.length === 0) {
        this.seats.push(userId);
        return 'registered';
      }
      if (!this.hasWaitlist) return 'refused full';
      this.line.push(userId);
      this.positions++;
      return `waitlisted ${this.positions}`;
    }
    if (!this.seats.includes(userId)) return 'refused not-registered';
    this.seats = this.seats.filter((each) => each !== userId);
    const promoted = this.line.shift();
    if (promoted !== undefined) this.seats.push(promoted);
    return `unregistered ${promoted ?? '-'}`;
  }
}

/** An outcome in the same short form. */
export function inShort(outcome: Outcome): string {
  switch (outcome.type) {
    case 'refused':
      return `refused ${outcome.reason}`;
    case 'created':
    case 'registered':
      return outcome.type;
    case 'read':
      return `read ${outcome.registeredCount} ${outcome.waitlistCount}`;
    case 'waitlisted':
      return `waitlisted ${outcome.entry.position}`;
    case 'unregistered':
      return `unregistered ${outcome.promoted?.userId ?? '-'}`;
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

/** Few users, so that they meet. */
export const commands = fc.array(
  fc.record({
    type: fc.constantFrom('register' as const, 'unregister' as const),
    userId: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'),
  }),
  { maxLength: 120 },
);
