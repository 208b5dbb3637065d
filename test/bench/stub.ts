import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { freePort } from '../../src/cli/ports.ts';

/** How long a database takes for a read, and for a transaction. */
export interface Distance {
  readMs: number;
  writeMs: number;
}

/** A database that accepts every transaction and keeps nothing. */
export interface Stub {
  endpoint: string;
  /** Changes how long it takes, from now on. */
  set(distance: Distance): void;
  stop(): Promise<void>;
}

/** Starts one on a thread of its own. It takes as long as it is told, and next to no CPU: so it is the worker that is measured. */
export async function startStub(): Promise<Stub> {
  const port = await freePort();
  const worker = new Worker(join(import.meta.dirname, 'stub-worker.ts'), { workerData: { port } });
  await once(worker, 'message');
  return {
    endpoint: `http://127.0.0.1:${port}`,
    set: (distance) => worker.postMessage(distance),
    async stop() {
      await worker.terminate();
    },
  };
}
