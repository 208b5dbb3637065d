import * as fc from 'fast-check';
import { decideBatch } from '../../src/event/batch.ts';
import type { Command, Outcome } from '../../src/event/command.ts';
import type { EventPatch, NewEvent } from '../../src/event/model.ts';
import { advance } from '../../src/event/open-updates.ts';
import type { Pending } from '../../src/event/queue.ts';
import type { Circumstances } from '../../src/event/rules/decision.ts';
import type { Change, EventState, RowChange } from '../../src/event/state.ts';

/** Gives UUIDs that count up. */
export function counterIds(start = 0): () => string {
  let last = start;
  return () => `00000000-0000-4000-8000-${String(++last).padStart(12, '0')}`;
}

/** The time of a clock that does not advance. */
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
    startsAt: null,
    timeZone: 'UTC',
    promotesUntil: null,
    offerSeconds: null,
  };
}

/** `NOW` and so many seconds. */
export const at = (seconds: number) => new Date(Date.parse(NOW) + seconds * 1_000).toISOString();

/** A command in the queue, of somebody who waits for ever. */
export const pendingOf = (command: Command): Pending => ({
  ...{ command, key: undefined, actor: null, askedAt: 0, expiresAt: Number.POSITIVE_INFINITY },
  settle: () => {},
});

/** Decides a command as batches do, with what is due before it and with the seats that it makes free. */
export function decideInTime(
  state: EventState,
  command: Command,
  circumstances: Circumstances,
): { changes: Change[]; outcome: Outcome } {
  let batch = decideBatch(state, [pendingOf(command)], circumstances);
  const changes = [...batch.draft.changes];
  let next = advance([], batch);
  const outcome = batch.decided[0]?.outcome;
  while (next.open.length > 0) {
    batch = decideBatch(batch.draft, [], circumstances);
    changes.push(...batch.draft.changes);
    next = advance(next.open, batch);
  }
  if (!outcome || batch.defect)
    throw new Error('the command was not decided', { cause: batch.defect });
  return { changes, outcome: next.done[0]?.outcome ?? outcome };
}

/**
 * The rules told again in the plainest way there is: lists of user ids. What the product decides
 * is held against it.
 */
export class NaiveEvent {
  seats: string[] = [];
  /** With the epoch milliseconds at which each ends, unless the line does before. */
  offers: { userId: string; endsAt: number }[] = [];
  line: string[] = [];
  positions = 0;
  capacity: number;
  hasWaitlist: boolean;
  waitlistCapacity = Number.POSITIVE_INFINITY;
  status = 'OPEN';
  startsAt: string | null = null;
  promotesUntil: string | null = null;
  offerSeconds: number | null = null;
  now = Date.parse(NOW);

  constructor(capacity: number, hasWaitlist: boolean) {
    this.capacity = capacity;
    this.hasWaitlist = hasWaitlist;
  }

  get isLineOver(): boolean {
    const end = this.promotesUntil ?? this.startsAt;
    return this.status === 'CANCELLED' || (end !== null && this.now >= Date.parse(end));
  }

  get isFree(): boolean {
    return this.seats.length + this.offers.length < this.capacity;
  }

  /** What should come of a command, in short. */
  expect(command: Command, now = NOW): string {
    this.now = Date.parse(now);
    this.#fill();
    switch (command.type) {
      case 'create':
        return 'refused event-exists';
      case 'read':
        return `read ${this.seats.length} ${this.line.length}${this.offers.length ? ` +${this.offers.length}` : ''}`;
      case 'register':
        return this.#register(command.userId, command.override !== undefined);
      case 'unregister':
        if (!this.seats.includes(command.userId)) return 'refused not-registered';
        this.seats = this.seats.filter((each) => each !== command.userId);
        return `unregistered ${this.#fill() || '-'}`;
      case 'leaveLine':
        if (this.offers.some(({ userId }) => userId === command.userId)) {
          this.offers = this.offers.filter(({ userId }) => userId !== command.userId);
          this.#fill();
          return 'declined';
        }
        if (!this.line.includes(command.userId)) return 'refused not-waiting';
        this.line = this.line.filter((each) => each !== command.userId);
        return 'leftLine';
      case 'giveUp': {
        const { userId } = command;
        const isOffered = this.offers.some((offer) => offer.userId === userId);
        const had = this.seats.includes(userId) ? 'ACTIVE' : isOffered ? 'OFFERED' : null;
        const waited = this.line.includes(userId) ? 'WAITLISTED' : null;
        this.seats = this.seats.filter((each) => each !== userId);
        this.offers = this.offers.filter((offer) => offer.userId !== userId);
        this.line = this.line.filter((each) => each !== userId);
        if (had !== null) this.#fill();
        return `gaveUp ${had ?? waited ?? 'nothing'}`;
      }
      case 'update': {
        if (this.status === 'CANCELLED') return 'refused cancelled';
        const { waitlistCapacity, ...others } = command.patch;
        for (const [field, value] of Object.entries(others)) {
          if (value !== undefined) Object.assign(this, { [field]: value });
        }
        if (waitlistCapacity !== undefined) {
          this.waitlistCapacity = waitlistCapacity ?? Number.POSITIVE_INFINITY;
        }
        return `updated ${this.#fill()}`;
      }
      case 'cancel':
        this.status = 'CANCELLED';
        this.#fill();
        return 'cancelled';
      case 'expire':
        return 'expired';
      default:
        throw new Error(`the model knows no ${command.type}`);
    }
  }

  #register(userId: string, isOverride: boolean): string {
    if (this.status === 'CANCELLED') return 'refused cancelled';
    if (this.seats.includes(userId)) return 'refused already-registered';
    const isOffered = this.offers.some((offer) => offer.userId === userId);
    const isWaiting = this.line.includes(userId);
    const isLate = !isOffered && !isOverride;
    if (isLate && isWaiting && !this.isLineOver) return 'refused already-waitlisted';
    if (isLate && this.status !== 'OPEN') return `refused ${this.status.toLowerCase()}`;
    const isFirst = this.line.length === 0 || this.isLineOver;
    if (!isLate || (this.isFree && isFirst)) {
      this.offers = this.offers.filter((offer) => offer.userId !== userId);
      this.line = this.line.filter((each) => each !== userId);
      this.seats.push(userId);
      return 'registered';
    }
    if (!this.hasWaitlist) return 'refused full';
    if (this.isLineOver) return 'refused line-ended';
    if (this.line.length >= this.waitlistCapacity) return 'refused waitlist-full';
    this.line.push(userId);
    this.positions++;
    return `waitlisted ${this.positions}`;
  }

  /** Ends what is over, and gives free seats to the line; tells to whom, `?` before an offer. */
  #fill(): string {
    const filled: string[] = [];
    this.offers = this.offers.filter(({ endsAt }) => endsAt > this.now && !this.isLineOver);
    while (!this.isLineOver && this.isFree) {
      const first = this.line.shift();
      if (first === undefined) break;
      if (this.offerSeconds === null) this.seats.push(first);
      else this.offers.push({ userId: first, endsAt: this.now + this.offerSeconds * 1_000 });
      filled.push(this.offerSeconds === null ? first : `?${first}`);
    }
    return filled.join(',');
  }
}

/** An outcome in the short form. */
export function inShort(outcome: Outcome): string {
  const filled = (promoted: { userId: string }[], offered: { userId: string }[]) =>
    [...promoted.map(({ userId }) => userId), ...offered.map(({ userId }) => `?${userId}`)].join();
  switch (outcome.type) {
    case 'refused':
      return `refused ${outcome.reason}`;
    case 'read': {
      const offers = outcome.offeredCount ? ` +${outcome.offeredCount}` : '';
      return `read ${outcome.registeredCount} ${outcome.waitlistCount}${offers}`;
    }
    case 'waitlisted':
      return `waitlisted ${outcome.entry.position}`;
    case 'unregistered': {
      const { promoted, offered } = outcome;
      return `unregistered ${filled(promoted ? [promoted] : [], offered ? [offered] : []) || '-'}`;
    }
    case 'gaveUp':
      return `gaveUp ${outcome.status ?? 'nothing'}`;
    case 'updated':
      return `updated ${filled(outcome.promoted, outcome.offered)}`;
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

  /** The rows in a comparable form. */
  get content(): string[] {
    return [...this.rows.values()]
      .map(({ table, id, row }) => `${table} ${id} ${JSON.stringify(row)}`)
      .sort();
  }
}

/** Few users, so that several commands are about the same one. Sometimes the organiser changes something. */
const userId = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h');
const moment = fc.integer({ min: 0, max: 150 }).map(at);
const patch = fc.record(
  {
    capacity: fc.integer({ min: 1, max: 6 }),
    hasWaitlist: fc.boolean(),
    waitlistCapacity: fc.option(fc.integer({ min: 0, max: 4 })),
    status: fc.constantFrom('OPEN' as const, 'PAUSED' as const, 'CLOSED' as const),
    offerSeconds: fc.constantFrom(null, 10, 10, 30),
    promotesUntil: fc.option(moment),
    startsAt: fc.option(moment),
  },
  { requiredKeys: [] },
);
const updateOf = (patch: EventPatch): Command => {
  return { type: 'update', patch, revisions: null, isDryRun: false };
};
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
    arbitrary: patch.map(updateOf),
  },
);
export const commands = fc.array(command, { maxLength: 120 });

/** Commands, each with the seconds since the one before. Sometimes the clock steps back, as it does when another instance takes over. */
export const timedCommands = fc.array(
  fc.record({
    command: fc.oneof(
      { weight: 60, arbitrary: command },
      { weight: 4, arbitrary: fc.constant(updateOf({ capacity: 1, offerSeconds: 10 })) },
      { weight: 2, arbitrary: fc.constant(updateOf({ promotesUntil: null, startsAt: null })) },
      { weight: 3, arbitrary: fc.constant<Command>({ type: 'expire' }) },
      { weight: 1, arbitrary: fc.constant<Command>({ type: 'cancel', revisions: null }) },
    ),
    wait: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.integer({ min: -2, max: 12 })),
  }),
  { maxLength: 150, size: 'max' },
);
