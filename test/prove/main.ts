import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stopAllProcesses } from '../../src/cli/processes.ts';
import { MUTATIONS } from './mutations.ts';
import { readOptions, USAGE } from './options.ts';
import { buildBoth, measureAll, proveCampaign, proveProduct, say } from './stages.ts';

/** The folder of the builds and of all other files. */
const folder = mkdtempSync(join(tmpdir(), 'prove-'));

/** Does what the options say; returns the exit code. */
async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (!options) {
    say(USAGE);
    return 2;
  }
  const { firstSeed, runs, maxMs, parallel } = options;
  say(`seeds from ${firstSeed}, ${parallel} at a time`);
  let failed = 0;
  const summary: string[] = [];
  if (options.measures) {
    const faulty = await measureAll(folder, firstSeed);
    failed += faulty;
    summary.push(`measurements not as they should be ${faulty}`);
  }
  if (options.provesCampaign) {
    const mutations = MUTATIONS.filter(({ name }) => name.includes(options.defect));
    const missed = await proveCampaign(folder, mutations, firstSeed, parallel);
    // A text that no name has proves nothing.
    failed += mutations.length === 0 ? 1 : missed;
    summary.push(`defects found ${mutations.length - missed} of ${mutations.length}`);
  }
  if (options.provesProduct) {
    const builds = await buildBoth(folder, 'product');
    const until = performance.now() + maxMs;
    const totals = await proveProduct(builds, firstSeed, { runs, until, parallel });
    failed += totals.violations + totals.undecided;
    summary.push(totals.line);
  }
  say('');
  for (const line of summary) say(line);
  return failed === 0 ? 0 : 1;
}

/** Ends all processes, and deletes all files. */
async function cleanUp(): Promise<void> {
  await stopAllProcesses();
  rmSync(folder, { recursive: true, force: true });
}

let isEnding = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (isEnding) return;
    isEnding = true;
    void cleanUp().then(() => process.exit(130));
  });
}

let exitCode = 1;
try {
  exitCode = await main();
} catch (error) {
  // Ended by a signal: errors of what was under way are expected then.
  if (!isEnding) process.stderr.write(`${(error as Error).stack}\n`);
}
await cleanUp();
process.exit(isEnding ? 130 : exitCode);
