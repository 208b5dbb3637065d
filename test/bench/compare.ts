import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { ROOT } from './build.ts';
import type { BenchRun } from './figures.ts';

const KEPT = join(ROOT, 'test/bench/kept.json');

const keptSchema = z.object({
  date: z.string(),
  commit: z.string(),
  machine: z.string(),
  figures: z.record(
    z.string(),
    z.object({
      value: z.number(),
      /** How far a run may be from the value without being worse, as a share of it. */
      spread: z.number(),
    }),
  ),
});
type KeptRun = z.infer<typeof keptSchema>;

/** Of quick runs and of whole ones: their sizes differ, and so do their figures. */
const fileSchema = z.object({ quick: keptSchema.optional(), whole: keptSchema.optional() });

/** The figures that are kept: ratios of one run, and counts. Neither says much about the machine. */
export const COMPARED: Record<string, { better: 'more' | 'less'; spread: number }> = {
  'hot-over-postgres': { better: 'more', spread: 0.3 },
  'hot256-over-postgres': { better: 'more', spread: 0.3 },
  'hot-over-ceiling': { better: 'more', spread: 0.2 },
  'hot-known-over-ceiling': { better: 'more', spread: 0.2 },
  'hot-cpu-over-floor': { better: 'less', spread: 0.2 },
  calls: { better: 'less', spread: 0.15 },
  'write-units': { better: 'less', spread: 0.01 },
  'no-log-write-units': { better: 'less', spread: 0.01 },
  'warm-calls': { better: 'less', spread: 0 },
  'warm-unknown-calls': { better: 'less', spread: 0 },
  'warm-over-floor': { better: 'less', spread: 0.25 },
  'raise-refused': { better: 'less', spread: 0 },
  'read-calls': { better: 'less', spread: 0 },
  'cached-reads': { better: 'less', spread: 0.1 },
  'webhook-undelivered': { better: 'less', spread: 0 },
  'webhook-dead-over-none': { better: 'more', spread: 0.15 },
  'live-storm-with-over-without': { better: 'more', spread: 0.2 },
  'cold-over-query': { better: 'less', spread: 0.3 },
  growth: { better: 'more', spread: 0.15 },
  'growth-worker-cpu': { better: 'less', spread: 0.15 },
  'bundle-kib': { better: 'less', spread: 0.01 },
};

/** One figure beside its kept value; `isWorse` by more than its spread. */
export interface Comparison {
  name: string;
  value: number | null;
  kept: number;
  spread: number;
  isWorse: boolean;
}

/** Compares a run with a kept one. Figures that the run does not have are left out; one that failed is worse. */
export function compare({ figures }: Pick<BenchRun, 'figures'>, kept: KeptRun): Comparison[] {
  return figures.flatMap(({ name, value }) => {
    const before = kept.figures[name];
    const rule = COMPARED[name];
    if (!before || !rule) return [];
    const { value: was, spread } = before;
    const isWorse =
      value === null ||
      (rule.better === 'more' ? value < was * (1 - spread) : value > was * (1 + spread));
    return [{ name, value, kept: was, spread, isWorse }];
  });
}

/** The lines that tell a person how a run compares, and whether any figure is worse. */
export function tellComparison(run: BenchRun): { lines: string[]; isWorse: boolean } {
  const kept = readKept()[run.isQuick ? 'quick' : 'whole'];
  const size = run.isQuick ? 'quick' : 'whole';
  if (!kept) return { lines: [`Nothing is kept of a ${size} run.`], isWorse: true };
  const all = compare(run, kept);
  const missing = Object.keys(kept.figures).filter((name) => !all.some((one) => one.name === name));
  const lines = all.map(
    ({ name, value, kept: was, spread, isWorse }) =>
      `  ${name.padEnd(34)}${String(value).padStart(10)}   kept ${String(was).padStart(8)} ±${(spread * 100).toFixed(0)} %${isWorse ? '   WORSE' : ''}`,
  );
  const beside = `Compared with the ${size} run of ${kept.date} at ${kept.commit}:`;
  const rest = missing.length > 0 ? [`  not measured: ${missing.join(', ')}`] : [];
  return { lines: [beside, ...lines, ...rest], isWorse: all.some(({ isWorse }) => isWorse) };
}

function readKept(): z.infer<typeof fileSchema> {
  return existsSync(KEPT) ? fileSchema.parse(JSON.parse(readFileSync(KEPT, 'utf8'))) : {};
}

/** Keeps the figures of a run in the repository. Figures that it does not have stay as they are. */
export function keep(run: BenchRun): void {
  const size = run.isQuick ? 'quick' : 'whole';
  const all = readKept();
  const figures = { ...all[size]?.figures };
  for (const { name, value } of run.figures) {
    const rule = COMPARED[name];
    if (rule && value !== null) figures[name] = { value, spread: rule.spread };
  }
  const { date, commit, machine } = run;
  all[size] = { date, commit, machine, figures };
  writeFileSync(KEPT, `${JSON.stringify(all, null, 2)}\n`);
}
