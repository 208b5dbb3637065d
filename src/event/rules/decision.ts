import type { Outcome, RefusalReason } from '../command.ts';
import type { Pointer } from '../outbox.ts';
import type { Change } from '../state.ts';

/** The outcome of a command, and the changes to commit before the reply. */
export interface Decision {
  changes: Change[];
  outcome: Outcome;
  /** The outcome confirms the state as it is, so it needs a commit even where nothing changes. */
  mustCommit?: boolean;
  /** Where an endpoint stands from now on. */
  pointer?: Pointer;
}

/** What a decision takes from outside: the time, and new ids. */
export interface Circumstances {
  /** The time of the decision, ISO 8601 in UTC. */
  now: string;
  /** Gives a UUID that was never given before. */
  newId: () => string;
}

/** The decision that refuses a command. `time` is when registration opens, or closed. */
export const refuse = (reason: RefusalReason, time?: string): Decision => ({
  changes: [],
  outcome: { type: 'refused', reason, ...(time ? { time } : {}) },
});
