import type { ChangeSet } from './change-set.ts';
import type { Told } from './due.ts';
import type { KeyRecord } from './idempotency.ts';
import type { Hash } from './log.ts';
import type { EventState } from './state.ts';

/**
 * The result of a commit:
 * - `committed`: it is durable;
 * - `fenced`: somebody else has written the event since; nothing was applied, and never will be;
 * - `replayed`: idempotency keys of the batch were used before; nothing was applied;
 * - `unapplied`: the tables were too busy; nothing was applied;
 * - `uncertain`: it may have been applied, or may still be applied later.
 */
export type CommitResult =
  | { type: 'committed'; attempts: number }
  | { type: 'fenced' }
  | { type: 'replayed'; records: Map<string, KeyRecord> }
  | { type: 'unapplied' | 'uncertain'; cause: Error };

/** The event item was written by the seed system, which keeps no books. */
export class NotAdoptedError extends Error {
  override readonly name = 'NotAdoptedError';

  constructor() {
    super('the event was written by the seed system: `npm run adopt` takes it over');
  }
}

/** What a commit took, whatever its result. */
export interface Effort {
  /** Calls to the tables. */
  attempts: number;
  /** Calls that were refused because the tables were too busy. */
  throttles: number;
}

/** What the engine needs from outside. */
export interface Ports extends Told {
  /**
   * Loads the event. With `fence` it wins the fence first: earlier transactions can't be applied any more.
   *
   * @throws NotAdoptedError for an event of the seed system; another error when the tables do not answer
   */
  load(options: { fence: boolean }): Promise<EventState>;
  /** Commits changes on top of a version. Throws on a defect only. */
  commit(version: number, changeSet: ChangeSet): Promise<CommitResult & Partial<Effort>>;
  /** Epoch milliseconds. */
  now(): number;
  /** Gives a UUID that was never given before. */
  newId(): string;
  hash: Hash;
  /** How long entries of the log are kept, in days; 0: there is no log, and there are no receipts. */
  readonly logDays: number;
  /** Told of the state after each load and each commit. */
  announce?(state: EventState): void;
  /** Told of whatever an operator may want to know. */
  log(problem: string, details: Record<string, unknown>): void;
  /** Runs a step of the work, and shows it in traces under this name. */
  trace?<T>(step: string, work: () => T): T;
}
