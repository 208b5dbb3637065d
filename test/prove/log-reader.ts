import { setTimeout as sleep } from 'node:timers/promises';
import type { Asker } from './asker.ts';
import type { Recorder } from './history.ts';
import type { LogEntry, LogPage } from './log.ts';
import type { Random } from './random.ts';

/** How often a page is asked for that has to be told. */
const MAX_ATTEMPTS = 30;
const RETRY_PAUSE_MS = 20;
/** How many entries a page is asked for: a single one, and all along a log. */
const LIMITS = [1, 3, 20, 100, 1_000];
const WHOLE_LIMITS = [20, 100, 1_000];

/** A log as it was read over the API to its end. */
export interface WholeLog {
  worker: number;
  /** Null where there is no such event. */
  entries: LogEntry[] | null;
}

/** What clients were told of the log of an event. */
export interface ToldLog {
  pages: LogPage[];
  /** As it was at the end, of each worker. */
  whole: WholeLog[];
}

/** Reads the logs of events over the API, as clients do, and keeps what was told. */
export class LogReader {
  /** How many pages were told. */
  pagesRead = 0;
  readonly #pages = new Map<string, LogPage[]>();
  readonly #whole = new Map<string, WholeLog[]>();
  readonly #asker: Asker;
  readonly #recorder: Recorder;
  readonly #onViolation: (what: string) => void;

  constructor(asker: Asker, recorder: Recorder, onViolation: (what: string) => void) {
    this.#asker = asker;
    this.#recorder = recorder;
    this.#onViolation = onViolation;
  }

  /** What was told of the log of an event. */
  of(eventId: string): ToldLog {
    return { pages: this.#pages.get(eventId) ?? [], whole: this.#whole.get(eventId) ?? [] };
  }

  /** Reads a page from somewhere in the log. */
  async readSomewhere(eventId: string, random: Random, worker?: number): Promise<void> {
    const known = this.knownOf(eventId);
    const after = random.chance(0.3) ? -1 : random.int(0, known + 2);
    await this.#readPage(eventId, { after, limit: random.pick(LIMITS) }, worker);
  }

  /** Reads the log of an event to its end, of one worker. */
  async readWhole(eventId: string, random: Random, worker: number): Promise<void> {
    const limit = random.pick(WHOLE_LIMITS);
    const entries: LogEntry[] = [];
    for (let after: number | null = -1; after !== null; ) {
      const page = await this.#insist(eventId, { after, limit }, worker);
      if (!page) {
        this.#keep(this.#whole, eventId, { worker, entries: null });
        return;
      }
      entries.push(...page.items);
      after = page.next;
    }
    this.#keep(this.#whole, eventId, { worker, entries });
  }

  /** Asks for a page until it is told; null where there is no such event. */
  async #insist(
    eventId: string,
    page: { after: number; limit: number },
    worker: number,
  ): Promise<LogPage | null> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const told = await this.#readPage(eventId, page, worker);
      if (told !== 'nothing') return told === 'no such event' ? null : told;
      await sleep(RETRY_PAUSE_MS);
    }
    this.#onViolation(`the log of event ${eventId} cannot be read`);
    return null;
  }

  async #readPage(
    eventId: string,
    { after, limit }: { after: number; limit: number },
    worker?: number,
  ): Promise<LogPage | 'no such event' | 'nothing'> {
    const known = this.knownOf(eventId);
    const reply = await this.#asker.probe(eventId, { type: 'log', after, limit }, { worker });
    if (!reply || reply.status === 503) return 'nothing';
    if (reply.status === 404) return 'no such event';
    if (reply.status !== 200) {
      this.#onViolation(`an answer that is never given: log ${JSON.stringify(reply)}`);
      return 'nothing';
    }
    const { items, nextCursor } = reply.body as { items: LogEntry[]; nextCursor: string | null };
    const page: LogPage = {
      ...{ worker, after, limit, known },
      items: items.map(({ version, at, chain, changes }) => ({ version, at, chain, changes })),
      next: nextCursor === null ? null : Number(nextCursor),
    };
    this.#keep(this.#pages, eventId, page);
    this.pagesRead++;
    return page;
  }

  /** The highest version of an event of which somebody has a receipt; 0 where nobody has. */
  knownOf(eventId: string): number {
    const versions = this.#recorder.operations.flatMap((operation) =>
      operation.eventId === eventId && operation.receipt !== null
        ? Number.parseInt(operation.receipt, 10)
        : [],
    );
    return Math.max(0, ...versions);
  }

  #keep<Read>(read: Map<string, Read[]>, eventId: string, one: Read): void {
    read.set(eventId, [...(read.get(eventId) ?? []), one]);
  }
}
