import { hexDigestOf } from '../../src/digest.ts';
import { type Batch, decideBatch } from '../../src/event/batch.ts';
import type { ChangeSet } from '../../src/event/change-set.ts';
import type { Command } from '../../src/event/command.ts';
import { decide } from '../../src/event/decide.ts';
import { chainOf } from '../../src/event/log.ts';
import { LogCheck, type Receipt } from '../../src/event/log-check.ts';
import { type LargeChange, partsOf } from '../../src/event/parts.ts';
import type { Pending } from '../../src/event/queue.ts';
import { LogFault, type SeenEntry } from '../../src/event/seen-log.ts';
import { EventState } from '../../src/event/state.ts';
import { counterIds, eventOf, NOW } from './model.ts';

const pendingOf = (command: Command): Pending => ({
  ...{ command, key: undefined, actor: null, askedAt: 0, expiresAt: Number.POSITIVE_INFINITY },
  settle: () => {},
});

/** Carries out commands as the engine does, without tables, and keeps the log. */
export class LogWriter {
  readonly state = new EventState();
  readonly entries: SeenEntry[] = [];
  /** Epoch milliseconds; a second passes with each commit. */
  now = Date.parse(NOW);
  readonly #newId = counterIds();

  /** Commits commands, together as far as they fit. `parts`: a crash after so many parts of a large change. */
  async commit(commands: Command[], parts = Number.POSITIVE_INFINITY): Promise<void> {
    let left = commands.map(pendingOf);
    while (left.length > 0) {
      const batch: Batch = decideBatch(this.state, left, this.#circumstances());
      const changes = batch.decided.flatMap((one) => one.changes);
      const large = { at: batch.at, actor: null, keys: [] };
      if (batch.draft) await this.#write(batch.draft, batch.at);
      else {
        if (batch.due.length > 0) await this.#writeParts({ ...large, changes: batch.due });
        if (changes.length > 0) await this.#writeParts({ ...large, changes }, parts);
      }
      left = left.slice(batch.decided.length);
    }
  }

  /** Promotes as a load does after a crash. */
  async resume(): Promise<void> {
    const circumstances = this.#circumstances();
    const { changes } = decide(this.state, { type: 'expire' }, circumstances);
    await this.#writeParts({ at: circumstances.now, actor: null, changes, keys: [] });
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

  async #writeParts(large: LargeChange, most = Number.POSITIVE_INFINITY): Promise<void> {
    let written = 0;
    for (const part of partsOf(this.state, large)) {
      if (written++ === most) return;
      await this.#write(part, large.at);
    }
  }

  async #write(set: ChangeSet, at: string): Promise<void> {
    if (set.isEmpty) return;
    const version = this.state.version + 1;
    await set.seal(version, at, { hash: hexDigestOf, logDays: 30, endpoints: [] });
    this.state.applyCommit(set.changes, version, set.books);
    if (!set.entry) return;
    const { chain, changes } = set.entry;
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
