import { ChangeSet } from './change-set.ts';
import type { KeyRecord } from './idempotency.ts';
import type { CommitResult, Effort, Ports } from './ports.ts';
import type { Change, EventState, EventTotals } from './state.ts';

/** The result of a commit, and what it took. `items`: the rows and keys that it wrote. */
export type Conclusion = CommitResult & Partial<Effort> & { items: number };

/**
 * Cuts changes into parts that each fit into one transaction. A change is never split, and all keys are
 * in the first part.
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
 * Commits changes that do not fit into one transaction, part by part. The first part writes the new
 * capacity. If a later one is missing, seats stay free while people wait, and the next load promotes them.
 *
 * @returns the result, with the effort of all parts, and the version after the last part
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
