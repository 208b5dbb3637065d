import { ChangeSet } from './change-set.ts';
import type { KeyRecord } from './idempotency.ts';
import type { CommitResult, Effort, Ports } from './ports.ts';
import type { Change, EventState, EventTotals } from './state.ts';

/** What became of a commit, and what it took; `items` are rows and keys. */
export type Conclusion = CommitResult & Partial<Effort> & { items: number };

/**
 * Cuts changes into what one transaction takes each: a change is never in two of them, and the keys are
 * in the first.
 */
export function* partsOf(
  base: EventTotals,
  changes: Change[],
  keys: KeyRecord[],
): Iterable<ChangeSet> {
  let part = new ChangeSet(base);
  part.keys.push(...keys);
  for (const change of changes) {
    if (!part.hasRoomFor([change], 0)) {
      yield part;
      part = new ChangeSet(part);
    }
    part.apply([change]);
  }
  yield part;
}

/**
 * Commits what is more than one transaction takes. Should it be cut short, the event item is ahead of
 * the line, and the next load goes on.
 *
 * @returns what became of it, with the version that it led to
 */
export async function commitInParts(
  { commit }: Pick<Ports, 'commit'>,
  state: EventState,
  changes: Change[],
  records: KeyRecord[],
): Promise<Conclusion & { version: number }> {
  let { version } = state;
  let items = 0;
  let attempts = 0;
  for (const part of partsOf(state, changes, records)) {
    const result = await commit(version, part);
    items += part.itemCount;
    attempts += result.attempts ?? 0;
    if (result.type !== 'committed') {
      const isFirst = version === state.version;
      const cause = new Error('a part was committed');
      return { ...(isFirst ? result : { type: 'uncertain', cause }), items, attempts, version };
    }
    version++;
  }
  return { type: 'committed', items, attempts, version };
}
