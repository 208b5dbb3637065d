import { ChangeSet, type SealPorts } from './change-set.ts';
import type { KeyRecord } from './idempotency.ts';
import type { CommitResult, Effort, Ports } from './ports.ts';
import type { Books, Change, EventState, EventTotals } from './state.ts';

/** What became of a commit, and what it took; `items` are rows and keys. */
export type Conclusion = CommitResult &
  Partial<Effort> & {
    items: number;
    /** Proves what was changed; null where nothing was. */
    receipt: string | null;
  };

/** What one command changes, and more than one transaction takes. */
export interface LargeChange {
  /** When it was decided, ISO 8601 in UTC. */
  at: string;
  actor: string | null;
  changes: Change[];
  keys: KeyRecord[];
}

/**
 * Cuts changes into parts that each fit into one transaction. A change is never split, and all keys are
 * in the first part.
 */
export function* partsOf(
  base: EventTotals,
  { changes, actor, keys }: LargeChange,
): Iterable<ChangeSet> {
  let part = new ChangeSet(base);
  part.keys.push(...keys);
  for (const change of changes) {
    if (!part.hasRoomFor([change], 0)) {
      yield part;
      part = new ChangeSet(part);
    }
    part.apply([change], actor);
  }
  yield part;
}

/**
 * Commits changes that do not fit into one transaction, part by part. The first part writes the new
 * capacity. If a later one is missing, seats stay free while people wait, and the next load promotes them.
 *
 * @returns what became of it, the version and the books that it led to, and the first part's receipt
 */
export async function commitInParts(
  ports: Pick<Ports, 'commit'> & SealPorts,
  state: EventState,
  large: LargeChange,
): Promise<Conclusion & { version: number; books: Books }> {
  let { version } = state;
  let books: Books = state;
  let items = 0;
  let attempts = 0;
  let receipt: string | null = null;
  for (const part of partsOf(state, large)) {
    const isFirst = version === state.version;
    const sealed = await part.seal(version + 1, large.at, ports);
    if (isFirst) {
      receipt = sealed;
      for (const key of part.keys) key.receipt = receipt;
    }
    const result = await ports.commit(version, part);
    items += part.itemCount;
    attempts += result.attempts ?? 0;
    if (result.type !== 'committed') {
      const cause = new Error('a part was committed');
      const conclusion: CommitResult = isFirst ? result : { type: 'uncertain', cause };
      return { ...conclusion, items, attempts, receipt, version, books };
    }
    version++;
    books = part.books;
  }
  return { type: 'committed', items, attempts, receipt, version, books };
}
