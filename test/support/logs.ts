import { hexDigestOf } from '../../src/digest.ts';
import { type Batch, decideBatch } from '../../src/event/batch.ts';
import type { Command } from '../../src/event/command.ts';
import { chainOf } from '../../src/event/log.ts';
import { LogCheck, type Receipt } from '../../src/event/log-check.ts';
import { owedBy } from '../../src/event/rules/seating.ts';
import { LogFault, type SeenEntry } from '../../src/event/seen-log.ts';
import { EventState } from '../../src/event/state.ts';
import { counterIds, eventOf, NOW, pendingOf } from './model.ts';

/** Carries out commands as the engine does, without tables, and keeps the log. */
export class LogWriter {
  readonly state = new EventState();
  readonly entries: SeenEntry[] = [];
  /** Epoch milliseconds; a second passes with each commit. */
  now = Date.parse(NOW);
  readonly #newId = counterIds();

  /** Commits commands, together as far as they fit, and then what is owed to the line. */
  async commit(commands: Command[]): Promise<void> {
    await this.decide(commands);
    while (this.#isOwing) await this.decide([]);
  }

  /** Commits commands without what is owed to the line after them. */
  async decide(commands: Command[]): Promise<void> {
    let left = commands.map(pendingOf);
    do {
      const batch: Batch = decideBatch(this.state, left, this.#circumstances());
      await this.#write(batch);
      left = left.slice(batch.decided.length);
    } while (left.length > 0);
  }

  get #isOwing(): boolean {
    return owedBy(this.state, this.now) > 0;
  }

  /** An event with so many seats, and these users in it. */
  static async open(capacity: number, users: string[] = []): Promise<LogWriter> {
    const writer = new LogWriter();
    await writer.commit([{ type: 'create', event: eventOf(capacity) }]);
    for (const userId of users) await writer.commit([{ type: 'register', userId }]);
    return writer;
  }

  #circumstances() {
    this.now += 1_000;
    return { now: new Date(this.now).toISOString(), newId: this.#newId };
  }

  async #write({ at, draft }: Batch): Promise<void> {
    if (draft.isEmpty) return;
    const version = this.state.version + 1;
    await draft.seal(version, at, { hash: hexDigestOf, logDays: 30, endpoints: [] });
    this.state.applyCommit(draft.changes, version, draft.books);
    if (!draft.entry) return;
    const { chain, changes } = draft.entry;
    this.entries.push({ version, at, chain, changes });
  }
}

/** The same entries with chains that fit, as somebody would make them who alters a log and hides it. */
export async function rechain(entries: SeenEntry[]): Promise<SeenEntry[]> {
  const chained: SeenEntry[] = [];
  for (const entry of entries) {
    const chain = await chainOf(chained.at(-1)?.chain ?? '', entry, hexDigestOf);
    chained.push({ ...entry, chain });
  }
  return chained;
}

/** Entries as a caller sees them who may not see users. */
export const withoutUsers = (entries: SeenEntry[]): SeenEntry[] =>
  entries.map((entry) => ({
    ...entry,
    changes: entry.changes.map((change) => ({ ...change, userId: undefined })),
  }));

/** Checks a log; null when all holds, otherwise what does not. */
export async function faultOf(
  entries: SeenEntry[],
  receipt: Receipt | null = null,
): Promise<string | null> {
  const check = new LogCheck(hexDigestOf, receipt);
  try {
    for (const entry of entries) await check.add(entry);
    check.end();
    return null;
  } catch (error) {
    if (error instanceof LogFault) return error.message;
    throw error;
  }
}
