import { say } from '../../src/cli/terminal.ts';
import { type Bench, newEventId, withServer } from './bench.ts';
import { USERS, userId } from './database.ts';
import { createEvent, fire, type LoadResult, registerShot } from './load.ts';
import { cpuMs, cpuMsOfAll } from './processes.ts';
import type { Server } from './runtime.ts';
import { medianOf, summarize } from './stats.ts';
import { startStub } from './stub.ts';

/** Seats of a hot event. */
export const SEATS = 500;
/** Registrations before the measured ones. */
const WARM_UP_MAX = 10_000;

/** One run, and the CPU time of the worker and of the database. */
export interface Run extends LoadResult {
  workerCpuMs: number;
  databaseCpuMs: number;
  /** CPU time of this process: the load, and the proxy if there is one. */
  loadCpuMs: number;
}

/**
 * Measures a run's CPU time around it.
 *
 * @param databasePid the database's process, with all that it has started
 */
export async function measure(
  { database }: Bench,
  server: Server,
  run: () => Promise<LoadResult>,
  databasePid: number = database.pid,
): Promise<Run> {
  const pids = [server.pid, databasePid, process.pid];
  // The database and the server are processes that this one has started.
  const read = () => pids.map((pid) => (pid === process.pid ? cpuMs(pid) : cpuMsOfAll(pid)));
  const before = read();
  const result = await run();
  const [workerCpuMs = 0, databaseCpuMs = 0, loadCpuMs = 0] = read().map(
    (ms, i) => ms - (before[i] ?? 0),
  );
  return { ...result, workerCpuMs, databaseCpuMs, loadCpuMs };
}

/**
 * Registers so many users for one new event.
 *
 * @param options.firstUser index of the first of them
 */
export async function registerMany(
  server: Server,
  options: {
    connections: number;
    amount: number;
    capacity?: number;
    eventId?: string;
    firstUser?: number;
  },
): Promise<LoadResult> {
  const { connections, amount, capacity = SEATS, eventId = newEventId(), firstUser = 0 } = options;
  await createEvent(server.url, { eventId, capacity, hasWaitlist: true });
  return fire({
    url: server.url,
    connections,
    amount,
    next: (i) => registerShot(userId(firstUser + i), eventId),
  });
}

/** The number of unexpected answers. */
export function failures(result: LoadResult): number {
  const good = (result.statuses[200] ?? 0) + (result.statuses[201] ?? 0);
  return result.requests - good;
}

/** How many of the machine's cores a run kept busy. */
export function coresOf({ workerCpuMs, databaseCpuMs, loadCpuMs, seconds }: Run): number {
  return (workerCpuMs + databaseCpuMs + loadCpuMs) / (seconds * 1_000);
}

/** A run as a line for a person. */
export function describeRun(name: string, run: Run): string {
  const perRequest = (ms: number) => ((ms * 1_000) / run.requests).toFixed(0);
  const failed = failures(run);
  return (
    `  ${name.padEnd(26)} ${run.perSecond.toFixed(0).padStart(6)}/s  p50 ${run.p50.toFixed(1)} ms  ` +
    `p99 ${run.p99.toFixed(1)} ms  CPU worker ${perRequest(run.workerCpuMs)} us, ` +
    `database ${perRequest(run.databaseCpuMs)} us, load ${perRequest(run.loadCpuMs)} us, ` +
    `${coresOf(run).toFixed(1)} cores${failed > 0 ? `  FAILED ${JSON.stringify(run.statuses)}` : ''}`
  );
}

/** The figures of one workload and variant. */
export function addRuns(bench: Bench, prefix: string, runs: readonly Run[]): void {
  const { figures } = bench;
  const rate = summarize(runs.map(({ perSecond }) => perSecond));
  const spread = `spread ±${(rate.spread * 100).toFixed(0)} %`;
  figures.add(`${prefix}-throughput`, rate.median, 'requests/s', spread);
  figures.add(`${prefix}-p50-ms`, medianOf(runs.map(({ p50 }) => p50)), 'ms');
  figures.add(`${prefix}-p99-ms`, medianOf(runs.map(({ p99 }) => p99)), 'ms');
  const cpu = (pick: (run: Run) => number) =>
    medianOf(runs.map((run) => (pick(run) * 1_000) / run.requests));
  figures.add(
    `${prefix}-worker-cpu-us`,
    cpu((run) => run.workerCpuMs),
    'us/request',
  );
  figures.add(
    `${prefix}-database-cpu-us`,
    cpu((run) => run.databaseCpuMs),
    'us/request',
  );
  const failed = runs.reduce((sum, run) => sum + failures(run), 0);
  if (failed > 0) figures.add(`${prefix}-failed`, failed, 'requests');
}

/**
 * Who is measured; `known` is the service again, with the same users for another event. `stub` is the service over a
 * database that answers at once and costs no CPU here, `stubKnown` the same with known users.
 */
const SIDES = ['ceiling', 'ours', 'known', 'stub', 'stubKnown', 'floor'] as const;
type Side = (typeof SIDES)[number];

/**
 * What one took for a request over what the other took, all rounds together. A collection of V8 comes every few
 * thousand requests: it belongs to them, and a round has one or has none.
 */
export const totalRatio = (
  ones: readonly Run[],
  others: readonly Run[],
  pick: (run: Run) => number,
): number => {
  const average = (runs: readonly Run[]) =>
    runs.reduce((sum, run) => sum + pick(run), 0) /
    runs.reduce((sum, run) => sum + run.requests, 0);
  return average(ones) / average(others);
};

/** For each round one over the other, and the median of that: a drift of the machine affects both. */
export const ratioOf = (
  ones: readonly Run[],
  others: readonly Run[],
  pick: (run: Run) => number,
): number => medianOf(ones.map((run, i) => pick(run) / (others[i] ? pick(others[i]) : Number.NaN)));

/**
 * One hot event: 500 seats, a waitlist, and many more users who register at once. Beside it the ceiling, our worker
 * over a store that answers at once, and the floor, which makes the same calls without our code.
 */
export async function benchHot(bench: Bench): Promise<void> {
  const database = await startStub();
  const { endpoint } = database;
  const looksUp = { vars: { FLOOR_LOOKS_UP: 'yes' } };
  try {
    await withServer(bench, 'ceiling', (ceiling) =>
      withServer(
        bench,
        'floor',
        (floor) =>
          withServer(
            bench,
            'ours',
            (stub) =>
              withServer(bench, 'ours', (ours) =>
                compare(bench, { ceiling, ours, known: ours, stub, stubKnown: stub, floor }),
              ),
            { endpoint },
          ),
        looksUp,
      ),
    );
  } finally {
    await database.stop();
  }
}

async function compare(bench: Bench, servers: Record<Side, Server>): Promise<void> {
  const { isQuick, figures } = bench;
  const amount = isQuick ? 1_500 : 6_000;
  // Warm-up: the compiler must see every path some thousand times.
  const warmUp = isQuick ? 2_500 : WARM_UP_MAX;
  for (const side of ['ceiling', 'ours', 'stub', 'floor'] as const) {
    await registerMany(servers[side], { connections: 64, amount: warmUp });
  }
  // Users that the warm-up did not have: each must be looked up.
  let firstUser = WARM_UP_MAX;
  for (const connections of isQuick ? [64] : [64, 256]) {
    say(`One hot event, ${connections} connections, ${amount} registrations for ${SEATS} seats`);
    const runs: Record<Side, Run[]> = {
      ...{ ceiling: [], ours: [], known: [], stub: [], stubKnown: [], floor: [] },
    };
    for (let round = 0; round < (isQuick ? 3 : 5); round++) {
      firstUser = (firstUser + amount) % (USERS - amount);
      for (const side of SIDES) {
        const server = servers[side];
        const load = () => registerMany(server, { connections, amount, firstUser });
        const run = await measure(bench, server, load);
        runs[side].push(run);
        say(describeRun(side, run));
      }
    }
    const prefix = connections === 64 ? 'hot' : `hot${connections}`;
    for (const side of SIDES) addRuns(bench, `${prefix}-${side}`, runs[side]);
    const rate = (run: Run) => run.perSecond;
    const cpu = (run: Run) => run.workerCpuMs;
    const { ours, known, stub, stubKnown, ceiling, floor } = runs;
    figures.add(`${prefix}-over-ceiling`, ratioOf(ours, ceiling, rate), 'ratio', 'throughput');
    const note = 'the isolate knows the users';
    figures.add(`${prefix}-known-over-ceiling`, ratioOf(known, ceiling, rate), 'ratio', note);
    const idle = 'a database that costs no CPU here';
    figures.add(`${prefix}-stub-over-ceiling`, ratioOf(stub, ceiling, rate), 'ratio', idle);
    figures.add(
      `${prefix}-stub-known-over-ceiling`,
      ratioOf(stubKnown, ceiling, rate),
      'ratio',
      idle,
    );
    figures.add(`${prefix}-over-floor`, ratioOf(ours, floor, rate), 'ratio', 'throughput');
    figures.add(
      `${prefix}-cpu-over-floor`,
      totalRatio(ours, floor, cpu),
      'ratio',
      "the worker's CPU",
    );
  }
}
