import type { EventRecord, WaitlistEntry } from '../schemas.ts';
import type { KeyRecord } from './idempotency.ts';
import {
  bytesOf,
  type Change,
  type EventView,
  idBits,
  type RowChange,
  rowChanges,
  type Seat,
} from './state.ts';

/**
 * The next commit while it is being decided: a committed view below, what the batch changes above.
 * Nothing below is touched, so a commit that fails leaves nothing to undo.
 */
export class Draft implements EventView {
  event: EventRecord | null;
  registeredCount: number;
  waitlistCount: number;
  revision: number;
  lastPosition: number;
  lastSeq: number;
  digest: bigint;
  bytes: number;
  /** What happened, in order. */
  readonly changes: Change[] = [];
  /** Whether the batch is committed even if it changes nothing. */
  mustCommit = false;
  /** The idempotency keys that the batch uses up. */
  readonly keys: KeyRecord[] = [];

  readonly #base: EventView;
  /** Net change per row id: a row that came and went within the batch is in neither state. */
  readonly #net = new Map<string, RowChange>();
  /** Who has another place than below: the new one, or null for none. */
  readonly #registrations = new Map<string, Seat | null>();
  readonly #entries = new Map<string, WaitlistEntry | null>();

  constructor(base: EventView) {
    this.#base = base;
    this.event = base.event;
    this.registeredCount = base.registeredCount;
    this.waitlistCount = base.waitlistCount;
    this.revision = base.revision;
    this.lastPosition = base.lastPosition;
    this.lastSeq = base.lastSeq;
    this.digest = base.digest;
    this.bytes = base.bytes;
  }

  /** The rows to put and to delete, each id once. */
  get rows(): Iterable<RowChange> {
    return this.#net.values();
  }

  /** How many items the commit writes beside the event item. */
  get itemCount(): number {
    return this.#net.size + this.keys.length;
  }

  /** Whether there is anything to commit. */
  get isEmpty(): boolean {
    return this.changes.length === 0 && this.keys.length === 0 && !this.mustCommit;
  }

  /** How many items the commit would write if these changes joined it. */
  itemCountWith(changes: Change[]): number {
    let count = this.itemCount;
    for (const change of changes) {
      for (const { id } of rowChanges(change)) count += this.#net.has(id) ? -1 : 1;
    }
    return count;
  }

  registrationOf(userId: string): Seat | undefined {
    const above = this.#registrations.get(userId);
    return above === undefined ? this.#base.registrationOf(userId) : (above ?? undefined);
  }

  entryOf(userId: string): WaitlistEntry | undefined {
    const above = this.#entries.get(userId);
    return above === undefined ? this.#base.entryOf(userId) : (above ?? undefined);
  }

  *seated(after?: number): Iterable<Seat> {
    for (const seat of this.#base.seated(after)) {
      if (this.#net.get(seat.registrationId)?.op !== 'remove') yield seat;
    }
    for (const seat of this.#registrations.values()) {
      if (seat && !(after !== undefined && seat.seq <= after)) yield seat;
    }
  }

  aheadOf({ position }: WaitlistEntry): number {
    let ahead = 0;
    for (const entry of this.waiting()) {
      if (entry.position >= position) break;
      ahead++;
    }
    return ahead;
  }

  *waiting(after?: number): Iterable<WaitlistEntry> {
    for (const entry of this.#base.waiting(after)) {
      if (this.#net.get(entry.entryId)?.op !== 'remove') yield entry;
    }
    for (const entry of this.#entries.values()) {
      if (entry && !(after !== undefined && entry.position <= after)) yield entry;
    }
  }

  apply(changes: Change[]): void {
    for (const change of changes) {
      this.changes.push(change);
      if (change.type === 'created' || change.type === 'updated') {
        this.event = change.event;
        this.revision++;
      }
      for (const row of rowChanges(change)) this.#applyRow(row);
    }
  }

  #applyRow(change: RowChange): void {
    // Ids are used once, so a second change of the same row can only take back the first.
    if (!this.#net.delete(change.id)) this.#net.set(change.id, change);
    this.digest ^= idBits(change.id);
    const by = change.op === 'add' ? 1 : -1;
    this.bytes += by * bytesOf(change.row);
    // Deleted before it is set, so that somebody who comes back stands at the end of the map.
    const { userId } = change.row;
    if (change.table === 'registrations') {
      this.registeredCount += by;
      this.#registrations.delete(userId);
      this.#registrations.set(userId, change.op === 'add' ? change.row : null);
      if (change.op === 'add') this.lastSeq = Math.max(this.lastSeq, change.row.seq);
    } else {
      this.waitlistCount += by;
      this.#entries.delete(userId);
      this.#entries.set(userId, change.op === 'add' ? change.row : null);
      if (change.op === 'add') {
        this.lastPosition = Math.max(this.lastPosition, change.row.position);
      }
    }
  }
}

/** What a commit left behind, for the next part of the same change: it can be written on, not asked. */
export function totalsOf(draft: EventView): EventView {
  const notKept = (): never => {
    throw new Error('only the totals of a committed part are kept');
  };
  const { event, registeredCount, waitlistCount, revision, lastPosition, lastSeq } = draft;
  const { digest, bytes } = draft;
  return {
    ...{ event, registeredCount, waitlistCount, revision, lastPosition, lastSeq, digest, bytes },
    registrationOf: notKept,
    entryOf: notKept,
    seated: notKept,
    waiting: notKept,
    aheadOf: notKept,
  };
}
