/** A figure that the page of the performance shows, and the bound that it must not fall below, or not exceed. */
export interface Target {
  /** What it is, as a part of a sentence. */
  what: string;
  least?: number;
  most?: number;
}

/** In the order of the page's table. */
export const TARGETS: Record<string, Target> = {
  'hot-over-postgres': {
    what: 'one hot event, 64 connections: throughput over that of a row lock in PostgreSQL',
    least: 3,
  },
  'hot256-over-postgres': { what: 'the same, 256 connections', least: 3 },
  'hot-over-postgres-apart': {
    what: 'the same, each with its database as far away as it would be, 64 connections',
  },
  'hot256-over-postgres-apart': { what: 'the same, 256 connections' },
  'hot-over-postgres-function': {
    what: 'over one call of a function in PostgreSQL, 64 connections',
  },
  'hot256-over-postgres-function': { what: 'the same, 256 connections' },
  'hot-cpu-over-floor': {
    what: "the worker's CPU for a registration, over the floor's",
    most: 1.5,
  },
  'hot256-cpu-over-floor': { what: 'the same, 256 connections' },
  'hot-known-over-ceiling': {
    what: "throughput over the ceiling's, when the isolate knows the users",
    least: 0.8,
  },
  'hot-over-ceiling': { what: 'the same, when each user has to be looked up', least: 0.72 },
  'hot-stub-known-over-ceiling': {
    what: 'known users, and a database that costs no CPU of this machine',
  },
  'hot-stub-over-ceiling': { what: 'the same, when each user has to be looked up' },
  'hot256-known-over-ceiling': { what: 'known users, 256 connections' },
  'hot256-over-ceiling': { what: 'the same, when each user has to be looked up' },
  'warm-calls': { what: 'calls of DynamoDB for one registration in a warm event', most: 1 },
  'warm-over-floor-ms': { what: "one registration alone, less the floor's", most: 0.6 },
  'rtt20-throughput': { what: 'a database 20 ms away, 256 connections', least: 3_000 },
  'rtt20-unknown-throughput': { what: 'the same, when each user has to be looked up' },
  'rtt50-throughput': { what: 'a database 50 ms away', least: 1_500 },
  'rtt50-unknown-throughput': { what: 'the same, when each user has to be looked up' },
  growth: { what: 'throughput with 100 000 people in the event, over none', least: 0.95 },
  'write-units': { what: 'write units of a registration in a storm, with the log', most: 4.45 },
  'no-log-write-units': { what: 'the same with `LOG_DAYS=0`', most: 4.1 },
  'raise-seconds': { what: 'a raise that promotes 10 000, at 25 ms a transaction' },
  'raise-others-p99-ms': { what: 'those who read, register and leave meanwhile, p99' },
  'raise-idle-p99-ms': { what: 'the same without a raise' },
  'raise-refused': { what: 'those who were refused meanwhile', most: 0 },
  'read-calls': { what: 'calls of DynamoDB for a read during a storm', most: 0 },
  'cached-reads': { what: 'calls of the object a second, for reads near the caller', most: 2 },
  'offers-handed-on-seconds': {
    what: '1 000 offers that end together, until the last is offered to the next',
    most: 2,
  },
  'cold-small-ms': {
    what: 'a cold event of 1 000, 60 ms a page, until the first answer',
    most: 160,
  },
  'cold-full-ms': { what: 'the same of 100 000 seated and 100 000 in line', most: 3_000 },
  'cold-full-longest-ms': { what: 'the same with the longest ids' },
  'cold-over-query': { what: 'a cold event of 10 000, over the bare query of its rows' },
  'webhook-p99-ms': { what: 'from a request that promotes to the message, p99', most: 1_000 },
  'webhook-undelivered': { what: 'messages of a storm that did not come', most: 0 },
  'webhook-dead-over-none': {
    what: 'throughput beside an endpoint that never answers, over none',
    least: 0.95,
  },
  'live-storm-with-over-without': {
    what: 'throughput beside 1 000 watchers, over none',
    least: 0.9,
  },
  'live-p99-ms': { what: 'from the decision until a watcher knows, p99', most: 1_000 },
  'live-watcher-kb': { what: 'the heap that a watcher takes' },
  'memory-mb': { what: "an object's heap with 200 000 people, ids of 12 characters" },
  'memory-longest-mb': { what: 'the same with the longest ids' },
  'memory-longest-peak-mb': {
    what: 'the heap while 200 000 with the longest ids are loaded and served',
    most: 100,
  },
  'bundle-kib': { what: 'the worker, gzip', most: 150 },
  // The platform's limit is a second.
  'startup-ms': { what: 'from the start of the process to the first answer', most: 200 },
};

/** A bound in words; null without one. */
export function boundOf({ least, most }: Target): string | null {
  const text = (value: number) => value.toLocaleString('en').replaceAll(',', ' ');
  if (least !== undefined) return `≥ ${text(least)}`;
  return most === undefined ? null : `≤ ${text(most)}`;
}

/** Whether a value keeps a target; null without a bound. A figure that could not be measured is NaN, which keeps none. */
export function isMet({ least, most }: Target, value: number): boolean | null {
  if (least !== undefined) return value >= least;
  return most === undefined ? null : value <= most;
}
