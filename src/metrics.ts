import type { ChangeSet } from './event/change-set.ts';
import type { SequencerDeps } from './event/sequencer.ts';
import { StoreUnavailableError } from './store/client.ts';
import type { CommitResult, Effort } from './store/commit.ts';

/** One measurement of an event. It has no id of a user, and its texts come from us and DynamoDB alone. */
export interface Point {
  /** What was measured. */
  kind: 'commit' | 'load';
  outcome: CommitResult['type'] | 'loaded' | 'failed';
  /** Why nothing came of it; empty otherwise. */
  cause: string;
  /** How long it took, retries included. */
  ms: number;
  /** Rows and keys of a commit; places of an event that was loaded. */
  batch: number;
  /** Commands that waited for the event when it was over. */
  queue: number;
  /** Calls that a commit took. */
  attempts: number;
  /** Those of them that DynamoDB was too busy for. */
  throttles: number;
  /** People who took a seat out of the line. */
  promotions: number;
}

/**
 * Which column of Analytics Engine holds what: `blob1` is the first of the blobs, and so on; `index1` is
 * the event's id. Columns are only ever added at the end: old points keep their meaning.
 */
export const LAYOUT = {
  blobs: ['kind', 'outcome', 'cause'],
  doubles: ['ms', 'batch', 'queue', 'attempts', 'throttles', 'promotions'],
} as const satisfies Record<string, readonly (keyof Point)[]>;

/** Analytics Engine's own limit for an index. */
export const INDEX_MAX_BYTES = 96;

/** Takes a measurement down. */
export type Measure = (point: Point) => void;

/** The id as an index, cut between characters where it is too long: a key for sampling need not be exact. */
function toIndex(eventId: string): string {
  const bytes = new Uint8Array(INDEX_MAX_BYTES);
  const { read } = new TextEncoder().encodeInto(eventId, bytes);
  return eventId.slice(0, read);
}

/** Writes the measurements of an event to a dataset. Writing neither waits nor throws. */
export function openMetrics(dataset: AnalyticsEngineDataset, eventId: string): Measure {
  const indexes = [toIndex(eventId)];
  let hasFailed = false;
  return (point) => {
    try {
      dataset.writeDataPoint({
        indexes,
        blobs: LAYOUT.blobs.map((name) => point[name]),
        doubles: LAYOUT.doubles.map((name) => point[name]),
      });
    } catch (error) {
      // A commit is no less durable for not being counted. Told once: an object commits 33 times a second.
      if (hasFailed) return;
      hasFailed = true;
      // biome-ignore lint/suspicious/noConsole: the platform's log
      console.warn(
        JSON.stringify({ problem: 'metrics not written', eventId, error: String(error) }),
      );
    }
  };
}

/** The two ways to the tables, as the object has them. */
export interface Tables {
  load: SequencerDeps['load'];
  commit(version: number, changeSet: ChangeSet): Promise<CommitResult & Effort>;
}

const NOTHING = { cause: '', batch: 0, attempts: 0, throttles: 0, promotions: 0 };

/** Why it failed, without what a defect may quote: our own words, or the class alone. */
const causeOf = (error: unknown): string =>
  error instanceof StoreUnavailableError ? error.message : (error as Error).name;

const promotionsOf = ({ changes }: ChangeSet): number =>
  changes.filter(({ type }) => type === 'promoted').length;

/** The same ways, with a measurement of each load and each commit. */
export function measured(tables: Tables, measure: Measure, queueLength: () => number): Tables {
  /** Does the work, and takes down what `describe` makes of its result. */
  async function taken<T>(
    kind: Point['kind'],
    work: () => Promise<T>,
    describe: (result: T) => Pick<Point, 'outcome'> & Partial<Point>,
  ): Promise<T> {
    const startedAt = Date.now();
    const point = (found: Pick<Point, 'outcome'> & Partial<Point>) =>
      measure({ ...NOTHING, kind, ms: Date.now() - startedAt, queue: queueLength(), ...found });
    let result: T;
    try {
      result = await work();
    } catch (error) {
      point({ outcome: 'failed', cause: causeOf(error) });
      throw error;
    }
    point(describe(result));
    return result;
  }
  return {
    load: (options) =>
      taken(
        'load',
        () => tables.load(options),
        ({ registeredCount, waitlistCount }) => ({
          outcome: 'loaded',
          batch: registeredCount + waitlistCount,
        }),
      ),
    commit: (version, changeSet) =>
      taken(
        'commit',
        () => tables.commit(version, changeSet),
        (result) => ({
          outcome: result.type,
          cause: 'cause' in result ? causeOf(result.cause) : '',
          batch: changeSet.itemCount,
          attempts: result.attempts,
          throttles: result.throttles,
          promotions: result.type === 'committed' ? promotionsOf(changeSet) : 0,
        }),
      ),
  };
}
