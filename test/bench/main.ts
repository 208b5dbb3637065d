import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { stopAllProcesses } from '../../src/cli/processes.ts';
import { complain, explain, say } from '../../src/cli/terminal.ts';
import { type Bench, buildAll } from './bench.ts';
import { benchCached } from './cached.ts';
import { benchCalls } from './calls.ts';
import { benchCold } from './cold.ts';
import { openDatabase, seedUsers, USERS } from './database.ts';
import { Figures } from './figures.ts';
import { benchGrowth } from './growth.ts';
import { benchHot } from './hot.ts';
import { benchLive } from './live.ts';
import { benchMemory } from './memory.ts';
import { benchOffers } from './offers.ts';
import { benchPeers } from './peers.ts';
import { benchPlatform } from './platform.ts';
import { benchProfile } from './profile.ts';
import { benchRaise } from './raise.ts';
import { benchReads } from './reads.ts';
import { benchRoundTrips } from './round-trips.ts';
import { benchSize } from './size.ts';
import { benchWarm } from './warm.ts';
import { benchWebhooks } from './webhooks.ts';
import { benchWorkloads } from './workloads.ts';

/**
 * The parts, in the order in which they run; `--only` takes their names. A quick run skips those
 * that take long and have no promise.
 */
const PARTS: Record<
  string,
  { run: (bench: Bench) => Promise<void>; isOptional?: boolean; isLong?: boolean }
> = {
  hot: { run: benchHot },
  peers: { run: benchPeers },
  calls: { run: benchCalls },
  warm: { run: benchWarm },
  'round-trips': { run: benchRoundTrips },
  workloads: { run: benchWorkloads, isLong: true },
  reads: { run: benchReads },
  cached: { run: benchCached },
  platform: { run: benchPlatform, isLong: true },
  cold: { run: benchCold },
  webhooks: { run: benchWebhooks },
  offers: { run: benchOffers },
  raise: { run: benchRaise },
  live: { run: benchLive },
  growth: { run: benchGrowth },
  memory: { run: benchMemory },
  size: { run: benchSize },
  profile: { run: benchProfile, isOptional: true },
};

async function main(directory: string): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
      only: { type: 'string', multiple: true },
    },
  });
  const started = Date.now();
  say('Building the workers');
  const bundles = await buildAll(directory);
  say('Starting the database');
  const database = await openDatabase();
  await seedUsers(database, USERS);
  const figures = new Figures();
  const bench: Bench = { database, bundles, figures, isQuick: values.quick };
  for (const [name, { run, isOptional, isLong }] of Object.entries(PARTS)) {
    const isWanted = !isOptional && !(isLong && values.quick);
    if (!(values.only ? values.only.includes(name) : isWanted)) continue;
    const began = Date.now();
    await run(bench);
    if (values.json) figures.save(values.json);
    say(`  (${name} took ${((Date.now() - began) / 1_000).toFixed(0)} s)`);
  }
  figures.report();
  say(`\nTook ${((Date.now() - started) / 1_000).toFixed(0)} s.`);
}

const directory = mkdtempSync(join(tmpdir(), 'registration-bench-'));
const end = async (code: number): Promise<never> => {
  await stopAllProcesses();
  rmSync(directory, { recursive: true, force: true });
  process.exit(code);
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end(130));
try {
  await main(directory);
  await end(0);
} catch (error) {
  complain(error instanceof Error ? (error.stack ?? explain(error)) : explain(error));
  await end(1);
}
