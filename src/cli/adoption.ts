import { sleep } from '../sleep.ts';
import type { Store } from '../store/client.ts';
import { ROW_TABLES, type RowTable } from '../store/rows.ts';
import {
  type EventPlan,
  type OldEvent,
  planEvent,
  planUser,
  type RowWrite,
} from './adoption-plan.ts';
import { type Found, isShown, readPlaces } from './adoption-read.ts';
import { idOf, type OldItem, show, WORD_FOR } from './adoption-rows.ts';
import {
  type Action,
  inParts,
  isAsRead,
  send,
  setAttributes,
  toActions,
} from './adoption-writes.ts';
import { scanTable } from './scan.ts';

/** Events that are written, or looked up in the indexes, at a time. */
const EVENTS_AT_ONCE = 4;
/** How long the indexes may take to show what was written. */
const INDEX_DEADLINE_MS = 60_000;
const INDEX_POLL_MS = 500;
/** After how many items progress is reported. */
const PROGRESS = { read: 10_000, written: 1_000 };
/** How long a row that was set aside is kept. */
const ASIDE_DAYS = 30;

/** The result of a run; of a dry run, the result that it would have. */
export interface Adoption {
  /** Events that the seed system wrote. */
  found: number;
  adopted: number;
  /** Events that had their books already. */
  already: number;
  /** Rows that were taken out of the indexes, because they can't be places. */
  setAside: number;
  /** Events, rows and users that a person has to look at, because they could not be taken over as they are. */
  left: number;
}

/** The options of a run. */
export interface AdoptOptions {
  isDryRun: boolean;
  /** Whether rows of events that do not exist are set aside too. */
  setsUnknownAside?: boolean;
  /** Called with each line for the person: what was found, and the progress. */
  tell: (line: string) => void;
  now?: () => number;
  indexDeadlineMs?: number;
}

const grouped = (count: number) => count.toLocaleString('en').replaceAll(',', ' ');

/** Calls a function for each item, `EVENTS_AT_ONCE` at a time. */
async function forEach<T>(all: Iterable<T>, use: (each: T) => Promise<void>): Promise<void> {
  const iterator = all[Symbol.iterator]();
  const worker = async () => {
    for (let next = iterator.next(); !next.done; next = iterator.next()) await use(next.value);
  };
  await Promise.all(Array.from({ length: EVENTS_AT_ONCE }, worker));
}

/**
 * Takes over what the seed system wrote: completes its rows, and then writes the books of each event. All writes
 * are conditional, and the books of an event come last, so a run can be interrupted at any moment and repeated.
 * Meanwhile only this service may write the tables: it leaves these events alone.
 */
export async function adopt(store: Store, options: AdoptOptions): Promise<Adoption> {
  return new AdoptionRun(store, options).run();
}

class AdoptionRun {
  readonly #store: Store;
  readonly #options: AdoptOptions;
  readonly #tell: AdoptOptions['tell'];
  readonly #now: number;
  readonly #result: Adoption = { found: 0, adopted: 0, already: 0, setAside: 0, left: 0 };
  /** The ids in the users table. */
  readonly #users = new Set<unknown>();
  #written = 0;
  #toWrite = 0;

  constructor(store: Store, options: AdoptOptions) {
    this.#store = store;
    this.#options = options;
    this.#tell = options.tell;
    this.#now = (options.now ?? Date.now)();
  }

  async run(): Promise<Adoption> {
    await this.#takeUsers();
    const found = await this.#read();
    this.#result.already = found.already;
    this.#result.found = found.events.size;
    const plans = this.#plan(found.events);
    await this.#reportUnknown(found);
    const taken = plans.filter((plan) => this.#report(plan));
    if (this.#options.isDryRun) {
      this.#result.adopted = taken.length;
      return this.#result;
    }
    const whole = await this.#writeRows(taken);
    await this.#giveBooks(whole);
    return this.#result;
  }

  #leave(line: string): void {
    this.#result.left++;
    this.#tell(line);
  }

  /** Reports faulty users, and rewrites their times to the form that the API promises. Users need nothing else. */
  async #takeUsers(): Promise<void> {
    const { users } = this.#store.tables;
    let read = 0;
    let rewritten = 0;
    for await (const page of scanTable<OldItem>(this.#store, users)) {
      const actions: Action[] = [];
      for (const item of page) {
        this.#users.add(item.userId);
        const { faults, createdAt } = planUser(item);
        if (faults.length > 0) this.#leave(`user ${show(item.userId)}: ${faults.join('; ')}`);
        if (createdAt === null) continue;
        rewritten++;
        actions.push(
          setAttributes(users, { userId: item.userId }, { createdAt }, isAsRead(item, 'createdAt')),
        );
      }
      read = this.#progress('read', read, page.length, `Read ${users}: %`);
      if (this.#options.isDryRun) continue;
      for (const some of inParts(actions.map((action) => [action]))) {
        if (await send(this.#store, some.flat())) continue;
        this.#leave(
          `${some.length} users: one of them was changed meanwhile; run the command again`,
        );
      }
    }
    this.#tell(
      `${users}: ${grouped(read)} users${rewritten ? `, ${grouped(rewritten)} times rewritten` : ''}`,
    );
  }

  /** Reports the progress after every `PROGRESS[kind]` items. Returns the new count. */
  #progress(kind: keyof typeof PROGRESS, before: number, more: number, line: string): number {
    const after = before + more;
    const step = PROGRESS[kind];
    if (Math.floor(after / step) > Math.floor(before / step)) {
      this.#tell(line.replace('%', grouped(after)));
    }
    return after;
  }

  #read(): Promise<Found> {
    return readPlaces(this.#store, {
      onPage: (table, before, more) => this.#progress('read', before, more, `Read ${table}: %`),
      onEnd: (table, rows) => this.#tell(`${table}: ${grouped(rows)} rows`),
    });
  }

  #plan(events: Map<string, OldEvent>): EventPlan[] {
    const now = new Date(this.#now).toISOString();
    return [...events.values()].map((event) => planEvent(event, now));
  }

  /** Reports a plan. Returns whether the event can be taken over. */
  #report({ eventId, refusals, notes, writes, userIds }: EventPlan): boolean {
    for (const refusal of refusals) this.#tell(`event ${eventId} is not taken: ${refusal}`);
    if (refusals.length > 0) {
      this.#result.left++;
      return false;
    }
    for (const note of notes) this.#tell(`event ${eventId}: ${note}`);
    const nameless = userIds.filter((userId) => !this.#users.has(userId)).length;
    if (nameless > 0) {
      this.#tell(`event ${eventId}: ${nameless} people are no users; lists have no names for them`);
    }
    for (const write of writes) {
      if (write.op === 'setAside') this.#reportAside(write, `event ${eventId}`);
      if (write.op === 'rename') {
        const newId = idOf(write.table, write.row);
        this.#tell(`event ${eventId}: ${WORD_FOR[write.table]} ${write.id} gets the id ${newId}`);
      }
    }
    return true;
  }

  #reportAside({ table, id, reason }: { table: RowTable; id: string; reason: string }, of: string) {
    this.#result.setAside++;
    this.#leave(`${of}: ${WORD_FOR[table]} ${id} is set aside: ${reason}`);
  }

  /** Reports rows without an event. If an event with that id is created, it could not be loaded with these rows. */
  async #reportUnknown({ unknown, stray }: Found): Promise<void> {
    for (const { table, row } of stray) {
      this.#leave(`${WORD_FOR[table]} ${idOf(table, row)} is left as it is: it names no event`);
    }
    for (const [eventId, rows] of unknown) {
      const reason = `there is no event ${eventId}`;
      if (!this.#options.setsUnknownAside) {
        for (const { table, row } of rows) {
          this.#leave(`${WORD_FOR[table]} ${idOf(table, row)} is left as it is: ${reason}`);
        }
        continue;
      }
      const writes = rows.map(
        ({ table, row }): RowWrite => ({
          op: 'setAside',
          table,
          id: idOf(table, row),
          old: row,
          reason,
        }),
      );
      for (const { table, id } of writes)
        this.#reportAside({ table, id, reason }, `event ${eventId}`);
      if (!this.#options.isDryRun) await this.#writeAll(eventId, writes);
    }
  }

  /**
   * Writes the rows, and reads them again. Returns the events whose rows are then as planned: the seed system may
   * still be running, and may have changed others.
   */
  async #writeRows(plans: EventPlan[]): Promise<EventPlan[]> {
    this.#toWrite = plans.reduce((sum, { writes }) => sum + writes.length, 0);
    if (this.#toWrite === 0) return plans;
    const refused = new Set<string>();
    await forEach(plans, async ({ eventId, writes }) => {
      if (!(await this.#writeAll(eventId, writes))) refused.add(eventId);
    });
    this.#tell('Reading once more what was written');
    const planned = new Set(plans.map(({ eventId }) => eventId));
    const again = this.#plan((await this.#read()).events).filter(({ eventId }) =>
      planned.has(eventId),
    );
    return again.filter(({ eventId, writes, refusals }) => {
      const isWhole = writes.length === 0 && refusals.length === 0 && !refused.has(eventId);
      if (!isWhole) this.#leave(changedMeanwhile(eventId));
      return isWhole;
    });
  }

  /** Writes the rows of an event. Returns false, and stops, when a condition does not hold. */
  async #writeAll(eventId: string, writes: RowWrite[]): Promise<boolean> {
    const expiresAt = Math.floor(this.#now / 1_000) + ASIDE_DAYS * 24 * 60 * 60;
    for (const some of inParts(writes.map((write) => toActions(this.#store, write, expiresAt)))) {
      if (!(await send(this.#store, some.flat()))) return false;
      this.#written = this.#progress(
        'written',
        this.#written,
        some.length,
        `Wrote % of ${grouped(Math.max(this.#toWrite, this.#written))} rows (event ${eventId})`,
      );
    }
    return true;
  }

  /** Writes the books of each event once the indexes show its rows: the event is loaded from these. */
  async #giveBooks(plans: EventPlan[]): Promise<void> {
    let done = 0;
    await forEach(plans, async (plan) => {
      const { eventId, item, books } = plan;
      const { events } = this.#store.tables;
      if (!(await this.#areIndexed(plan))) {
        this.#leave(`event ${eventId} is not taken yet: its indexes lag; run the command again`);
        return;
      }
      const fields = { ...item, ...books, version: 1, revision: 1 };
      const action = setAttributes(events, { eventId }, fields, {
        ConditionExpression: 'attribute_exists(eventId) AND attribute_not_exists(version)',
      });
      if (await send(this.#store, [action])) {
        this.#result.adopted++;
        const people = `${grouped(books.registeredCount)} seats, ${grouped(books.waitlistCount)} waiting`;
        this.#tell(`event ${eventId} is taken over: ${people} (${++done} of ${plans.length})`);
      } else this.#leave(changedMeanwhile(eventId));
    });
  }

  async #areIndexed({ eventId, orders }: EventPlan): Promise<boolean> {
    const deadline = Date.now() + (this.#options.indexDeadlineMs ?? INDEX_DEADLINE_MS);
    for (;;) {
      const shown = await Promise.all(
        ROW_TABLES.map((table) => isShown(this.#store, table, eventId, orders[table])),
      );
      if (shown.every(Boolean)) return true;
      if (Date.now() + INDEX_POLL_MS >= deadline) return false;
      await sleep(INDEX_POLL_MS);
    }
  }
}

const changedMeanwhile = (eventId: string) =>
  `event ${eventId} is not taken: it was changed meanwhile; end what writes the tables, and run the command again`;
