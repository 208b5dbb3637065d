import type { WaitlistEntry } from '../schemas.ts';
import { ChangeSet } from './change-set.ts';
import type { EventView, RowChange, Seat } from './state.ts';

/**
 * The next commit while it is being decided: a committed view below, what the batch changes above.
 * Nothing below is touched, so a commit that fails leaves nothing to undo.
 */
export class Draft extends ChangeSet implements EventView {
  readonly #base: EventView;
  /** Who has another place than below: the new one, or null for none. */
  readonly #registrations = new Map<string, Seat | null>();
  readonly #entries = new Map<string, WaitlistEntry | null>();

  constructor(base: EventView) {
    super(base);
    this.#base = base;
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
      if (!this.isRemoved(seat.registrationId)) yield seat;
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
      if (!this.isRemoved(entry.entryId)) yield entry;
    }
    for (const entry of this.#entries.values()) {
      if (entry && !(after !== undefined && entry.position <= after)) yield entry;
    }
  }

  protected override applyRow(change: RowChange): void {
    super.applyRow(change);
    // Deleted before it is set, so that somebody who comes back stands at the end of the map.
    const { userId } = change.row;
    if (change.table === 'registrations') {
      this.#registrations.delete(userId);
      this.#registrations.set(userId, change.op === 'add' ? change.row : null);
    } else {
      this.#entries.delete(userId);
      this.#entries.set(userId, change.op === 'add' ? change.row : null);
    }
  }
}
