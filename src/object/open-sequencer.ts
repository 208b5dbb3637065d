import { hexDigestOf } from '../digest.ts';
import type { ChangeSet } from '../event/change-set.ts';
import { dueAtOf, type Told } from '../event/due.ts';
import type { CommitResult, Effort } from '../event/ports.ts';
import { Sequencer } from '../event/sequencer.ts';
import type { Store } from '../store/client.ts';
import { commit } from '../store/commit.ts';
import { EventLoader } from '../store/load.ts';
import { type Measure, measured, type TablePorts } from './metrics.ts';
import { traced } from './tracing.ts';

/** How an object runs its sequencer. */
export interface SequencerOptions {
  /** How long entries of the log are kept, in days; 0: there is no log. */
  logDays: number;
  /** Who is told; nobody when left out. */
  told?: Told;
  /** Gets a point for each load and each commit. */
  measure?: Measure | undefined;
  /** Sets the alarm for something that is due: before the commit that makes it so, and after each load. */
  arm?(dueAt: number, isCreation: boolean): Promise<void>;
  /** Told of each state that memory takes over. */
  announce?(): void;
}

/** The sequencer of an event, with the tables as its ports. */
export function openSequencer(
  store: Store,
  eventId: string,
  { logDays, told = { endpoints: [] }, measure, arm, announce }: SequencerOptions,
): Sequencer {
  const loader = new EventLoader(store, eventId);
  const send = (version: number, changeSet: ChangeSet): Promise<CommitResult & Effort> =>
    traced('commit', () => commit(store, version, changeSet, crypto.randomUUID()));
  const tables: TablePorts = {
    async load(options) {
      const state = await traced('load', () => loader.load(options));
      const dueAt = dueAtOf(state, told, Date.now());
      if (arm && dueAt !== null) await arm(dueAt, false);
      return state;
    },
    async commit(version, changeSet) {
      if (arm && changeSet.dueAt !== null) {
        try {
          await arm(changeSet.dueAt, version === 0);
        } catch (error) {
          const cause = new Error(`the alarm could not be set: ${String(error)}`);
          return { type: 'unapplied', cause, attempts: 0, throttles: 0 };
        }
      }
      return send(version, changeSet);
    },
  };
  const sequencer: Sequencer = new Sequencer({
    ...(measure ? measured(tables, measure, () => sequencer.queueLength) : tables),
    trace: traced,
    now: () => Date.now(),
    newId: () => crypto.randomUUID(),
    hash: hexDigestOf,
    logDays,
    ...told,
    ...(announce ? { announce } : {}),
    // biome-ignore lint/suspicious/noConsole: the platform's log
    log: (problem, details) => console.warn(JSON.stringify({ problem, eventId, ...details })),
  });
  return sequencer;
}
