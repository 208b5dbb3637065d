import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { LAYOUT, openMetrics, type Point } from '../../src/object/metrics.ts';

const ROOT = join(import.meta.dirname, '../..');
const text = readFileSync(join(ROOT, 'docs/dashboard.md'), 'utf8');

/** The queries by their headings. */
const queries = new Map(
  text
    .split(/^## /m)
    .slice(1)
    .map((section): [string, string] => [
      section.split('\n', 1)[0] ?? '',
      /```sql\n(.*?)```/s.exec(section)?.[1] ?? '',
    ]),
);

const column = (kind: string) => (name: string, i: number) => [`${kind}${i + 1}`, name];
const COLUMNS = [
  ['index1', 'event'],
  ...LAYOUT.blobs.map(column('blob')),
  ...LAYOUT.doubles.map(column('double')),
];

/**
 * Analytics Engine for as much of its SQL as the queries use: SQLite, with what it lacks as functions,
 * and the two forms that it can't parse written as calls.
 */
class Engine {
  readonly #db = new DatabaseSync(':memory:');

  constructor() {
    const columns = COLUMNS.map(([name]) => name).join(', ');
    this.#db.exec(`CREATE TABLE registration_production (timestamp, _sample_interval, ${columns})`);
    this.#db.function('NOW', () => Date.now() / 1_000);
    this.#db.function(
      'toStartOfInterval',
      (time, step) => Number(time) - (Number(time) % Number(step)),
    );
    this.#db.aggregate('quantile', {
      // What is kept between rows has to be a value of SQL's: a list as JSON, the level before the rest.
      start: '[]',
      step: (kept, level, value, weight) => {
        const [, ...seen] = JSON.parse(String(kept)) as number[];
        return JSON.stringify([level, ...seen, ...Array(Number(weight)).fill(value)]);
      },
      result: (kept) => {
        const [level = 0, ...seen] = JSON.parse(String(kept)) as number[];
        return seen.sort((a, b) => a - b)[Math.floor(seen.length * level)] ?? null;
      },
    });
  }

  /** Writes a point as the code does, within one minute; `weight` is the number of points that it stands for. */
  write(event: string, point: Partial<Point>, { minutesAgo = 1, weight = 1 } = {}): void {
    const minute = Math.floor(Date.now() / 60_000) - minutesAgo;
    const dataset: AnalyticsEngineDataset = {
      writeDataPoint: ({ indexes = [], blobs = [], doubles = [] } = {}) => {
        const values = [minute * 60 + 5, weight, ...indexes, ...blobs, ...doubles];
        const marks = values.map(() => '?').join(', ');
        this.#db
          .prepare(`INSERT INTO registration_production VALUES (${marks})`)
          .run(...(values as (string | number)[]));
      },
    };
    openMetrics(
      dataset,
      event,
    )({
      ...{ kind: 'commit', outcome: 'committed', cause: '', ms: 10, batch: 1 },
      ...{ queue: 0, attempts: 1, throttles: 0, promotions: 0 },
      ...{ delivered: 0, undelivered: 0, gaveUp: 0, pending: 0, ...point },
    });
  }

  /** Runs the query of a heading. */
  run(heading: string): Record<string, unknown>[] {
    const units: Record<string, number> = { MINUTE: 60, HOUR: 3_600 };
    const sql = (queries.get(heading) ?? '')
      .replace(/INTERVAL '(\d+)' (\w+)/g, (_, n, unit) => String(Number(n) * (units[unit] ?? 0)))
      .replace(/quantileExactWeighted\(([\d.]+)\)\(/g, 'quantile($1, ');
    const rows = this.#db.prepare(sql).all();
    return rows.map(({ minute: _, ...row }) => row);
  }
}

describe('the dashboard', () => {
  test('has the columns as the code writes them', () => {
    const told = [...text.matchAll(/^\| `(\w+)` \| (\w+) \|/gm)].map(([, name, is]) => [name, is]);
    expect(told).toEqual(COLUMNS);
  });

  test('asks for commits alone, and weights them by their sampling', () => {
    const engine = new Engine();
    engine.write('gala', {}, { weight: 110 });
    engine.write('gala', {}, { weight: 10 });
    engine.write('gala', { outcome: 'fenced' });
    engine.write('gala', { kind: 'load', outcome: 'loaded' });
    engine.write('gala', {}, { minutesAgo: 90 });
    expect(engine.run('Commits a second')).toEqual([{ commits_per_second: 2 }]);
  });

  test('asks for the size of batches', () => {
    const engine = new Engine();
    engine.write('gala', { batch: 10 }, { weight: 3 });
    engine.write('gala', { batch: 50 });
    engine.write('gala', { kind: 'load', outcome: 'loaded', batch: 100_000 });
    expect(engine.run('Batch size')).toEqual([{ mean_batch: 20, max_batch: 50 }]);
  });

  test('asks which queue is the longest', () => {
    const engine = new Engine();
    engine.write('quiet', { queue: 1 });
    engine.write('gala', { queue: 7 });
    engine.write('gala', { queue: 900 });
    expect(engine.run('Queue depth')).toEqual([
      { event: 'gala', max_queue: 900 },
      { event: 'quiet', max_queue: 1 },
    ]);
  });

  test('asks how long commits and loads take', () => {
    const engine = new Engine();
    engine.write('gala', { ms: 20 }, { weight: 90 });
    engine.write('gala', { ms: 400 }, { weight: 10 });
    engine.write('gala', { kind: 'load', outcome: 'loaded', ms: 3_000 });
    expect(engine.run('Commit time')).toEqual([{ p50_ms: 20, p99_ms: 400 }]);
    expect(engine.run('Load time')).toEqual([{ loads: 1, p99_ms: 3_000 }]);
  });

  test('asks for retries and throttles, by event', () => {
    const engine = new Engine();
    engine.write('gala', { attempts: 4, throttles: 2 }, { weight: 2 });
    engine.write('quiet', { attempts: 1 });
    engine.write('broken', { outcome: 'failed', attempts: 0 });
    expect(engine.run('Retries and throttles')).toEqual([
      { event: 'gala', retries: 6, throttles: 4 },
      { event: 'quiet', retries: 0, throttles: 0 },
    ]);
  });

  test('asks for lost fences and for promotions', () => {
    const engine = new Engine();
    engine.write('gala', { outcome: 'fenced' }, { weight: 3 });
    engine.write('gala', { promotions: 2 }, { weight: 4 });
    expect(engine.run('Fence losses')).toEqual([{ event: 'gala', fence_losses: 3 }]);
    expect(engine.run('Promotions')).toEqual([{ promotions: 8 }]);
  });

  test('asks what failed, and why', () => {
    const engine = new Engine();
    const cause = 'DynamoDB refuses the call: UnrecognizedClientException';
    engine.write('gala', { kind: 'load', outcome: 'failed', cause }, { weight: 2 });
    engine.write('gala', {});
    expect(engine.run('What failed, and why')).toEqual([
      { kind: 'load', outcome: 'failed', cause, times: 2 },
    ]);
  });

  test('asks how far messages have come, and which endpoints fail', () => {
    const engine = new Engine();
    const delivery = { kind: 'delivery', outcome: 'delivered' } as const;
    engine.write('gala', { ...delivery, delivered: 40, pending: 3 }, { weight: 2 });
    engine.write('gala', {
      ...{ ...delivery, outcome: 'failed', cause: 'timeout' },
      ...{ undelivered: 5, gaveUp: 1, pending: 9 },
    });
    engine.write('quiet', { ...delivery, delivered: 1 });
    expect(engine.run('Messages')).toEqual([
      { delivered: 81, undelivered: 5, gave_up: 1, max_pending: 9 },
    ]);
    expect(engine.run('Failing endpoints')).toEqual([
      { event: 'gala', cause: 'timeout', undelivered: 5, gave_up: 1, max_pending: 9 },
    ]);
  });

  test('has no query that is not run here', () => {
    expect([...queries.keys()].sort()).toEqual(
      [
        ...['Batch size', 'Commit time', 'Commits a second', 'Fence losses', 'Load time'],
        ...['Failing endpoints', 'Messages'],
        ...['Promotions', 'Queue depth', 'Retries and throttles', 'What failed, and why'],
      ].sort(),
    );
  });
});
