import { QUEUE_MAX_COMMANDS } from '../../src/limits.ts';
import { type Measurement, measureHang, measureOverload, measureThrottling } from './behaviour.ts';
import { build } from './build.ts';
import { type Builds, runSeries, type Totals } from './campaign.ts';
import { measureReplays } from './fairness.ts';
import { measureHostile } from './hostile.ts';
import type { Mutation, Replacement } from './mutations.ts';
import type { RunResult } from './run.ts';
import { SHORT_SCALE } from './scenario.ts';

/** How long DynamoDB does not answer in the measurement of a hang. */
const HANG_MS = 30_000;
const THROTTLING_STEP_MS = 4_000;
const REPLAYS_STEP_MS = 8_000;
const HOSTILE_REQUESTS = 10_000;
/** Within so many histories every defect must be found: fewer than the campaign has. */
const MUTATION_MAX_RUNS = 300;
const MUTATION_MAX_MS = 120_000;
const PROGRESS_MS = 1_000;

/** Writes a line. */
export const say = (line: string) => void process.stdout.write(`${line}\n`);

/** Overwrites the last line on a terminal; elsewhere it prints only some lines. */
function progress(text: string, isLast = false): void {
  if (process.stdout.isTTY) process.stdout.write(`\r\x1b[2K${text}${isLast ? '\n' : ''}`);
  else say(text);
}

function showFailure({ scenario, violations }: RunResult): void {
  say('');
  say(`VIOLATION in history ${scenario.seed} (${scenario.kind}); see it again:`);
  say(`  npm run prove -- --seed ${scenario.seed}`);
  for (const violation of violations.slice(0, 5)) {
    say('');
    say(violation.replaceAll(/^/gm, '  '));
  }
  if (violations.length > 5) say(`  … and ${violations.length - 5} more`);
}

/** Runs the histories, and prints each violation when it is found. */
export async function proveProduct(
  builds: Builds,
  first: number,
  bounds: { runs: number; until: number; parallel: number },
): Promise<Totals> {
  let shownAt = 0;
  const startedAt = performance.now();
  const seconds = () => ((performance.now() - startedAt) / 1_000).toFixed(0);
  const totals = await runSeries(
    first,
    builds,
    { ...bounds, stopsAtViolation: false },
    (result, soFar) => {
      if (result.violations.length > 0) showFailure(result);
      if (result.undecided > 0) say(`UNDECIDED: an event in history ${result.scenario.seed}`);
      const interval = process.stdout.isTTY ? PROGRESS_MS : 10 * PROGRESS_MS;
      if (performance.now() - shownAt < interval) return;
      shownAt = performance.now();
      progress(`${seconds()} s: ${soFar.line}`);
    },
  );
  progress(`${seconds()} s: ${totals.line}`, true);
  const list = (counts: Map<string, number>) =>
    [...counts]
      .sort(([, a], [, b]) => b - a)
      .map(([name, n]) => `${name} ${n}`)
      .join(', ');
  say(`runs: ${list(totals.kinds)}`);
  say(`faults: ${list(totals.faults)}`);
  say(`answers: ${list(totals.outcomes)}`);
  say(
    `operations ${totals.operations}, interruptions ${totals.interruptions}, fences lost ${totals.fencesLost}, erasures ${totals.erasures}, undecided ${totals.undecided}`,
  );
  say(
    `large raises ${totals.raises}, resumed by a load ${totals.resumptions}; with keys: sent again ${totals.retries}, answered again ${totals.replays}, sent with another request ${totals.misuses}`,
  );
  say(
    `logs: entries ${totals.logEntries}, pages read ${totals.logPages}, receipts found ${totals.receipts}`,
  );
  say(
    `webhooks: attempts ${totals.attempts}, taken ${totals.taken}, replays ${totals.webhookReplays}; endpoints failed: ${list(totals.refusals)}`,
  );
  say(
    `bad clocks ${totals.badClocks}, bad alarms ${totals.badAlarms}, hourly looks that found something ${totals.wakings}`,
  );
  say(`watchers: sockets ${totals.sockets}, messages ${totals.pushes}`);
  say(
    `the slowest answer took ${Math.round(totals.slowest * 100)} % of the time that it was allowed`,
  );
  return totals;
}

/** The length to which a broken promise is cut. */
const BROKEN_MAX_CHARS = 160;

/** The promise that a run found broken, in one line. */
function brokenBy({ violations }: RunResult): string {
  const promise = /^promise: (.*)$/m;
  const told = violations.map((violation) => promise.exec(violation)?.[1]).find(Boolean);
  const chars = [...(told ?? violations[0]?.split('\n')[0] ?? '')];
  const isLong = chars.length > BROKEN_MAX_CHARS;
  return isLong ? `${chars.slice(0, BROKEN_MAX_CHARS).join('')}…` : chars.join('');
}

/** Puts each defect in, and counts the histories until it is found; tells how many were not. */
export async function proveCampaign(
  folder: string,
  mutations: Mutation[],
  first: number,
  parallel: number,
): Promise<number> {
  let missed = 0;
  say('');
  say('defects put in on purpose, and the histories it took to find them:');
  for (const [i, { name, replacements }] of mutations.entries()) {
    const builds = await buildBoth(folder, `mutation-${i}`, replacements);
    const startedAt = performance.now();
    const totals = await runSeries(first, builds, {
      runs: MUTATION_MAX_RUNS,
      until: startedAt + MUTATION_MAX_MS,
      stopsAtViolation: true,
      parallel,
    });
    const found = totals.failures[0];
    if (!found) missed++;
    const took = found ? `found after ${totals.runsUntilFound}` : `NOT FOUND in ${totals.runs}`;
    const broken = found ? brokenBy(found) : '';
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0);
    say(`  ${name}: ${took} (seed ${found?.scenario.seed ?? '-'}, ${seconds} s) ${broken}`);
  }
  return missed;
}

/** Measures the service under load and faults; returns the number of faults that it found. */
export async function measureAll(folder: string, seed: number): Promise<number> {
  const product = await build(folder, { name: 'measured', scale: 1, replacements: [] });
  const measurements: [string, () => Promise<Measurement>][] = [
    ['more requests than the queue takes', () => measureOverload(product, QUEUE_MAX_COMMANDS)],
    ['a DynamoDB that hangs', () => measureHang(product, HANG_MS)],
    ['throttling', () => measureThrottling(product, THROTTLING_STEP_MS)],
    ['replays of used keys', () => measureReplays(product, REPLAYS_STEP_MS)],
    ['hostile requests', () => measureHostile(product, seed, HOSTILE_REQUESTS)],
  ];
  let faulty = 0;
  for (const [name, measure] of measurements) {
    const { figures, faults } = await measure();
    say('');
    say(`${name}:`);
    for (const [what, figure] of Object.entries(figures)) say(`  ${what}: ${figure}`);
    for (const fault of faults.slice(0, 10)) say(`  NOT AS IT SHOULD BE: ${fault}`);
    if (faults.length > 0) faulty++;
  }
  return faulty;
}

/** Bundles the product, or a variant of it, with its own deadlines and with short ones. */
export async function buildBoth(
  folder: string,
  name: string,
  replacements: Replacement[] = [],
): Promise<Builds> {
  const [real, short] = await Promise.all([
    build(folder, { name: `${name}-real`, scale: 1, replacements, isHasty: true }),
    build(folder, { name: `${name}-short`, scale: SHORT_SCALE, replacements, isHasty: true }),
  ]);
  return { real, short };
}
