import type { Batch, Decided } from './batch.ts';
import { decide } from './decide.ts';
import type { Draft } from './draft.ts';
import type { Memory } from './memory.ts';
import { type Conclusion, commitInParts, type LargeChange } from './parts.ts';
import type { CommitResult, Ports } from './ports.ts';
import type { EventState } from './state.ts';

/** Makes changes durable, with their entry in the log, and tells the memory of those that are. */
export class Commits {
  readonly #ports: Ports;
  readonly #memory: Memory;

  constructor(ports: Ports, memory: Memory) {
    this.#ports = ports;
    this.#memory = memory;
  }

  /** Commits what a batch changes. */
  async commitBatch(state: EventState, { at, due, decided, draft }: Batch): Promise<Conclusion> {
    if (draft) return this.#commitDraft(state, draft, at, decided);
    if (due.length > 0) {
      const done = await this.#commitInParts(state, { at, actor: null, changes: due, keys: [] });
      if (done.type !== 'committed' || decided.length === 0) return done;
    }
    const changes = decided.flatMap((one) => one.changes);
    const keys = decided.flatMap(({ record }) => record ?? []);
    const actor = decided[0]?.pending.actor ?? null;
    return this.#commitInParts(state, { at, actor, changes, keys });
  }

  /** Does what is due, and gives seats to the line that an interrupted change left free; null where there is nothing to do. */
  async finish(state: EventState): Promise<CommitResult | null> {
    const at = new Date(this.#ports.now()).toISOString();
    const { newId } = this.#ports;
    const { changes } = decide(state, { type: 'expire' }, { now: at, newId });
    if (changes.length === 0) return null;
    // Offers that ended while nobody asked are nothing unusual.
    if (changes.every(({ type }) => type !== 'offerExpired')) {
      this.#ports.log('promotions resumed', { count: changes.length });
    }
    return this.#commitInParts(state, { at, actor: null, changes, keys: [] });
  }

  async #commitDraft(
    state: EventState,
    draft: Draft,
    at: string,
    decided: Decided[],
  ): Promise<Conclusion> {
    const items = draft.itemCount;
    if (draft.isEmpty) return { type: 'committed', attempts: 0, items, receipt: null };
    const receipt = await draft.seal(state.version + 1, at, this.#ports);
    for (const { record, changes } of decided) {
      if (record && changes.length > 0) record.receipt = receipt;
    }
    const result = await this.#ports.commit(state.version, draft);
    if (result.type === 'committed') this.#memory.apply(state, draft, state.version + 1);
    return { ...result, items, receipt };
  }

  /** Memory changes at the end, so nobody sees a part. */
  async #commitInParts(state: EventState, large: LargeChange): Promise<Conclusion> {
    const { version, books, ...conclusion } = await commitInParts(this.#ports, state, large);
    if (conclusion.type === 'committed') {
      this.#memory.apply(state, { changes: large.changes, books }, version);
    }
    return conclusion;
  }
}
