import { ERASURE_PAUSE_MS } from '../../src/limits.ts';
import type { Random } from './random.ts';

/** What can happen to one call to DynamoDB. */
export type Fault =
  /** It takes longer than usual. */
  | 'slow'
  /** The connection drops before the call arrives. */
  | 'lost call'
  /** The call is carried out, and the connection drops before the answer. */
  | 'lost answer'
  /** The call is carried out, and the connection drops in the middle of the answer. */
  | 'cut answer'
  /** 500, and nothing was done. */
  | 'error'
  /** 500, though it was carried out. */
  | 'error after'
  /** Refused for lack of throughput, by one of the names that DynamoDB has for it. */
  | 'throttled'
  /** Refused because another transaction holds an item. */
  | 'conflict'
  /** Never answered, never carried out. */
  | 'hang'
  /** Carried out once the caller has given up, and never answered. */
  | 'late'
  /** Some keys of a batch are left unprocessed. */
  | 'unprocessed';

/** How an index behaves during a run. */
export interface IndexWeather {
  /** Share of the rows that reach the index late, and leave it late. */
  lateShare: number;
  /** How late at most. */
  lagMs: number;
  /** Share of the queries that are answered in pages of a few rows. */
  pagedShare: number;
}

/** What a run does to the calls between worker and DynamoDB. */
export interface Weather {
  weights: Partial<Record<Fault, number>>;
  /** Share of the calls that get a fault. */
  rate: number;
  /** The share during a storm. Storms begin and end after numbers of calls. */
  stormRate: number;
  stormEvery: number;
  stormCalls: number;
  slowMs: number;
  /** How long every transaction takes at least, by the number of the worker that sends it. */
  transactionMs: number[];
  /** How long after the caller gave up a late call is carried out, at most. */
  lateMs: number;
  /** How far the indexes by user are behind at most. */
  userLagMs: number;
  index: IndexWeather;
}

const FAULTS: Fault[] = [
  'slow',
  'lost call',
  'lost answer',
  'cut answer',
  'error',
  'error after',
  'throttled',
  'conflict',
  'hang',
  'late',
  'unprocessed',
];

/** Weather without faults. */
export const CALM: Weather = {
  weights: {},
  rate: 0,
  stormRate: 0,
  stormEvery: 0,
  stormCalls: 0,
  slowMs: 0,
  transactionMs: [],
  lateMs: 0,
  userLagMs: 0,
  index: { lateShare: 0, lagMs: 0, pagedShare: 0 },
};

/**
 * Draws the weather of a run. Each run leaves out some faults and exaggerates others, so that the same fault can
 * strike twice in a row. With all faults mixed evenly that would be rare.
 *
 * @param scale 1 for the product's own deadlines, less when they are cut short
 */
export function drawWeather(random: Random, scale: number): Weather {
  const weights: Partial<Record<Fault, number>> = { slow: 1 };
  for (const fault of FAULTS) if (random.chance(0.5)) weights[fault] = random.between(0.2, 3);
  return {
    weights,
    rate: random.pick([0.03, 0.1, 0.2, 0.35]),
    stormRate: random.pick([0.5, 0.8, 0.95]),
    stormEvery: random.int(20, 80),
    stormCalls: random.int(0, 8),
    slowMs: random.pick([5, 20, 60]),
    transactionMs: [],
    lateMs: random.between(100, 1_500) * scale,
    userLagMs: ERASURE_PAUSE_MS * scale,
    index: {
      lateShare: random.pick([0, 0.3, 0.7, 1]),
      lagMs: random.pick([200, 800, 3_000]) * scale,
      pagedShare: random.pick([0, 0.3, 0.9]),
    },
  };
}
