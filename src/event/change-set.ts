import { TRANSACTION_MAX_ACTIONS } from '../limits.ts';
import { dueAtOf } from './due.ts';
import type { KeyRecord } from './idempotency.ts';
import {
  chainOf,
  type Hash,
  type LogEntry,
  type LogHead,
  nextHead,
  receiptOf,
  toLogChange,
} from './log.ts';
import type { EventRecord, Offer } from './model.ts';
import { type Pointer, pointersFor, withPointer } from './outbox.ts';
import type { Ports } from './ports.ts';
import {
  type Books,
  bytesOf,
  type Change,
  type EventTotals,
  idBits,
  type OfferVisitor,
  type RowChange,
  rowChanges,
} from './state.ts';

const SECONDS_PER_DAY = 24 * 60 * 60;

/** Items that one transaction takes beside the event item and the log's entry. */
const MAX_ITEMS = TRANSACTION_MAX_ACTIONS - 2;

/** What sealing needs of the world. */
export type SealPorts = Pick<Ports, 'hash' | 'logDays' | 'endpoints' | 'reminders'>;

/** What one transaction makes durable: the net change of each row, the keys, and the new totals. */
export class ChangeSet implements EventTotals {
  event: EventRecord | null;
  registeredCount: number;
  offeredCount: number;
  waitlistCount: number;
  revision: number;
  lastPosition: number;
  lastSeq: number;
  digest: bigint;
  bytes: number;
  /** The log's end; with `entry` as soon as there is one. */
  log: LogHead | null;
  pointers: readonly Pointer[];
  dueAt: number | null;
  readonly #dueBefore: number | null;
  #firstOfferEnd: number;
  /** The event before the first change. */
  readonly #before: EventTotals;
  /** The offers that were opened since, by position, and the positions of those that were closed. */
  readonly #opened = new Map<number, Offer>();
  readonly #closed = new Set<number>();
  /** What the log tells of it; null until it is sealed, and where nothing is told. */
  entry: (LogEntry & { expiresAt: number }) | null = null;
  /** What happened, in order. */
  readonly changes: Change[] = [];
  /** Who made each change. */
  readonly actors: (string | null)[] = [];
  /** Whether it is committed even if it changes nothing. */
  mustCommit = false;
  /** The idempotency keys that it uses up. */
  readonly keys: KeyRecord[] = [];
  /** The net change of each row, by row id. A row that was added and removed again is not in it. */
  readonly #net = new Map<string, RowChange>();

  /** @param base the event before the first change */
  constructor(base: EventTotals) {
    this.event = base.event;
    this.registeredCount = base.registeredCount;
    this.offeredCount = base.offeredCount;
    this.waitlistCount = base.waitlistCount;
    this.revision = base.revision;
    this.lastPosition = base.lastPosition;
    this.lastSeq = base.lastSeq;
    this.digest = base.digest;
    this.bytes = base.bytes;
    this.log = base.log;
    this.pointers = base.pointers;
    this.dueAt = base.dueAt;
    this.#dueBefore = base.dueAt;
    this.#firstOfferEnd = base.firstOfferEnd;
    this.#before = base;
  }

  /** The rows to put and to delete, each id once. */
  get rows(): Iterable<RowChange> {
    return this.#net.values();
  }

  /** How many rows and keys the commit writes. */
  get itemCount(): number {
    return this.#net.size + this.keys.length;
  }

  get firstOfferEnd(): number {
    return this.#firstOfferEnd;
  }

  eachOffer(visit: OfferVisitor): void {
    this.#before.eachOffer((end, position, createdAt) => {
      if (!this.#closed.has(position)) visit(end, position, createdAt);
    });
    for (const { expiresAt, position, createdAt } of this.#opened.values()) {
      visit(Date.parse(expiresAt), position, Date.parse(createdAt));
    }
  }

  /** Whether the event has something to do at another time than before. */
  get isDueAtChanged(): boolean {
    return this.dueAt !== this.#dueBefore;
  }

  /** How many new rows it still has room for. */
  get room(): number {
    return MAX_ITEMS - Math.max(this.itemCount, this.changes.length);
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

  /**
   * Whether everything still fits into one transaction with these changes and `keyCount` more keys. Changes
   * that undo each other write no row, and are in the log's entry all the same, whose size has a limit too.
   */
  hasRoomFor(changes: Change[], keyCount: number): boolean {
    const isEntryShort = this.changes.length + changes.length <= MAX_ITEMS;
    return isEntryShort && this.itemCountWith(changes) + keyCount <= MAX_ITEMS;
  }

  /** Moves an endpoint's place in the log. */
  movePointer(pointer: Pointer): void {
    this.pointers = withPointer(this.pointers, pointer);
    this.mustCommit = true;
  }

  /** What the commit leads to beside its changes. */
  get books(): Books {
    return { log: this.log, pointers: this.pointers, dueAt: this.dueAt };
  }

  /** @param actor who makes the changes, as the log tells it */
  apply(changes: Change[], actor: string | null = null): void {
    for (const change of changes) {
      this.changes.push(change);
      this.actors.push(actor);
      if (change.type === 'created' || change.type === 'updated') {
        this.event = change.event;
        this.revision++;
      }
      for (const row of rowChanges(change)) this.applyRow(row);
    }
  }

  /**
   * Adds the log's entry of what changes, and what follows from it, before the commit. Nothing may be
   * applied afterwards.
   *
   * @param version the version that the commit leads to
   * @param at when it was decided
   * @returns the receipt; null where there is no log, or nothing changes
   */
  async seal(
    version: number,
    at: string,
    { hash, logDays, endpoints, reminders }: SealPorts,
  ): Promise<string | null> {
    this.pointers = pointersFor(this.pointers, endpoints, version - 1);
    const isLogged = logDays > 0 && this.changes.length > 0;
    if (isLogged) await this.#writeEntry(version, at, hash, logDays);
    this.dueAt = dueAtOf(this, { endpoints, reminders }, Date.parse(at));
    return this.entry && receiptOf(this.entry);
  }

  async #writeEntry(version: number, at: string, hash: Hash, logDays: number): Promise<void> {
    const changes = this.changes.map(toLogChange);
    const chain = await chainOf(this.log?.chain ?? '', { version, at, changes }, hash);
    const expiresAt = Math.floor(Date.parse(at) / 1_000) + logDays * SECONDS_PER_DAY;
    this.entry = { version, at, chain, changes, actors: this.actors, expiresAt };
    this.log = nextHead(this.log, this.entry, logDays);
  }

  protected applyRow(change: RowChange): void {
    // A row id is used once, so a second change of the same row undoes the first.
    if (!this.#net.delete(change.id)) this.#net.set(change.id, change);
    this.digest ^= idBits(change.id);
    const by = change.op === 'add' ? 1 : -1;
    this.bytes += by * bytesOf(change.row);
    if (change.table === 'registrations') {
      this.registeredCount += by;
      if (change.op === 'add') this.lastSeq = Math.max(this.lastSeq, change.row.seq);
    } else if (change.table === 'offers') {
      this.offeredCount += by;
      const { row } = change;
      if (change.op === 'add') {
        this.#opened.set(row.position, row);
        this.#firstOfferEnd = Math.min(this.#firstOfferEnd, Date.parse(row.expiresAt));
      } else if (!this.#opened.delete(row.position)) this.#closed.add(row.position);
    } else {
      this.waitlistCount += by;
      if (change.op === 'add') {
        this.lastPosition = Math.max(this.lastPosition, change.row.position);
      }
    }
  }

  /** Whether these changes remove a row that existed before them. */
  protected isRemoved(id: string): boolean {
    return this.#net.get(id)?.op === 'remove';
  }
}
