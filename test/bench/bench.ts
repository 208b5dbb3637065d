import { join } from 'node:path';
import { type Bundle, build } from './build.ts';
import { type Database, varsFor } from './database.ts';
import type { Figures } from './figures.ts';
import { type Neighbour, type Server, serve } from './runtime.ts';

/** The workers: the service, and modules of the other names under `variants/`. */
const WORKERS = ['ours', 'ceiling', 'floor', 'probe'] as const;
export type WorkerName = (typeof WORKERS)[number];

/** What all parts of the benchmark use. */
export interface Bench {
  database: Database;
  bundles: Record<WorkerName, Bundle>;
  figures: Figures;
  isQuick: boolean;
}

/** Builds every worker that the benchmark runs. */
export async function buildAll(directory: string): Promise<Bench['bundles']> {
  const built = WORKERS.map(async (name) => {
    const entry = name === 'ours' ? undefined : `test/bench/variants/${name}.ts`;
    return [name, await build(join(directory, name), entry)] as const;
  });
  return Object.fromEntries(await Promise.all(built)) as Bench['bundles'];
}

/** Runs something against a worker, and stops the worker in any case. */
export async function withServer<T>(
  bench: Bench,
  bundle: WorkerName | Bundle,
  use: (server: Server) => Promise<T>,
  options: {
    endpoint?: string;
    inspect?: boolean;
    vars?: Record<string, string>;
    neighbour?: Neighbour;
  } = {},
): Promise<T> {
  const { endpoint = bench.database.endpoint, inspect = false, vars = {}, neighbour } = options;
  const { script } = typeof bundle === 'string' ? bench.bundles[bundle] : bundle;
  const server = await serve({
    script,
    vars: { ...varsFor(endpoint), ...vars },
    inspect,
    neighbour,
  });
  try {
    return await use(server);
  } finally {
    await server.stop();
  }
}

let events = 0;

/** An event id that was not used before. */
export const newEventId = (): string => `event-${++events}`;
