import type { ChangeSet } from '../event/change-set.ts';
import type { DeliveryJob, DeliveryReport } from '../event/outbox.ts';
import type { CommitResult, Effort, Ports } from '../event/ports.ts';
import { StoreUnavailableError } from '../store/client.ts';

/** One measurement of an event. It has no user id, and all its texts are ours or DynamoDB's. */
export interface Point {
  /** What was measured. */
  kind: 'commit' | 'load' | 'delivery';
  outcome: CommitResult['type'] | 'loaded' | 'failed' | 'delivered';
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
  /** Messages that an endpoint took, that failed, and that were given up. */
  delivered: number;
  undelivered: number;
  gaveUp: number;
  /** Messages that failed and commits that were not sent yet, when the delivery was over. */
  pending: number;
}

/**
 * The columns of Analytics Engine: `blob1` is the first of the blobs, and so on; `index1` is the event id.
 * New columns are added at the end only, so that old points keep their meaning.
 */
export const LAYOUT = {
  blobs: ['kind', 'outcome', 'cause'],
  doubles: [
    'ms',
    'batch',
    'queue',
    'attempts',
    'throttles',
    'promotions',
    'delivered',
    'undelivered',
    'gaveUp',
    'pending',
  ],
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

const NOTHING = {
  ...{ cause: '', batch: 0, queue: 0, attempts: 0, throttles: 0, promotions: 0 },
  ...{ delivered: 0, undelivered: 0, gaveUp: 0, pending: 0 },
};

/** What is measured of a delivery. `cause` is the endpoint's last failure. */
export function deliveryPoint({ head }: DeliveryJob, report: DeliveryReport, ms: number): Point {
  const { pointer, delivered, failed: undelivered, gaveUp } = report;
  const outcome = undelivered + gaveUp > 0 ? 'failed' : 'delivered';
  const cause = pointer.lastError ?? '';
  const pending = pointer.isEnded ? 0 : pointer.open.length + head - pointer.version;
  return {
    ...NOTHING,
    kind: 'delivery',
    outcome,
    cause,
    ms,
    delivered,
    undelivered,
    gaveUp,
    pending,
  };
}

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
