import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { LoadResult } from './load.ts';

/** Load at a fixed rate, whatever the answers: waiting for them would hide how late they are. */
export interface OpenLoad {
  url: string;
  /** What is asked: free seats, or a place for one user after the other. */
  kind: 'read' | 'register';
  eventId: string;
  perSecond: number;
  seconds: number;
  /** Requests that wait at a time; those above are queued here, and their wait counts. */
  connections: number;
}

/** What one run of it came to: of all answers, and of those with status 200 or 201 alone. */
export interface OpenResult extends LoadResult {
  good: number;
  goodP50: number;
  goodP99: number;
}

/** Runs the load on a thread of its own, so that several do not hold up one another. */
export async function fireAtRate(load: OpenLoad): Promise<OpenResult> {
  const worker = new Worker(join(import.meta.dirname, 'open-loop-worker.ts'), { workerData: load });
  try {
    const [result] = (await once(worker, 'message')) as [OpenResult];
    return result;
  } finally {
    await worker.terminate();
  }
}
