import { chainOf, type Hash } from './log.ts';
import { PartialReplay } from './partial-replay.ts';
import { Replay } from './replay.ts';
import { LogFault, type SeenEntry } from './seen-log.ts';

/** What somebody was given as a receipt. */
export interface Receipt {
  version: number;
  chain: string;
}

/**
 * Where the log that was checked begins:
 * - `creation`: with the creation of the event;
 * - `first entry`: with the first entry that was written, of an event that is older than its log;
 * - `later`: entries before it are not there any more.
 */
export type Beginning = 'creation' | 'first entry' | 'later';

/** Checks a log, entry by entry: its chain, its order by the rules, and a receipt. */
export class LogCheck {
  readonly #hash: Hash;
  readonly #receipt: Receipt | null;
  #isReceiptFound = false;
  #replay: Replay | PartialReplay = new Replay();
  #first: SeenEntry | null = null;
  #last: SeenEntry | null = null;
  #beginning: Beginning = 'creation';
  entryCount = 0;
  changeCount = 0;

  /** @param receipt what must be in the log */
  constructor(hash: Hash, receipt: Receipt | null = null) {
    this.#hash = hash;
    this.#receipt = receipt;
  }

  get first(): SeenEntry | null {
    return this.#first;
  }

  get last(): SeenEntry | null {
    return this.#last;
  }

  get beginning(): Beginning {
    return this.#beginning;
  }

  /** The event after the entries that were added: all of it, or what the log told of. */
  get replay(): Replay | PartialReplay {
    return this.#replay;
  }

  /**
   * Checks the next entry.
   *
   * @throws LogFault for the first thing that does not hold
   */
  async add(entry: SeenEntry): Promise<void> {
    const { version, changes } = entry;
    const [before, change] = [this.#last, changes[0]];
    if (before && version <= before.version) {
      throw new LogFault(version, `comes after version ${before.version}, so the order is broken`);
    }
    if (!change) throw new LogFault(version, 'has no change, and is in the log');
    const chain = await chainOf(before?.chain ?? '', entry, this.#hash);
    if (before) {
      if (chain !== entry.chain) {
        const what = `does not follow from version ${before.version}: one of the two was altered, or an entry between them was removed or added`;
        throw new LogFault(version, what);
      }
    } else {
      this.#begin(entry, chain === entry.chain, change.type === 'event.created');
    }
    this.#replay.follow(entry);
    if (version === this.#receipt?.version) {
      if (entry.chain !== this.#receipt.chain) {
        throw new LogFault(version, `has the chain ${entry.chain}, and the receipt has another`);
      }
      this.#isReceiptFound = true;
    }
    this.#last = entry;
    this.entryCount++;
    this.changeCount += changes.length;
  }

  /**
   * Says that these were all entries for now. More can be added later.
   *
   * @throws LogFault when something is missing
   */
  end(): void {
    if (this.#last && this.#replay instanceof Replay) this.#replay.end(this.#last);
    if (!this.#receipt || this.#isReceiptFound) return;
    const { version } = this.#receipt;
    if (this.#first && version < this.#first.version) {
      const what = `the receipt is older than the log, which begins with version ${this.#first.version}`;
      throw new LogFault(version, what);
    }
    throw new LogFault(version, 'the receipt is not in the log');
  }

  #begin(entry: SeenEntry, isChained: boolean, isCreation: boolean): void {
    if (isCreation && !isChained) {
      throw new LogFault(entry.version, 'begins the log, and its chain is not that of its content');
    }
    if (!isCreation) {
      this.#replay = new PartialReplay();
      this.#beginning = isChained ? 'first entry' : 'later';
    }
    this.#first = entry;
  }
}
