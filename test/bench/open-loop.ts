import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { LoadResult } from './load.ts';

/** Load at a fixed rate that does not depend on the answers: waiting for them would hide how late they are. */
export interface OpenLoad {
  url: string;
  /** The requests: reads of the free seats, the same with `max-age=1`, or registrations of one user after the other. */
  kind: 'read' | 'near' | 'register';
  eventId: string;
  perSecond: number;
  seconds: number;
  /** Requests in flight at a time. Further ones are queued here, and their wait counts. */
  connections: number;
}

/** The result of a run: of all answers, and of those with status 200 or 201 alone. */
export interface OpenResult extends LoadResult {
  good: number;
  goodP50: number;
  goodP99: number;
}

/** Runs the load on a thread of its own, so that several do not delay each other. */
export async function fireAtRate(load: OpenLoad): Promise<OpenResult> {
  const worker = new Worker(join(import.meta.dirname, 'open-loop-worker.ts'), { workerData: load });
  try {
    const [result] = (await once(worker, 'message')) as [OpenResult];
    return result;
  } finally {
    await worker.terminate();
  }
}
