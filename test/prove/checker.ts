import { agrees } from './agreement.ts';
import { isQuestion, type Operation, whenOf } from './history.ts';
import { knownOffers } from './known-offers.ts';
import { withSeatNumbers } from './numbers.ts';
import { carryOutAll, type KnownOffers, keyOf, type Model } from './rules.ts';

/** What the checker found. */
export interface Verdict {
  /** `undecided`: the search was given up, so nothing is proven. */
  type: 'linearizable' | 'violation' | 'undecided';
  /** The longest order that the rules explain, and the event after it. */
  order: Operation[];
  state: Model;
  /** The next answer by time, which does not fit after that order. */
  stuck: Operation | undefined;
  /** Steps of the search. */
  steps: number;
}

/** A point of the search: what was tried from here, and how it was reached. */
interface Frame {
  state: Model;
  candidates: number[];
  tried: number;
  /** What the candidate that was tried last can have led to beside what was entered. */
  others: Model[];
  /** The operation that led here. */
  via: number;
}

/** Steps after which the search is given up: a few seconds. */
const MAX_STEPS = 400_000;

/**
 * Decides whether the operations of one event can be put into one order that the rules explain and that respects
 * real time: an operation that was answered before another was sent comes first.
 *
 * The search of Wing and Gong with the memory of Lowe, as Porcupine does it: extend the order by any
 * operation that no unplaced answer precedes, go back when none fits, and never enter the same pair of
 * (operations placed, event) twice. An operation without an answer may be placed at any time after it
 * was sent, or left out. Of several with the same request only the first is tried: it can be placed wherever a
 * later one could.
 */
export function check(operations: Operation[], maxSteps = MAX_STEPS): Verdict {
  const all = withSeatNumbers(operations)
    .filter(({ request, outcome }) => outcome.type !== 'unknown' || !isQuestion(request))
    .sort((a, b) => a.sent - b.sent);
  const byAnswer = all
    .map((_, i) => i)
    .filter((i) => isAnswered(all[i]))
    .sort((a, b) => (all[a]?.answered ?? 0) - (all[b]?.answered ?? 0));
  const known = knownOffers(all);
  const placed = new Uint8Array(all.length);
  const visited = new Set<string>();
  const stack: Frame[] = [];
  let best: { order: number[]; state: Model; answered: number } = {
    order: [],
    state: null,
    answered: -1,
  };
  let answeredCount = 0;
  let steps = 0;

  const enter = (state: Model, via: number): void => {
    stack.push({ state, candidates: candidatesFrom(state), tried: 0, others: [], via });
    if (answeredCount > best.answered) {
      const order = stack.slice(1).map((frame) => frame.via);
      best = { order, state, answered: answeredCount };
    }
  };

  /** The operations to try next: answered ones by the time of their answer, then those without an answer. */
  const candidatesFrom = (state: Model): number[] => {
    const pressing = byAnswer.find((i) => !placed[i]);
    const horizon = (pressing === undefined ? undefined : all[pressing]?.answered) ?? 0;
    const answered = byAnswer.filter((i) => !placed[i] && (all[i]?.sent ?? 0) < horizon);
    // An operation that fits here and never changes anything can stay here: no other order needs to be tried.
    const idle = answered.find((i) => fitsIdly(state, all[i], known));
    if (idle !== undefined) return [idle];
    const unanswered: number[] = [];
    const asked = new Set<string>();
    for (const [i, operation] of all.entries()) {
      if (operation.sent >= horizon) break;
      if (placed[i] || isAnswered(operation)) continue;
      const kind = JSON.stringify(operation.request);
      if (asked.has(kind)) continue;
      asked.add(kind);
      // An unanswered operation that changes nothing explains nothing.
      const steps = carryOutAll(state, operation.request, undefined, whenOf(operation), known);
      if (steps.some(({ next }) => next !== state)) unanswered.push(i);
    }
    return [...answered, ...unanswered];
  };

  enter(null, -1);
  let frame = stack.at(-1);
  while (frame) {
    if (answeredCount === byAnswer.length) {
      const order = stack.slice(1).flatMap(({ via }) => all[via] ?? []);
      return { type: 'linearizable', order, state: frame.state, stuck: undefined, steps };
    }
    const isOther = frame.others.length > 0;
    const candidate = frame.candidates[isOther ? frame.tried - 1 : frame.tried++];
    const operation = candidate === undefined ? undefined : all[candidate];
    if (candidate === undefined || !operation) {
      stack.pop();
      if (frame.via >= 0) {
        placed[frame.via] = 0;
        if (isAnswered(all[frame.via])) answeredCount--;
      }
    } else {
      if (++steps > maxSteps) break;
      const { request, outcome } = operation;
      if (!isOther) {
        frame.others = carryOutAll(frame.state, request, outcome, whenOf(operation), known)
          .filter(({ expected }) => agrees(expected, outcome))
          .map(({ next }) => next);
      }
      const next = frame.others.shift();
      if (next !== undefined) {
        placed[candidate] = 1;
        const key = `${placed.join('')}/${keyOf(next)}`;
        if (visited.has(key)) {
          placed[candidate] = 0;
        } else {
          visited.add(key);
          if (isAnswered(operation)) answeredCount++;
          enter(next, candidate);
        }
      }
    }
    frame = stack.at(-1);
  }
  return {
    type: frame ? 'undecided' : 'violation',
    order: best.order.flatMap((i) => all[i] ?? []),
    state: best.state,
    stuck: all[byAnswer.find((i) => !best.order.includes(i)) ?? -1],
    steps,
  };
}

/**
 * Whether an operation fits here and never changes anything. That holds for questions and refusals only: an update
 * that changes nothing here may be needed elsewhere, to undo another one.
 */
function fitsIdly(state: Model, operation: Operation | undefined, known: KnownOffers): boolean {
  if (!operation) return false;
  if (!isQuestion(operation.request) && operation.outcome.type !== 'refused') return false;
  const { request, outcome } = operation;
  return carryOutAll(state, request, outcome, whenOf(operation), known).some(
    ({ expected, next }) => next === state && agrees(expected, outcome),
  );
}

function isAnswered(operation: Operation | undefined): boolean {
  return operation !== undefined && operation.answered !== Number.POSITIVE_INFINITY;
}
