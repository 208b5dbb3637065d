import { check, type Verdict } from './checker.ts';
import { isChange, isQuestion, leftOpen, type Operation } from './history.ts';

/** How long shrinking may take: a smaller history is only a convenience. */
const SHRINK_TIMEOUT_MS = 5_000;
/** Steps of one check while shrinking. */
const SHRINK_MAX_STEPS = 50_000;

/**
 * Makes a history that breaks a promise smaller, by steps that cannot make a good one bad:
 * - cut it off after an answer: operations without an answer by then stay open;
 * - leave out an operation that changes nothing (a read or a refusal);
 * - remove the answer of an acknowledged change, so that it may have happened or not.
 */
export function shrink(operations: Operation[]): {
  operations: Operation[];
  /** The verdict on the history after the cut, before any answer was removed. */
  verdict: Verdict;
} {
  const deadline = performance.now() + SHRINK_TIMEOUT_MS;
  const isBad = (some: Operation[]) => check(some, SHRINK_MAX_STEPS).type === 'violation';

  const beginning = cutOff(operations, isBad);
  let smallest = beginning;
  for (const operation of [...smallest].reverse()) {
    if (performance.now() > deadline) break;
    if (operation.outcome.type === 'unknown') continue;
    const without = smallest.filter((each) => each !== operation);
    const weaker = isChange(operation.outcome) ? [...without, forget(operation)] : without;
    if (isBad(weaker)) smallest = weaker;
  }
  smallest.sort((a, b) => a.sent - b.sent);
  return { operations: smallest, verdict: check(beginning) };
}

/** The shortest beginning that is bad. It exists because every beginning of a good history is good. */
function cutOff(operations: Operation[], isBad: (some: Operation[]) => boolean): Operation[] {
  const moments = operations
    .map(({ answered }) => answered)
    .filter(Number.isFinite)
    .sort((a, b) => a - b);
  const until = (moment: number) =>
    operations
      .filter(({ sent }) => sent < moment)
      .map((operation) => (operation.answered > moment ? forget(operation) : operation))
      .filter(({ request, outcome }) => outcome.type !== 'unknown' || !isQuestion(request));
  let low = 0;
  let high = moments.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBad(until(moments[middle] ?? 0))) high = middle;
    else low = middle + 1;
  }
  const shortest = until(moments[low] ?? Number.POSITIVE_INFINITY);
  return isBad(shortest) ? shortest : operations;
}

function forget(operation: Operation): Operation {
  const { outcome } = operation;
  return leftOpen(operation, outcome.type === 'unknown' ? outcome.why : 'whatever it was told');
}
