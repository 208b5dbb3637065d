import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { stopAllProcesses } from '../../src/cli/processes.ts';
import { CliError, complain, explain, say } from '../../src/cli/terminal.ts';
import { type Bench, buildAll } from './bench.ts';
import { benchCached } from './cached.ts';
import { benchCalls } from './calls.ts';
import { benchCold } from './cold.ts';
import { keep, tellComparison } from './compare.ts';
import { openDatabase, seedUsers, USERS } from './database.ts';
import { Figures, readRun } from './figures.ts';
import { benchGrowth } from './growth.ts';
import { benchHot } from './hot.ts';
import { benchLive } from './live.ts';
import { benchMemory } from './memory.ts';
import { benchOffers } from './offers.ts';
import { writePage } from './page.ts';
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
 * that take long: what it measures is what `--compare` compares, and what takes seconds.
 */
const PARTS: Record<
  string,
  { run: (bench: Bench) => Promise<void>; isOptional?: boolean; isLong?: boolean }
> = {
  hot: { run: benchHot },
  peers: { run: benchPeers },
  calls: { run: benchCalls },
  warm: { run: benchWarm },
  'round-trips': { run: benchRoundTrips, isLong: true },
  workloads: { run: benchWorkloads, isOptional: true },
  reads: { run: benchReads },
  cached: { run: benchCached, isLong: true },
  platform: { run: benchPlatform, isLong: true },
  cold: { run: benchCold, isLong: true },
  webhooks: { run: benchWebhooks, isLong: true },
  offers: { run: benchOffers, isLong: true },
  raise: { run: benchRaise },
  live: { run: benchLive, isLong: true },
  growth: { run: benchGrowth, isLong: true },
  memory: { run: benchMemory, isLong: true },
  size: { run: benchSize },
  profile: { run: benchProfile, isOptional: true },
};

/**
 * Runs what the arguments ask for, and returns the exit code.
 *
 * - `--quick`: smaller sizes, and the parts of `--compare` alone
 * - `--only PART`: this part; may be repeated
 * - `--json FILE`: keeps the run
 * - `--compare`: ends with 1 when a figure is worse than the kept one; `--keep` keeps the figures of this run
 * - `--page FILE`: runs nothing, and writes the table of a kept run into the page; may be repeated
 */
async function main(directory: string): Promise<number> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
      only: { type: 'string', multiple: true },
      compare: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      page: { type: 'string', multiple: true },
    },
  });
  if (values.page) {
    writePage(values.page.map(readRun));
    return 0;
  }
  const unknown = values.only?.filter((name) => !(name in PARTS)) ?? [];
  if (unknown.length > 0) throw new CliError(`There is no part ${unknown.join(', ')}.`);
  const started = Date.now();
  say('Building the workers');
  const bundles = await buildAll(directory);
  say('Starting the database');
  const database = await openDatabase();
  await seedUsers(database, USERS);
  const figures = new Figures(values.quick);
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
  const comparison = values.compare ? tellComparison(figures.run) : null;
  if (comparison) say(`\n${comparison.lines.join('\n')}`);
  if (values.keep) keep(figures.run);
  return comparison?.isWorse ? 1 : 0;
}

const directory = mkdtempSync(join(tmpdir(), 'registration-bench-'));
const end = async (code: number): Promise<never> => {
  await stopAllProcesses();
  rmSync(directory, { recursive: true, force: true });
  process.exit(code);
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end(130));
try {
  await end(await main(directory));
} catch (error) {
  complain(
    error instanceof Error && !(error instanceof CliError)
      ? (error.stack ?? explain(error))
      : explain(error),
  );
  await end(1);
}
