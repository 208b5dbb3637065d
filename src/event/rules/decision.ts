import type { Outcome, RefusalReason } from '../command.ts';
import type { Change } from '../state.ts';

/** An outcome, and what has to be committed before anybody is told. */
export interface Decision {
  changes: Change[];
  outcome: Outcome;
  /** Acknowledges how things are, so the fence has to be met even where nothing changes. */
  mustCommit?: boolean;
}

/** What the rules take from outside. */
export interface Circumstances {
  /** The time of the decision, ISO 8601 in UTC. */
  now: string;
  /** Gives a UUID that was never given before. */
  newId: () => string;
}

/** Refuses a command. */
export const refuse = (reason: RefusalReason, time?: string): Decision => ({
  changes: [],
  outcome: { type: 'refused', reason, ...(time ? { time } : {}) },
});
