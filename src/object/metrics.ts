import type { ChangeSet } from '../event/change-set.ts';
import type { CommitResult, Effort, Ports } from '../event/ports.ts';
import { StoreUnavailableError } from '../store/client.ts';

/** One measurement of an event. It has no user id, and all its texts are ours or DynamoDB's. */
export interface Point {
  /** What was measured. */
  kind: 'commit' | 'load';
  outcome: CommitResult['type'] | 'loaded' | 'failed';
  /** Why it failed; empty otherwise. */
  cause: string;
  /** How long it took in milliseconds, retries included. */
  ms: number;
  /** Rows and keys of a commit; seats and entries of a loaded event. */
  batch: number;
  /** Commands in the queue at the end. */
  queue: number;
  /** Calls that a commit took. */
  attempts: number;
  /** Calls of a commit that DynamoDB refused because it was too busy. */
  throttles: number;
  /** Users who were promoted. */
  promotions: number;
}

/**
 * The columns of Analytics Engine: `blob1` is the first of the blobs, and so on; `index1` is the event id.
 * New columns are added at the end only, so that old points keep their meaning.
 */
export const LAYOUT = {
  blobs: ['kind', 'outcome', 'cause'],
  doubles: ['ms', 'batch', 'queue', 'attempts', 'throttles', 'promotions'],
} as const satisfies Record<string, readonly (keyof Point)[]>;

/** Analytics Engine's own limit for an index. */
export const INDEX_MAX_BYTES = 96;

/** Records a measurement. */
export type Measure = (point: Point) => void;

/** The event id as an index. A long id is cut between characters: the index is only a key for sampling. */
function toIndex(eventId: string): string {
  const bytes = new Uint8Array(INDEX_MAX_BYTES);
  const { read } = new TextEncoder().encodeInto(eventId, bytes);
  return eventId.slice(0, read);
}

/** Opens the metrics of an event. Recording a point neither waits nor throws. */
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
      // A commit stays durable without its point. The log tells once only: an object commits up to 33 times a second.
      if (hasFailed) return;
      hasFailed = true;
      // biome-ignore lint/suspicious/noConsole: the platform's log
      console.warn(
        JSON.stringify({ problem: 'metrics not written', eventId, error: String(error) }),
      );
    }
  };
}

/** The ports of the engine that reach the tables. */
export interface TablePorts {
  load: Ports['load'];
  commit(version: number, changeSet: ChangeSet): Promise<CommitResult & Effort>;
}

const NOTHING = { cause: '', batch: 0, attempts: 0, throttles: 0, promotions: 0 };

/** Why it failed: our own message, or just the class of another error, whose message may quote user data. */
const causeOf = (error: unknown): string =>
  error instanceof StoreUnavailableError ? error.message : (error as Error).name;

const promotionsOf = ({ changes }: ChangeSet): number =>
  changes.filter(({ type }) => type === 'promoted').length;

/** The same ports, with a point recorded for each load and each commit. */
export function measured(
  tables: TablePorts,
  measure: Measure,
  queueLength: () => number,
): TablePorts {
  /** Does the work, and records a point with what `describe` says of the result. */
  async function recorded<T>(
    kind: Point['kind'],
    work: () => Promise<T>,
    describe: (result: T) => Pick<Point, 'outcome'> & Partial<Point>,
  ): Promise<T> {
    const startedAt = Date.now();
    const record = (found: Pick<Point, 'outcome'> & Partial<Point>) =>
      measure({ ...NOTHING, kind, ms: Date.now() - startedAt, queue: queueLength(), ...found });
    let result: T;
    try {
      result = await work();
    } catch (error) {
      record({ outcome: 'failed', cause: causeOf(error) });
      throw error;
    }
    record(describe(result));
    return result;
  }
  return {
    load: (options) =>
      recorded(
        'load',
        () => tables.load(options),
        ({ registeredCount, offeredCount, waitlistCount }) => ({
          outcome: 'loaded',
          batch: registeredCount + offeredCount + waitlistCount,
        }),
      ),
    commit: (version, changeSet) =>
      recorded(
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
