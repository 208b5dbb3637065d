import type { Build } from './build.ts';
import type { Fault } from './faults.ts';
import { type RunResult, run } from './run.ts';
import { drawScenario, type Kind } from './scenario.ts';

/** The builds that runs need: with the product's own deadlines, and with short ones. */
export interface Builds {
  real: Build;
  short: Build;
}

/** When a series of runs ends: after so many, after so long, or at the first violation. */
export interface Bounds {
  runs: number;
  /** Milliseconds on the performance clock. */
  until: number;
  stopsAtViolation: boolean;
  /** Runs that go on at a time: most of a run is waiting. */
  parallel: number;
}

/** What a series of runs came to. */
export class Totals {
  runs = 0;
  operations = 0;
  unknown = 0;
  crashes = 0;
  interruptions = 0;
  splitBrains = 0;
  fencesLost = 0;
  raises = 0;
  resumptions = 0;
  erasures = 0;
  retries = 0;
  replays = 0;
  misuses = 0;
  slowest = 0;
  undecided = 0;
  failures: RunResult[] = [];
  /** Runs that were over when the first violation was found, its own included. */
  runsUntilFound = 0;
  readonly kinds = new Map<Kind, number>();
  readonly faults = new Map<Fault, number>();
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
    this.resumptions += result.resumptions;
    this.erasures += result.erasures;
    this.retries += result.retries;
    this.replays += result.replays;
    this.misuses += result.misuses;
    this.slowest = Math.max(this.slowest, result.slowest);
    if (result.scenario.raise) this.raises++;
    if (kind === 'split brain') this.splitBrains++;
    if (result.violations.length > 0) {
      this.failures.push(result);
      this.runsUntilFound ||= this.runs;
    }
    this.kinds.set(kind, (this.kinds.get(kind) ?? 0) + 1);
    for (const [name, n] of result.faults) this.faults.set(name, (this.faults.get(name) ?? 0) + n);
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
