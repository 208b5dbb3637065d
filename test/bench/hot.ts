import { say } from '../../src/cli/terminal.ts';
import { type Bench, newEventId, VARIANTS, type Variant, withServer } from './bench.ts';
import { USERS, userId } from './database.ts';
import { createEvent, fire, type LoadResult, registerShot } from './load.ts';
import { cpuMs, cpuMsOfAll } from './processes.ts';
import type { Server } from './runtime.ts';
import { medianOf, summarize } from './stats.ts';

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

/** Whether a variant is much slower than the others. */
const isSlow = (variant: Variant | 'known') => variant === 'direct' || variant === 'transactional';

/** One hot event: 500 seats, a waitlist, and many more users who register at once. */
export async function benchHot(bench: Bench): Promise<void> {
  const { isQuick, figures } = bench;
  const servers: Partial<Record<Variant, Server>> = {};
  const use = async (rest: readonly Variant[]): Promise<void> => {
    const [variant, ...others] = rest;
    if (!variant) return run(servers);
    await withServer(bench, variant, async (server) => {
      servers[variant] = server;
      await use(others);
    });
  };

  async function run(open: Partial<Record<Variant, Server>>) {
    const amount = isQuick ? 2_000 : 3_000;
    // In a quick run, and beside the main one, the slow ones get a smaller event with the same share
    // of seats (with seats alone nobody races for a number). That flatters the direct way, which
    // counts what is there call by call.
    const sizeFor = (connections: number) => {
      const slowAmount = isQuick ? 100 : connections > 64 ? 1_500 : amount;
      return { amount: slowAmount, capacity: slowAmount / (amount / SEATS) };
    };
    // Warm-up: the compiler must see every path some thousand times.
    for (const variant of VARIANTS) {
      const server = open[variant];
      const warmUp = isSlow(variant) ? (isQuick ? 64 : 200) : isQuick ? 2_000 : WARM_UP_MAX;
      if (server) await registerMany(server, { connections: 64, amount: warmUp });
    }
    // Users that the warm-up did not have: each must be looked up.
    let firstUser = WARM_UP_MAX;
    for (const connections of isQuick ? [64] : [64, 256]) {
      say(`One hot event, ${connections} connections, ${amount} registrations for ${SEATS} seats`);
      const runs: Record<Variant | 'known', Run[]> = {
        ceiling: [],
        ours: [],
        known: [],
        direct: [],
        transactional: [],
      };
      const rounds = isQuick ? 2 : 5;
      const isAside = connections > 64;
      for (let round = 0; round < rounds; round++) {
        firstUser = (firstUser + amount) % (USERS - amount);
        // `known` is our variant again, with the same users for another event.
        for (const variant of ['ceiling', 'ours', 'known', 'direct', 'transactional'] as const) {
          const server = open[variant === 'known' ? 'ours' : variant];
          const isTurn =
            variant === 'known' ? !isAside && !isQuick : !isSlow(variant) || round === 0;
          if (!server || !isTurn) continue;
          const size = isSlow(variant) ? sizeFor(connections) : {};
          const result = await measure(bench, server, () =>
            registerMany(server, { connections, amount, firstUser, ...size }),
          );
          runs[variant].push(result);
          say(describeRun(variant, result));
        }
      }
      const prefix = connections === 64 ? 'hot' : `hot${connections}`;
      for (const [variant, each] of Object.entries(runs)) {
        if (each.length > 0) addRuns(bench, `${prefix}-${variant}`, each);
      }
      const rate = (variant: Variant | 'known') =>
        medianOf(runs[variant].map((each) => each.perSecond));
      for (const other of ['ceiling', 'direct', 'transactional'] as const) {
        if (runs[other].length === 0) continue;
        figures.add(`${prefix}-ours-over-${other}`, rate('ours') / rate(other), 'ratio');
      }
      if (runs.known.length > 0) {
        const ratio = rate('known') / rate('ceiling');
        figures.add(`${prefix}-known-over-ceiling`, ratio, 'ratio', 'the isolate knows the users');
      }
    }
  }

  await use(VARIANTS);
}
