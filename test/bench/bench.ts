import { join } from 'node:path';
import { type Bundle, build } from './build.ts';
import { type Database, varsFor } from './database.ts';
import type { Figures } from './figures.ts';
import { type Neighbour, type Server, serve } from './runtime.ts';

/** The variants that can answer for an event: modules of these names under `variants/`. */
export const VARIANTS = ['ceiling', 'ours', 'direct', 'transactional'] as const;
export type Variant = (typeof VARIANTS)[number];

/** What all parts of the benchmark use. */
export interface Bench {
  database: Database;
  bundles: Record<Variant | 'floor' | 'probe', Bundle>;
  figures: Figures;
  isQuick: boolean;
}

/** Builds every worker that the benchmark runs. */
export async function buildAll(directory: string): Promise<Bench['bundles']> {
  const variant = (name: string) => build(join(directory, name), `test/bench/variants/${name}.ts`);
  const [ours, ceiling, direct, transactional, floor, probe] = await Promise.all([
    build(join(directory, 'ours')),
    variant('ceiling'),
    variant('direct'),
    variant('transactional'),
    variant('floor'),
    variant('probe'),
  ]);
  return { ours, ceiling, direct, transactional, floor, probe };
}

/** Runs something against a worker, and stops the worker in any case. */
export async function withServer<T>(
  bench: Bench,
  bundle: keyof Bench['bundles'] | Bundle,
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
