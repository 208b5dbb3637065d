import type { Batch } from './batch.ts';
import type { Memory } from './memory.ts';
import type { CommitResult, Effort, Ports } from './ports.ts';
import type { EventState } from './state.ts';

/** What became of a commit, and what it took; `items` are rows and keys. */
export type Conclusion = CommitResult &
  Partial<Effort> & {
    items: number;
    /** Proves what was changed; null where nothing was. */
    receipt: string | null;
  };

/** Makes a batch durable, with its entry in the log, and tells the memory. */
export async function commitBatch(
  ports: Ports,
  memory: Memory,
  state: EventState,
  { at, decided, draft }: Batch,
): Promise<Conclusion> {
  const items = draft.itemCount;
  if (draft.isEmpty) return { type: 'committed', attempts: 0, items, receipt: null };
  const receipt = await draft.seal(state.version + 1, at, ports);
  for (const { record, changes } of decided) {
    if (record && changes.length > 0) record.receipt = receipt;
  }
  const result = await ports.commit(state.version, draft);
  if (result.type === 'committed') memory.apply(state, draft, state.version + 1);
  return { ...result, items, receipt };
}
