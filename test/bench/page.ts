import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './build.ts';
import type { BenchRun } from './figures.ts';
import { RATES } from './platform.ts';
import { boundOf, isMet, TARGETS, type Target } from './targets.ts';

/** The page, and the marks between which its table lies. */
export const PAGE = join(ROOT, 'docs/performance.md');
const BEGIN = '<!-- figures: written by `npm run bench -- --page FILE` -->';
const END = '<!-- end of the figures -->';

const UNITS: Record<string, string> = {
  ratio: '',
  'registrations/s': '/s',
  'calls/read': '',
  calls: '',
  'KiB gzip': ' KiB',
  'KB/watcher': ' KB',
  'units/registration': '',
  requests: '',
  messages: '',
  'calls/s': '/s',
};

const text = (value: number): string =>
  value.toLocaleString('en', { maximumSignificantDigits: 4 }).replaceAll(',', ' ');

const shown = (value: number | null, unit: string): string =>
  value === null ? 'not measured' : `${text(value)}${UNITS[unit] ?? ` ${unit}`}`;

/** The value of a figure in a run, as the page shows it. */
function cellOf({ figures }: BenchRun, name: string): string {
  const figure = figures.findLast((one) => one.name === name);
  return figure ? shown(figure.value, figure.unit) : shown(null, '');
}

/** Whether every run that has the figure keeps its target; null where none has it, or it has no target. */
function isMetInAll(runs: readonly BenchRun[], name: string, target: Target): boolean | null {
  const verdicts = runs.flatMap(({ figures }) => {
    const value = figures.findLast((one) => one.name === name)?.value ?? null;
    return value === null ? [] : [isMet(target, value)];
  });
  return verdicts.length === 0 || verdicts.includes(null) ? null : !verdicts.includes(false);
}

/** The table of the figures, with a column for each run, and what was run. */
export function toTable(runs: readonly BenchRun[]): string {
  const rows = Object.entries(TARGETS).map(([name, target]) => {
    const met = isMetInAll(runs, name, target);
    const verdict = met === null ? '' : met ? 'met' : '**missed**';
    const values = runs.map((run) => cellOf(run, name)).join(' | ');
    return `| \`${name}\` | ${target.what} | ${values} | ${boundOf(target) ?? ''} | ${verdict} |`;
  });
  const sources = runs.map(({ date, commit, machine, loadBefore, isQuick }) => {
    const command = isQuick ? 'npm run bench -- --quick' : 'npm run bench';
    return `\`${command}\` on ${date} at ${commit}: ${machine}; load ${loadBefore} before it began.${isQuick ? ' Sizes are smaller than the rows say.' : ''}`;
  });
  const heads = runs.map((_, i) => (i === 0 ? 'measured' : 'again'));
  return [
    ...[...new Set(sources)].map((source, i) => (i === 0 ? source : `\n${source}`)),
    '',
    `| figure | what | ${heads.join(' | ')} | target | |`,
    `|---|---|${'---|'.repeat(runs.length)}---|---|`,
    ...rows,
    '',
    'One event on the simulated platform:',
    '',
    '| offered | carried out | p50 | p99 | refused |',
    '|---|---|---|---|---|',
    ...RATES.map((rate) => {
      const cells = ['throughput', 'p50-ms', 'p99-ms', 'refused'].map((what) =>
        runs.map((run) => cellOf(run, `platform${rate}-${what}`)).join(', '),
      );
      return `| ${text(rate)}/s | ${cells.join(' | ')} |`;
    }),
  ].join('\n');
}

/**
 * Puts a table between the marks of a page.
 *
 * @throws Error when a mark is missing
 */
export function withTable(page: string, table: string): string {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) throw new Error('the page has no marks for the figures');
  return `${page.slice(0, begin + BEGIN.length)}\n\n${table}\n\n${page.slice(end)}`;
}

/** Writes the table of some runs into the page. */
export function writePage(runs: readonly BenchRun[]): void {
  writeFileSync(PAGE, withTable(readFileSync(PAGE, 'utf8'), toTable(runs)));
}
