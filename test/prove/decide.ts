import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Verdict } from './checker.ts';
import type { Operation } from './history.ts';

/** A history to be decided. */
export interface ToDecide {
  id: number;
  eventId: string;
  operations: Operation[];
}

/** What was found, and the broken promise as a readable text. */
export interface Decided {
  id: number;
  type: Verdict['type'];
  /** Steps of the search. */
  steps: number;
  violation: string | null;
}

const waiting = new Map<
  number,
  { resolve: (decided: Decided) => void; reject: (error: Error) => void }
>();
let thread: Worker | undefined;
let nextId = 0;

/**
 * Checks a history in a thread of its own. A long search takes many seconds. Clients and proxies of the other runs
 * live in this thread, and would be held up: requests would seem never to be answered.
 *
 * @throws Error when the thread fails
 */
export async function decide(eventId: string, operations: Operation[]): Promise<Decided> {
  thread ??= startThread();
  const id = nextId++;
  const decided = new Promise<Decided>((resolve, reject) => waiting.set(id, { resolve, reject }));
  thread.ref();
  thread.postMessage({ id, eventId, operations } satisfies ToDecide);
  return await decided.finally(() => {
    waiting.delete(id);
    // The thread keeps the process alive only while somebody waits for it.
    if (waiting.size === 0) thread?.unref();
  });
}

function startThread(): Worker {
  const started = new Worker(join(import.meta.dirname, 'check-thread.ts'));
  started.on('message', (decided: Decided) => waiting.get(decided.id)?.resolve(decided));
  started.on('error', (error) => {
    thread = undefined;
    for (const { reject } of waiting.values()) reject(error);
  });
  return started;
}
