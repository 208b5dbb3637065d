import { ABSENCE_MEMORY_MS } from '../limits.ts';
import type { ChangeSet } from './change-set.ts';
import type { CommitResult, Ports } from './ports.ts';
import type { EventState } from './state.ts';

/** How often a load is begun again because somebody else wrote the event meanwhile. */
const MAX_ATTEMPTS = 5;

/** What the memory of an event needs of the world. */
export interface MemoryDeps extends Pick<Ports, 'load' | 'now' | 'log'> {
  /** Finishes what an interrupted change left undone; null when there is nothing of the kind. */
  finish(state: EventState): Promise<CommitResult | null>;
}

/** The event in memory: committed state only, loaded when it is asked for. */
export class Memory {
  readonly #deps: MemoryDeps;
  #state: EventState | null = null;
  #loading: Promise<EventState> | null = null;
  /** A transaction of ours may still be applied: the fence has to be won before the next load. */
  #isInDoubt = false;
  /** Epoch milliseconds until which the event is taken not to exist. */
  #absentUntil = 0;
  /** How often the memory was dropped: what a load read before does not count after. */
  #drops = 0;

  constructor(deps: MemoryDeps) {
    this.#deps = deps;
  }

  /** The event as committed; null when it is not in memory. */
  get state(): EventState | null {
    return this.#state;
  }

  /**
   * Whether the event was found not to exist a moment ago. Only this object creates it, and forgets
   * this when it does.
   */
  get isAbsent(): boolean {
    return this.#state === null && this.#deps.now() < this.#absentUntil;
  }

  /** Everybody who needs the state shares one load; a failed one is not kept. */
  load(): Promise<EventState> {
    if (this.#state) return Promise.resolve(this.#state);
    this.#loading ??= this.#loadSettled()
      .catch((error: unknown) => {
        this.#deps.log('load failed', {
          error: String(error),
          done: 'refused whoever waits',
        });
        throw error;
      })
      .finally(() => {
        this.#loading = null;
      });
    return this.#loading;
  }

  /** Takes over what was committed: the one place where it is announced. */
  apply(
    state: EventState,
    { changes, log }: Pick<ChangeSet, 'changes' | 'log'>,
    version: number,
  ): void {
    state.applyCommit(changes, version, log);
    this.#keep(state);
  }

  /** Drops the state; in doubt when a transaction of ours may still be applied. */
  forget({ inDoubt }: { inDoubt: boolean }): void {
    this.#drops++;
    this.#state = null;
    this.#absentUntil = 0;
    this.#isInDoubt ||= inDoubt;
  }

  /** That there is no such event is never kept as a state: only for a moment, as an answer. */
  #keep(state: EventState): void {
    this.#state = state.event ? state : null;
    this.#absentUntil = state.event ? 0 : this.#deps.now() + ABSENCE_MEMORY_MS;
  }

  /** Loads, and first finishes what an interrupted change left undone: nobody sees a part of it. */
  async #loadSettled(): Promise<EventState> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const drops = this.#drops;
      const state = await this.#deps.load({ fence: this.#isInDoubt });
      // Created meanwhile: what was read is older than what is known.
      if (this.#state) return this.#state;
      if (drops !== this.#drops) continue;
      this.#isInDoubt = false;
      const result = await this.#deps.finish(state);
      if (result === null || result.type === 'committed') {
        this.#keep(state);
        return state;
      }
      if (result.type === 'unapplied') throw result.cause;
      if (result.type === 'uncertain') this.#isInDoubt = true;
    }
    throw new Error('the event is written by others all the time');
  }
}
