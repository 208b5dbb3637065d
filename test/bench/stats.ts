/** The value below which this share of the values lies; NaN without values. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

/** The median, and the spread: half the range as a share of the median. */
export interface Summary {
  median: number;
  spread: number;
}

/** Sums up repeated measurements of one figure. */
export function summarize(values: readonly number[]): Summary {
  const sorted = Float64Array.from(values).sort();
  const at = (index: number) => sorted[index] ?? Number.NaN;
  const middle = (sorted.length - 1) / 2;
  const median = (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2;
  const range = at(sorted.length - 1) - at(0);
  return { median, spread: median === 0 ? 0 : range / 2 / median };
}

/** The median. */
export const medianOf = (values: readonly number[]): number => summarize(values).median;
