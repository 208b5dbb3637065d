import { QUEUE_MAX_COMMANDS, QUEUE_SWEEP_MS, TRANSACTION_MAX_ACTIONS } from '../limits.ts';
import type { CommitResult } from '../store/commit.ts';
import { type Command, type Decision, decide, describe, type Outcome } from './decide.ts';
import { Draft } from './draft.ts';
import type { EventState } from './state.ts';

/** Why a command got no outcome. */
export interface Unavailable {
  type: 'unavailable';
  /** `uncertain`: it may have been carried out. Otherwise it was not. */
  reason: 'busy' | 'expired' | 'unreachable' | 'unapplied' | 'uncertain';
}

/** What the object answers. */
export type Reply = Outcome | Unavailable;

/** What the sequencer needs of the world. */
export interface SequencerDeps {
  /** Loads the event, after winning the fence where asked. Throws when the tables do not answer. */
  load(options: { fence: boolean }): Promise<EventState>;
  /** Makes a batch durable, and tells what became of it. Throws only on a defect. */
  commit(base: EventState, draft: Draft): Promise<CommitResult>;
  /** Epoch milliseconds. */
  now(): number;
  newId(): string;
  /** Told of whatever an operator may want to know. */
  log(problem: string, details: Record<string, unknown>): void;
}

interface Waiting {
  command: Command;
  /** Epoch milliseconds after which the command is not decided any more. */
  expiresAt: number;
  settle: (reply: Reply) => void;
}

/** A command that was decided, and its reply, which waits for the commit. */
interface Decided {
  waiting: Waiting;
  outcome: Outcome;
}

/** Room for rows beside the event item. */
const MAX_ROWS = TRANSACTION_MAX_ACTIONS - 1;

/**
 * Carries out an event's commands one after the other, with group commit: one transaction in flight,
 * and what arrives meanwhile is decided together and forms the next. Replies leave after the commit
 * that they rest on, refusals too. Memory holds committed state only.
 */
export class Sequencer {
  readonly #deps: SequencerDeps;
  #state: EventState | null = null;
  #loading: Promise<EventState> | null = null;
  /** A transaction of ours may still be applied: the fence has to be won before the next load. */
  #isInDoubt = false;
  #queue: Waiting[] = [];
  #isRunning = false;
  #sweep: ReturnType<typeof setTimeout> | null = null;

  constructor(deps: SequencerDeps) {
    this.#deps = deps;
  }

  /** Whether the user has a place in the event, as far as is committed and in memory. */
  knows(userId: string): boolean {
    const state = this.#state;
    return state !== null && !!(state.registrationOf(userId) ?? state.entryOf(userId));
  }

  /** Starts to load, so that it is done when the command comes. */
  warmUp(): void {
    // Whoever submits the command awaits the same load, and is told of its failure.
    this.#load().catch(() => {});
  }

  /**
   * Answers a command. Reads of a loaded event are answered at once, from committed state.
   *
   * @param expiresAt epoch milliseconds after which the command is refused rather than decided
   */
  submit(command: Command, expiresAt: number): Promise<Reply> {
    if (command.type === 'read' && this.#state) return Promise.resolve(describe(this.#state));
    if (this.#queue.length >= QUEUE_MAX_COMMANDS) {
      return Promise.resolve({ type: 'unavailable', reason: 'busy' });
    }
    return new Promise((settle) => {
      this.#queue.push({ command, expiresAt, settle });
      this.#scheduleSweep();
      void this.#run();
    });
  }

  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      while (this.#queue.length > 0) {
        await this.#step();
        // Each request reaches the object in a turn of its own. One turn lets those in that the last
        // replies have called forth, so that they share a commit; an idle event never waits for it.
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
    } finally {
      this.#isRunning = false;
      if (this.#sweep !== null) clearTimeout(this.#sweep);
      this.#sweep = null;
    }
  }

  /** Loads when cold, decides a batch, commits it, and replies. */
  async #step(): Promise<void> {
    let state: EventState;
    try {
      state = await this.#load();
    } catch {
      this.#refuse(this.#queue.splice(0), 'unreachable');
      return;
    }
    let batch: Decided[] = [];
    try {
      const draft = new Draft(state);
      batch = this.#decideBatch(draft);
      const result: CommitResult =
        draft.changes.length > 0
          ? await this.#deps.commit(state, draft)
          : { type: 'committed', attempts: 0 };
      this.#conclude(state, draft, batch, result);
    } catch (error) {
      // A defect. What it left behind is unknown, so nothing of it is trusted.
      this.#forget({ inDoubt: true });
      this.#deps.log('defect', { error: String(error), stack: (error as Error).stack });
      this.#refuse(
        batch.map(({ waiting }) => waiting),
        'uncertain',
      );
    }
  }

  /** Decides commands in order of arrival until the next one would not fit into the transaction. */
  #decideBatch(draft: Draft): Decided[] {
    const now = this.#deps.now();
    const createdAt = new Date(now).toISOString();
    const batch: Decided[] = [];
    let taken = 0;
    for (const waiting of this.#queue) {
      const decision: Decision = decide(draft, waiting.command, createdAt, this.#deps.newId);
      if (draft.rowCountWith(decision.changes) > MAX_ROWS) break;
      draft.apply(decision.changes);
      batch.push({ waiting, outcome: decision.outcome });
      taken++;
    }
    this.#queue.splice(0, taken);
    return batch;
  }

  #conclude(state: EventState, draft: Draft, batch: Decided[], result: CommitResult): void {
    switch (result.type) {
      case 'committed':
        if (draft.changes.length > 0) state.applyCommit(draft.changes);
        // Nothing is gained by remembering that an event does not exist.
        if (!state.event) this.#forget({ inDoubt: false });
        for (const { waiting, outcome } of batch) waiting.settle(outcome);
        return;
      case 'fenced':
        this.#deps.log('fence lost', { version: state.version, commands: batch.length });
        this.#forget({ inDoubt: false });
        this.#queue.unshift(...batch.map(({ waiting }) => waiting));
        this.#scheduleSweep();
        return;
      case 'unapplied':
        this.#deps.log('commit unapplied', { cause: result.cause.message });
        this.#refuse(
          batch.map(({ waiting }) => waiting),
          'unapplied',
        );
        return;
      case 'uncertain':
        this.#deps.log('commit uncertain', { cause: result.cause.message });
        this.#forget({ inDoubt: true });
        this.#refuse(
          batch.map(({ waiting }) => waiting),
          'uncertain',
        );
        return;
    }
  }

  /** Everybody who needs the state shares one load; a failed one is not kept. */
  #load(): Promise<EventState> {
    if (this.#state) return Promise.resolve(this.#state);
    this.#loading ??= this.#deps
      .load({ fence: this.#isInDoubt })
      .then(
        (state) => {
          this.#isInDoubt = false;
          this.#state = state;
          return state;
        },
        (error: unknown) => {
          this.#deps.log('load failed', { error: String(error) });
          throw error;
        },
      )
      .finally(() => {
        this.#loading = null;
      });
    return this.#loading;
  }

  #forget({ inDoubt }: { inDoubt: boolean }): void {
    this.#state = null;
    this.#isInDoubt ||= inDoubt;
  }

  #refuse(waiting: Waiting[], reason: Unavailable['reason']): void {
    for (const { settle } of waiting) settle({ type: 'unavailable', reason });
  }

  /** Refuses those who have waited too long, whatever the queue is waiting for. One timer for all. */
  #scheduleSweep(): void {
    if (this.#sweep !== null || this.#queue.length === 0) return;
    this.#sweep = setTimeout(() => {
      this.#sweep = null;
      const now = this.#deps.now();
      const expired = this.#queue.filter(({ expiresAt }) => expiresAt <= now);
      if (expired.length > 0) {
        this.#queue = this.#queue.filter(({ expiresAt }) => expiresAt > now);
        this.#refuse(expired, 'expired');
      }
      this.#scheduleSweep();
    }, QUEUE_SWEEP_MS);
  }
}
