import { ChangeSet } from './change-set.ts';
import type { Offer, Seat, WaitlistEntry } from './model.ts';
import type { EventView, RowChange } from './state.ts';

/**
 * The next commit while it is being decided: a committed view, and the changes of the batch on top of it.
 * The committed view is never altered, so a failed commit leaves nothing to undo.
 */
export class Draft extends ChangeSet implements EventView {
  readonly #base: EventView;
  /** The seats that the batch changes, by user: the new seat, or null for a user who has none any more. */
  readonly #seats = new Map<string, Seat | null>();
  /** The offers that the batch changes, by user: the new offer, or null as above. */
  readonly #offers = new Map<string, Offer | null>();
  /** The entries that the batch changes, by user: the new entry, or null as above. */
  readonly #entries = new Map<string, WaitlistEntry | null>();

  constructor(base: EventView) {
    super(base);
    this.#base = base;
  }

  registrationOf(userId: string): Seat | undefined {
    const changed = this.#seats.get(userId);
    return changed === undefined ? this.#base.registrationOf(userId) : (changed ?? undefined);
  }

  offerOf(userId: string): Offer | undefined {
    const changed = this.#offers.get(userId);
    return changed === undefined ? this.#base.offerOf(userId) : (changed ?? undefined);
  }

  entryOf(userId: string): WaitlistEntry | undefined {
    const changed = this.#entries.get(userId);
    return changed === undefined ? this.#base.entryOf(userId) : (changed ?? undefined);
  }

  *seated(after?: number): Iterable<Seat> {
    for (const seat of this.#base.seated(after)) {
      if (!this.isRemoved(seat.registrationId)) yield seat;
    }
    for (const seat of this.#seats.values()) {
      if (seat && !(after !== undefined && seat.seq <= after)) yield seat;
    }
  }

  *offered(after?: number): Iterable<Offer> {
    for (const offer of this.#base.offered(after)) {
      if (!this.isRemoved(offer.offerId)) yield offer;
    }
    for (const offer of this.#offers.values()) {
      if (offer && !(after !== undefined && offer.position <= after)) yield offer;
    }
  }

  override get firstOfferEnd(): number {
    if (this.#offers.size === 0) return this.#base.firstOfferEnd;
    let first = Number.POSITIVE_INFINITY;
    this.eachOffer((end) => {
      first = Math.min(first, end);
    });
    return first;
  }

  *offersEndedBy(time: number): Iterable<Offer> {
    for (const offer of this.#base.offersEndedBy(time)) {
      if (!this.isRemoved(offer.offerId)) yield offer;
    }
    for (const offer of this.#offers.values()) {
      if (offer && Date.parse(offer.expiresAt) <= time) yield offer;
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
    // Deleted before it is set, so that a new row of a known user is at the end of the map: the maps are in order.
    const { userId } = change.row;
    if (change.table === 'registrations') {
      this.#seats.delete(userId);
      this.#seats.set(userId, change.op === 'add' ? change.row : null);
    } else if (change.table === 'offers') {
      this.#offers.delete(userId);
      this.#offers.set(userId, change.op === 'add' ? change.row : null);
    } else {
      this.#entries.delete(userId);
      this.#entries.set(userId, change.op === 'add' ? change.row : null);
    }
  }
}
