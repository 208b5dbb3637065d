import { writeFileSync } from 'node:fs';
import { say } from '../../src/cli/terminal.ts';

/** A measured figure; `target` and `met` are null if nothing is promised. */
export interface Figure {
  name: string;
  value: number;
  unit: string;
  target: string | null;
  met: boolean | null;
}

/** A promise: a bound that a figure must not fall below, or not exceed. */
const TARGETS: Record<string, { least: number } | { most: number }> = {
  'hot-over-postgres': { least: 3 },
  'hot256-over-postgres': { least: 3 },
  'hot-cpu-over-floor': { most: 1.5 },
  'hot-known-over-ceiling': { least: 0.8 },
  'hot-over-ceiling': { least: 0.72 },
  'warm-calls': { most: 1 },
  'warm-over-floor-ms': { most: 0.6 },
  'rtt20-throughput': { least: 3_000 },
  'rtt50-throughput': { least: 1_500 },
  growth: { least: 0.95 },
  'write-units': { most: 4.45 },
  'no-log-write-units': { most: 4.1 },
  'raise-refused': { most: 0 },
  'read-calls': { most: 0 },
  'cached-reads': { most: 2 },
  'offers-handed-on-seconds': { most: 2 },
  // One round trip of 60 ms, and 100.
  'cold-small-ms': { most: 160 },
  'cold-full-ms': { most: 3_000 },
  'webhook-p99-ms': { most: 1_000 },
  'webhook-undelivered': { most: 0 },
  'webhook-dead-over-none': { least: 0.95 },
  'live-storm-with-over-without': { least: 0.9 },
  'live-p99-ms': { most: 1_000 },
  'memory-longest-peak-mb': { most: 100 },
  'bundle-kib': { most: 150 },
  // The platform's limit is a second.
  'startup-ms': { most: 200 },
};

/** Collects figures; prints each when it comes, and all of them at the end. */
export class Figures {
  readonly #all: Figure[] = [];

  /** @param note additional text for a person, such as the spread */
  add(name: string, value: number, unit: string, note = ''): void {
    const bound = TARGETS[name];
    const rounded = Number(value.toPrecision(4));
    let target: string | null = null;
    let met: boolean | null = null;
    if (bound) {
      const isLeast = 'least' in bound;
      target = isLeast ? `>= ${bound.least}` : `<= ${bound.most}`;
      // A figure that could not be measured is NaN, which meets no promise.
      met = isLeast ? rounded >= bound.least : rounded <= bound.most;
    }
    this.#all.push({ name, value: rounded, unit, target, met });
    say(`    ${name.padEnd(44)} ${String(rounded).padStart(10)} ${unit}${note && `  (${note})`}`);
  }

  /** Writes all figures as JSON. */
  save(file: string): void {
    writeFileSync(file, `${JSON.stringify(this.#all, null, 2)}\n`);
  }

  /** Prints the promised figures, and whether each was reached. */
  report(): void {
    say('');
    say(
      `${'figure'.padEnd(30)}${'value'.padStart(10)}  ${'unit'.padEnd(18)}${'target'.padEnd(12)}met`,
    );
    for (const { name, value, unit, target, met } of this.#all) {
      if (target === null) continue;
      const verdict = met ? 'yes' : 'NO';
      say(
        `${name.padEnd(30)}${String(value).padStart(10)}  ${unit.padEnd(18)}${target.padEnd(12)}${verdict}`,
      );
    }
  }
}
