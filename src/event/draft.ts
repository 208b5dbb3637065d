import type { EventRecord, Registration, WaitlistEntry } from '../schemas.ts';
import { type Change, type EventView, idBits, type RowChange, rowChanges } from './state.ts';

/**
 * The next commit while it is being decided: a committed view below, what the batch changes above.
 * Nothing below is touched, so a commit that fails leaves nothing to undo.
 */
export class Draft implements EventView {
  event: EventRecord | null;
  registeredCount: number;
  waitlistCount: number;
  lastPosition: number;
  digest: bigint;
  /** What happened, in order. */
  readonly changes: Change[] = [];

  readonly #base: EventView;
  /** Net change per row id: a row that came and went within the batch is in neither state. */
  readonly #net = new Map<string, RowChange>();
  /** Who has another place than below: the new one, or null for none. */
  readonly #registrations = new Map<string, Registration | null>();
  readonly #entries = new Map<string, WaitlistEntry | null>();

  constructor(base: EventView) {
    this.#base = base;
    this.event = base.event;
    this.registeredCount = base.registeredCount;
    this.waitlistCount = base.waitlistCount;
    this.lastPosition = base.lastPosition;
    this.digest = base.digest;
  }

  /** The rows to put and to delete, each id once. */
  get rows(): Iterable<RowChange> {
    return this.#net.values();
  }

  get rowCount(): number {
    return this.#net.size;
  }

  /** How many rows the commit would change if these changes joined it. */
  rowCountWith(changes: Change[]): number {
    let count = this.#net.size;
    for (const change of changes) {
      for (const { id } of rowChanges(change)) count += this.#net.has(id) ? -1 : 1;
    }
    return count;
  }

  registrationOf(userId: string): Registration | undefined {
    const above = this.#registrations.get(userId);
    return above === undefined ? this.#base.registrationOf(userId) : (above ?? undefined);
  }

  entryOf(userId: string): WaitlistEntry | undefined {
    const above = this.#entries.get(userId);
    return above === undefined ? this.#base.entryOf(userId) : (above ?? undefined);
  }

  *waiting(): Iterable<WaitlistEntry> {
    for (const entry of this.#base.waiting()) {
      if (this.#net.get(entry.entryId)?.op !== 'remove') yield entry;
    }
    for (const entry of this.#entries.values()) if (entry) yield entry;
  }

  apply(changes: Change[]): void {
    for (const change of changes) {
      this.changes.push(change);
      if (change.type === 'created') this.event = change.event;
      for (const row of rowChanges(change)) this.#applyRow(row);
    }
  }

  #applyRow(change: RowChange): void {
    // Ids are used once, so a second change of the same row can only take back the first.
    if (!this.#net.delete(change.id)) this.#net.set(change.id, change);
    this.digest ^= idBits(change.id);
    const by = change.op === 'add' ? 1 : -1;
    if (change.table === 'registrations') {
      this.registeredCount += by;
      this.#registrations.set(change.row.userId, change.op === 'add' ? change.row : null);
    } else {
      this.waitlistCount += by;
      // Deleted first, so that somebody who comes back stands at the end of the map, as in the line.
      this.#entries.delete(change.row.userId);
      this.#entries.set(change.row.userId, change.op === 'add' ? change.row : null);
      if (change.op === 'add') {
        this.lastPosition = Math.max(this.lastPosition, change.row.position);
      }
    }
  }
}
