import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { COMPARED, compare } from './compare.ts';
import type { BenchRun } from './figures.ts';
import { PAGE, toTable, withTable } from './page.ts';
import { TARGETS } from './targets.ts';

const run = (...figures: BenchRun['figures']): BenchRun => ({
  ...{ date: '2026-01-01', commit: 'abc', machine: 'a machine', loadBefore: 0, isQuick: false },
  figures,
});
const kept = {
  ...{ date: '2026-01-01', commit: 'abc', machine: 'a machine' },
  figures: {
    'hot-over-ceiling': { value: 1, spread: 0.25 },
    'write-units': { value: 4, spread: 0.01 },
    'raise-refused': { value: 0, spread: 0 },
  },
};
const isWorse = (name: string, value: number | null) =>
  compare(run({ name, value, unit: '' }), kept).map((one) => one.isWorse);

test('a figure is worse beyond its spread, on its worse side alone', () => {
  expect(isWorse('hot-over-ceiling', 0.75)).toEqual([false]);
  expect(isWorse('hot-over-ceiling', 0.749)).toEqual([true]);
  expect(isWorse('hot-over-ceiling', 2)).toEqual([false]);
  expect(isWorse('write-units', 4.04)).toEqual([false]);
  expect(isWorse('write-units', 4.05)).toEqual([true]);
  expect(isWorse('write-units', 1)).toEqual([false]);
  expect(isWorse('raise-refused', 0)).toEqual([false]);
  expect(isWorse('raise-refused', 1)).toEqual([true]);
});

test('a figure that could not be measured is worse, and one that is not kept is left out', () => {
  expect(isWorse('write-units', null)).toEqual([true]);
  expect(isWorse('growth', 1)).toEqual([]);
});

test('the table tells of each figure whether it was met, missed or not measured', () => {
  const table = toTable([
    run(
      { name: 'growth', value: 0.95, unit: 'ratio' },
      { name: 'startup-ms', value: 1_234, unit: 'ms' },
    ),
  ]);
  const rowOf = (name: string) => table.split('\n').find((line) => line.includes(`\`${name}\``));
  expect(rowOf('growth')).toContain('| 0.95 | ≥ 0.95 | met |');
  expect(rowOf('startup-ms')).toContain('| 1 234 ms | ≤ 200 | **missed** |');
  expect(rowOf('read-calls')).toContain('| not measured | ≤ 0 |  |');
});

test('a figure that one run misses is missed, and each run has a column', () => {
  const table = toTable([
    run({ name: 'growth', value: 1, unit: 'ratio' }),
    run({ name: 'growth', value: 0.9, unit: 'ratio' }),
  ]);
  expect(table).toContain('| figure | what | measured | again | target | |');
  expect(table).toMatch(/`growth` .* \| 1 \| 0\.9 \| ≥ 0\.95 \| \*\*missed\*\* \|/);
});

test('the page has a row for each figure, with its target', () => {
  const page = readFileSync(PAGE, 'utf8');
  for (const line of toTable([run()])
    .split('\n')
    .filter((one) => one.startsWith('| `'))) {
    const [, name = '', what = '', , bound = ''] = line.split(' | ').join('|').split('|');
    const row = page.split('\n').find((one) => one.startsWith(`| ${name.trim()} |`));
    expect(row, name).toContain(what.trim());
    expect(row, name).toContain(`| ${bound} |`);
  }
  expect(withTable(page, 'a table')).toContain('a table');
});

test('what is compared has no absolute figure', () => {
  for (const name of Object.keys(COMPARED)) {
    expect(name).not.toMatch(/-(ms|seconds|throughput|mb)$/);
    // The size of the worker is the same everywhere.
    if (name in TARGETS) expect(TARGETS[name]?.what.length).toBeGreaterThan(0);
  }
});
