import { parseArgs } from 'node:util';

/** What can be asked of the campaign. */
export const USAGE = `npm run prove [-- OPTIONS]: tries to break the promises, and tells whether it could

  --runs N       seeded histories (default 400)
  --first N      the seed of the first one (default: drawn from the clock, and printed)
  --seed N       only the history of this seed
  --minutes M    go on for M minutes instead
  --slice        a short piece of it, for the tests
  --mutations    only the check of the campaign itself: each defect put in on purpose must be found
  --no-mutations leave that check out
  --defect TEXT  that check, of the defects only whose name has this text in it
  --behaviour    only the measurements: overload, a DynamoDB that hangs, throttling,
                 replays of used keys, hostile requests
  --no-behaviour leave them out
  --parallel N   histories at a time (default 4)`;

/** How long the histories of the whole campaign may take. */
const RUNS_MAX_MS = 12 * 60_000;
const RUNS = 400;
/** The bounds of `--slice`. */
const SLICE_MAX_MS = 30_000;
const SLICE_RUNS = 20;

/** What the campaign is to do. */
export interface Options {
  firstSeed: number;
  runs: number;
  maxMs: number;
  parallel: number;
  provesProduct: boolean;
  provesCampaign: boolean;
  /** What the name of a defect must have in it. */
  defect: string;
  measures: boolean;
}

/** Reads the command line; null when it asks for help or makes no sense. */
export function readOptions(args: string[]): Options | null {
  const { values } = parseArgs({
    args,
    options: {
      runs: { type: 'string' },
      first: { type: 'string' },
      seed: { type: 'string' },
      minutes: { type: 'string' },
      slice: { type: 'boolean', default: false },
      mutations: { type: 'boolean' },
      defect: { type: 'string' },
      behaviour: { type: 'boolean' },
      parallel: { type: 'string', default: '4' },
      help: { type: 'boolean', default: false },
    },
    allowNegative: true,
  });
  const { seed, slice, minutes, behaviour, defect } = values;
  const mutations = values.mutations ?? (defect === undefined ? undefined : true);
  // Asked for by name, a part comes alone; the whole has all three.
  const isPart = mutations === true || behaviour === true;
  const isShort = seed !== undefined || slice || minutes !== undefined;
  const isWhole = !isPart && !isShort;
  const byTime = minutes === undefined ? undefined : Number(minutes) * 60_000;
  const options: Options = {
    firstSeed: Number(seed ?? values.first ?? (Date.now() % 1_000_000_000) + 1),
    runs: seed !== undefined ? 1 : slice ? SLICE_RUNS : Number(values.runs ?? RUNS),
    maxMs: slice ? SLICE_MAX_MS : RUNS_MAX_MS,
    parallel: Number(values.parallel),
    provesProduct: !isPart,
    provesCampaign: mutations ?? isWhole,
    defect: defect ?? '',
    measures: behaviour ?? isWhole,
  };
  if (byTime !== undefined)
    Object.assign(options, { runs: Number.MAX_SAFE_INTEGER, maxMs: byTime });
  const { firstSeed, runs, maxMs, parallel } = options;
  const isSensible = [firstSeed, runs, maxMs, parallel].every((n) => Number.isFinite(n) && n > 0);
  return values.help || !isSensible ? null : options;
}
