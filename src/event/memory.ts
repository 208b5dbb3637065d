import { ABSENCE_MEMORY_MS } from '../limits.ts';
import type { Ports } from './ports.ts';
import { owedBy } from './rules/seating.ts';
import type { Books, Change, EventState } from './state.ts';

/** How often a load is tried while the state is dropped meanwhile. */
const MAX_ATTEMPTS = 5;

/** What `Memory` needs from outside. */
export type MemoryDeps = Pick<Ports, 'load' | 'now' | 'log' | 'announce'>;

/** The event in memory: committed state only, loaded when it is asked for. */
export class Memory {
  readonly #deps: MemoryDeps;
  #state: EventState | null = null;
  #loading: Promise<EventState> | null = null;
  /** A transaction of ours may still be applied: the fence has to be won before the next load. */
  #isInDoubt = false;
  /** Epoch milliseconds until which the event is taken not to exist. */
  #absentUntil = 0;
  /** How often the state was dropped. A load that began before the last drop is begun again. */
  #drops = 0;

  constructor(deps: MemoryDeps) {
    this.#deps = deps;
  }

  /** The event as committed; null when it is not in memory. */
  get state(): EventState | null {
    return this.#state;
  }

  /**
   * Whether the event was found not to exist within the last `ABSENCE_MEMORY_MS`. Only this object creates
   * the event, and doing so ends the absence.
   */
  get isAbsent(): boolean {
    return this.#state === null && this.#deps.now() < this.#absentUntil;
  }

  /** The state, loaded if need be. Concurrent callers share one load; a failed load is not kept. */
  load(): Promise<EventState> {
    if (this.#state) return Promise.resolve(this.#state);
    this.#loading ??= this.#loadSettled()
      .catch((error: unknown) => {
        this.#deps.log('load failed', {
          error: String(error),
          done: 'refused all waiting commands',
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
    { changes, books }: { changes: Iterable<Change>; books: Books },
    version: number,
  ): void {
    state.applyCommit(changes, version, books);
    this.#keep(state);
  }

  /** Drops the state. `inDoubt`: a transaction of ours may still be applied, and the next load wins the fence. */
  forget({ inDoubt }: { inDoubt: boolean }): void {
    this.#drops++;
    this.#state = null;
    this.#absentUntil = 0;
    this.#isInDoubt ||= inDoubt;
  }

  /** Keeps the state of an event that exists. An absence is only kept for `ABSENCE_MEMORY_MS`. */
  #keep(state: EventState): void {
    this.#state = state.event ? state : null;
    this.#absentUntil = state.event ? 0 : this.#deps.now() + ABSENCE_MEMORY_MS;
    this.#deps.announce?.(state);
  }

  /** Loads the event. Seats that a raise still owes to the line are given by the batches that come. */
  async #loadSettled(): Promise<EventState> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const drops = this.#drops;
      const state = await this.#deps.load({ fence: this.#isInDoubt });
      // The event was created during the load, so memory is newer than what was read.
      if (this.#state) return this.#state;
      if (drops !== this.#drops) continue;
      this.#isInDoubt = false;
      const count = owedBy(state, this.#deps.now());
      if (count > 0) this.#deps.log('promotions resumed', { count });
      this.#keep(state);
      return state;
    }
    throw new Error('the state was dropped during every attempt');
  }
}
