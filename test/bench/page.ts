import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './build.ts';
import type { BenchRun } from './figures.ts';
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
  'units/registration': '',
  requests: '',
  messages: '',
  'calls/s': '/s',
};

const text = (value: number): string =>
  value.toLocaleString('en', { maximumSignificantDigits: 4 }).replaceAll(',', ' ');

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
    const { value, unit } = measured.get(name) ?? { value: null, unit: '' };
    const shown = value === null ? 'not measured' : `${text(value)}${UNITS[unit] ?? ` ${unit}`}`;
    const met = value === null ? null : isMet(target, value);
    const verdict = met === null ? '' : met ? 'met' : '**missed**';
    return `| \`${name}\` | ${target.what} | ${shown} | ${boundOf(target) ?? ''} | ${verdict} |`;
  });
  const sources = runs.map(({ date, commit, machine, loadBefore, isQuick }) => {
    const command = isQuick ? 'npm run bench -- --quick' : 'npm run bench';
    return `\`${command}\` on ${date} at ${commit}: ${machine}; load ${loadBefore} before it began.`;
  });
  return [
    ...[...new Set(sources)],
    '',
    '| figure | what | measured | target | |',
    '|---|---|---|---|---|',
    ...rows,
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
