import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { freePort } from '../../src/cli/ports.ts';
import type { Behaviour, ProxySettings, Traffic } from './proxy-worker.ts';

/** A proxy between the worker and the database that delays answers and counts calls. */
export interface Proxy {
  endpoint: string;
  /** Changes the behaviour from now on. */
  set(behaviour: Partial<Behaviour>): void;
  /** The calls since the last query. */
  takeTraffic(): Promise<Traffic>;
  stop(): Promise<void>;
}

/** Starts a proxy on a thread of its own, so that the load generator does not delay it. */
export async function startProxy(target: string): Promise<Proxy> {
  const port = await freePort();
  const workerData: ProxySettings = { port, targetPort: Number(new URL(target).port) };
  const worker = new Worker(join(import.meta.dirname, 'proxy-worker.ts'), { workerData });
  await once(worker, 'message');
  return {
    endpoint: `http://127.0.0.1:${port}`,
    set: (behaviour) => worker.postMessage(behaviour),
    async takeTraffic() {
      worker.postMessage('take');
      const [traffic] = (await once(worker, 'message')) as [Traffic];
      return traffic;
    },
    async stop() {
      await worker.terminate();
    },
  };
}

/** The number of all calls. */
export function totalCalls({ calls }: Traffic): number {
  return Object.values(calls).reduce((sum, count) => sum + count, 0);
}
