import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import * as z from 'zod';
import { say } from '../../src/cli/terminal.ts';
import { ROOT } from './build.ts';
import { boundOf, isMet, TARGETS } from './targets.ts';

const figureSchema = z.object({
  name: z.string(),
  /** Null if it could not be measured: JSON has no NaN. */
  value: z.number().nullable(),
  unit: z.string(),
});
/** A measured figure. */
export type Figure = z.infer<typeof figureSchema>;

const runSchema = z.object({
  /** The day, and the source. */
  date: z.string(),
  commit: z.string(),
  machine: z.string(),
  /** How many processes wanted to run when it began: without any, the machine was quiet. */
  loadBefore: z.number(),
  isQuick: z.boolean(),
  figures: z.array(figureSchema),
});
/** A run of the benchmark, as `--json` keeps it. */
export type BenchRun = z.infer<typeof runSchema>;

/** Reads what `--json` wrote. */
export const readRun = (file: string): BenchRun =>
  runSchema.parse(JSON.parse(readFileSync(file, 'utf8')));

/** The present commit, marked if files differ from it. */
function commit(): string {
  try {
    const args = ['describe', '--always', '--dirty', '--exclude', '*'];
    return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}

/** Collects figures; prints each when it comes, and all of them at the end. */
export class Figures {
  readonly #run: BenchRun;

  constructor(isQuick: boolean) {
    const model = cpus()[0]?.model ?? 'unknown';
    const gib = Math.round(totalmem() / 1_024 ** 3);
    this.#run = {
      date: new Date().toISOString().slice(0, 10),
      commit: commit(),
      machine: `${model}, ${availableParallelism()} cores, ${gib} GiB, Node ${process.version}`,
      loadBefore: Number((loadavg()[0] ?? 0).toFixed(1)),
      isQuick,
      figures: [],
    };
  }

  /** The run so far. */
  get run(): Readonly<BenchRun> {
    return this.#run;
  }

  /** @param note additional text for a person, such as the spread */
  add(name: string, value: number, unit: string, note = ''): void {
    const rounded = Number(value.toPrecision(4));
    const known = Number.isFinite(rounded) ? rounded : null;
    this.#run.figures.push({ name, value: known, unit });
    say(`    ${name.padEnd(44)} ${String(rounded).padStart(10)} ${unit}${note && `  (${note})`}`);
  }

  /** Writes the run as JSON. */
  save(file: string): void {
    writeFileSync(file, `${JSON.stringify(this.#run, null, 2)}\n`);
  }

  /** Prints the promised figures, and whether each was reached. */
  report(): void {
    say('');
    say(
      `${'figure'.padEnd(30)}${'value'.padStart(10)}  ${'unit'.padEnd(18)}${'target'.padEnd(12)}met`,
    );
    for (const { name, value, unit } of this.#run.figures) {
      const target = TARGETS[name];
      const bound = target && boundOf(target);
      if (!target || !bound) continue;
      const verdict = isMet(target, value ?? Number.NaN) ? 'yes' : 'NO';
      say(
        `${name.padEnd(30)}${String(value).padStart(10)}  ${unit.padEnd(18)}${bound.padEnd(12)}${verdict}`,
      );
    }
  }
}
