import type { Build } from './build.ts';
import type { Fault } from './faults.ts';
import { type RunResult, run } from './run.ts';
import { drawScenario, type Kind } from './scenario.ts';

/** The two builds for runs: one with the product's own deadlines, one with short ones. */
export interface Builds {
  real: Build;
  short: Build;
}

/** When a series of runs ends: after some runs, after some time, or at the first violation. */
export interface Bounds {
  runs: number;
  /** Milliseconds on the performance clock. */
  until: number;
  stopsAtViolation: boolean;
  /** Runs at a time. A run mostly waits, so several fit. */
  parallel: number;
}

/** The totals of a series of runs. */
export class Totals {
  runs = 0;
  operations = 0;
  unknown = 0;
  crashes = 0;
  interruptions = 0;
  splitBrains = 0;
  badAlarms = 0;
  badClocks = 0;
  fencesLost = 0;
  raises = 0;
  wakings = 0;
  resumptions = 0;
  erasures = 0;
  retries = 0;
  replays = 0;
  misuses = 0;
  logEntries = 0;
  logPages = 0;
  receipts = 0;
  attempts = 0;
  taken = 0;
  webhookReplays = 0;
  sockets = 0;
  pushes = 0;
  slowest = 0;
  undecided = 0;
  failures: RunResult[] = [];
  /** Runs that had ended when the first violation was found, including its own. */
  runsUntilFound = 0;
  readonly kinds = new Map<Kind, number>();
  readonly faults = new Map<Fault, number>();
  readonly refusals = new Map<string, number>();
  readonly outcomes = new Map<string, number>();

  get violations(): number {
    return this.failures.length;
  }

  add(result: RunResult): void {
    const { kind } = result.scenario;
    this.runs++;
    this.operations += result.operations;
    this.unknown += result.unknown;
    this.crashes += result.crashes;
    this.interruptions += result.interruptions;
    this.fencesLost += result.fencesLost;
    this.undecided += result.undecided;
    this.badClocks += result.scenario.clockMaxMs > 0 ? 1 : 0;
    this.wakings += result.wakings;
    this.badAlarms += result.scenario.alarms ? 1 : 0;
    this.resumptions += result.resumptions;
    this.erasures += result.erasures;
    this.retries += result.retries;
    this.replays += result.replays;
    this.misuses += result.misuses;
    this.logEntries += result.logEntries;
    this.logPages += result.logPages;
    this.receipts += result.receipts;
    this.attempts += result.attempts;
    this.taken += result.taken;
    this.webhookReplays += result.webhookReplays;
    this.sockets += result.sockets;
    this.pushes += result.pushes;
    this.slowest = Math.max(this.slowest, result.slowest);
    if (result.scenario.raise) this.raises++;
    if (kind === 'split brain') this.splitBrains++;
    if (result.violations.length > 0) {
      this.failures.push(result);
      this.runsUntilFound ||= this.runs;
    }
    this.kinds.set(kind, (this.kinds.get(kind) ?? 0) + 1);
    for (const [name, n] of result.faults) this.faults.set(name, (this.faults.get(name) ?? 0) + n);
    for (const [name, n] of result.refusals) {
      this.refusals.set(name, (this.refusals.get(name) ?? 0) + n);
    }
    for (const [name, n] of result.outcomes) {
      this.outcomes.set(name, (this.outcomes.get(name) ?? 0) + n);
    }
  }

  /** The figures in one line. */
  get line(): string {
    return `histories ${this.runs}, crashes ${this.crashes}, split-brain ${this.splitBrains}, violations ${this.violations}`;
  }
}

/** Carries out the runs of consecutive seeds, several at a time. */
export async function runSeries(
  firstSeed: number,
  builds: Builds,
  bounds: Bounds,
  onResult: (result: RunResult, totals: Totals) => void = () => {},
): Promise<Totals> {
  const totals = new Totals();
  let next = 0;
  const isOver = () =>
    next >= bounds.runs ||
    performance.now() > bounds.until ||
    (bounds.stopsAtViolation && totals.violations > 0);
  const work = async () => {
    while (!isOver()) {
      const scenario = drawScenario(firstSeed + next++);
      const result = await run(scenario, scenario.scale === 1 ? builds.real : builds.short);
      totals.add(result);
      onResult(result, totals);
    }
  };
  await Promise.all(Array.from({ length: bounds.parallel }, work));
  return totals;
}
