import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { freePort } from '../../../src/cli/ports.ts';
import type { Way } from './distance-worker.ts';

const POSTGRES_PORT = 5432;

/** A database behind a way that takes time. */
export interface Distant {
  url: string;
  stop(): Promise<void>;
}

/**
 * Puts a database at a distance: each answer takes so much longer, on a thread of its own.
 *
 * @param url where it is
 * @param roundTripMs whole milliseconds
 */
export async function putAway(url: string, roundTripMs: number): Promise<Distant> {
  const port = await freePort();
  const target = new URL(url);
  const workerData: Way = {
    ...{ port, roundTripMs, targetHost: target.hostname },
    targetPort: Number(target.port || POSTGRES_PORT),
  };
  const worker = new Worker(join(import.meta.dirname, 'distance-worker.ts'), { workerData });
  await once(worker, 'message');
  target.hostname = '127.0.0.1';
  target.port = String(port);
  return {
    url: target.href,
    async stop() {
      await worker.terminate();
    },
  };
}
