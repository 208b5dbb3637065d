import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './build.ts';
import type { BenchRun } from './figures.ts';
import { RATES } from './platform.ts';
import { boundOf, isMet, TARGETS } from './targets.ts';

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

const NOT_MEASURED = { value: null, unit: '' };
const shown = (value: number | null, unit: string): string =>
  value === null ? 'not measured' : `${text(value)}${UNITS[unit] ?? ` ${unit}`}`;

/**
 * The table of the figures, and what was run.
 *
 * @param runs of several, the later ones count where both have a figure
 */
export function toTable(runs: readonly BenchRun[]): string {
  const measured = new Map(
    runs.flatMap(({ figures }) => figures.map((figure) => [figure.name, figure] as const)),
  );
  const rows = Object.entries(TARGETS).map(([name, target]) => {
    const { value, unit } = measured.get(name) ?? NOT_MEASURED;
    const met = value === null ? null : isMet(target, value);
    const verdict = met === null ? '' : met ? 'met' : '**missed**';
    return `| \`${name}\` | ${target.what} | ${shown(value, unit)} | ${boundOf(target) ?? ''} | ${verdict} |`;
  });
  const sources = runs.map(({ date, commit, machine, loadBefore, isQuick }) => {
    const command = isQuick ? 'npm run bench -- --quick' : 'npm run bench';
    return `\`${command}\` on ${date} at ${commit}: ${machine}; load ${loadBefore} before it began.${isQuick ? ' Sizes are smaller than the rows say.' : ''}`;
  });
  return [
    ...[...new Set(sources)],
    '',
    '| figure | what | measured | target | |',
    '|---|---|---|---|---|',
    ...rows,
    '',
    'One event on the simulated platform:',
    '',
    '| offered | carried out | p50 | p99 | refused |',
    '|---|---|---|---|---|',
    ...RATES.map((rate) => {
      const cells = ['throughput', 'p50-ms', 'p99-ms', 'refused'].map((what) => {
        const { value, unit } = measured.get(`platform${rate}-${what}`) ?? NOT_MEASURED;
        return shown(value, unit);
      });
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
