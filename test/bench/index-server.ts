import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { freePort } from '../../src/cli/ports.ts';
import type { LargeEvent } from './index-worker.ts';

export type { LargeEvent };

/**
 * Answers queries of the indexes of one large event, page by page, as DynamoDB would. The embedded database takes
 * longer for a page the more pages follow, up to seconds with the longest ids.
 */
export async function startIndexServer(
  event: LargeEvent,
): Promise<{ endpoint: string; stop(): Promise<void> }> {
  const port = await freePort();
  const worker = new Worker(join(import.meta.dirname, 'index-worker.ts'), {
    workerData: { port, event },
  });
  await once(worker, 'message');
  return {
    endpoint: `http://127.0.0.1:${port}`,
    async stop() {
      await worker.terminate();
    },
  };
}
