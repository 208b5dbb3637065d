import { CHANGE_MAX_LISTED } from '../limits.ts';
import { type Batch, type Decided, isUpdate } from './batch.ts';
import type { Updated } from './command.ts';
import { owedBy, toRegistration } from './rules/seating.ts';
import type { Change } from './state.ts';

/**
 * An update that is decided, and whose seats are given to the line step by step. It is answered with the last of
 * them, so that the answer tells who got one. Updates take no idempotency key: it would have to keep an outcome that
 * is not known yet.
 */
export interface OpenUpdate extends Decided {
  /** Lists and counts those who got a seat so far. */
  outcome: Updated;
  /** Seats that are still to be given. */
  left: number;
}

/** What becomes of open updates by a batch. */
export interface Advance {
  open: OpenUpdate[];
  done: OpenUpdate[];
}

/** An outcome with the seats that were given, up to `CHANGE_MAX_LISTED` of a kind; others are only counted. */
function withGiven(outcome: Updated, given: Change[]): Updated {
  const promoted = [...outcome.promoted];
  const offered = [...outcome.offered];
  let { promotedCount, offeredCount } = outcome;
  for (const change of given) {
    if (change.type === 'promoted') {
      promotedCount++;
      if (promoted.length < CHANGE_MAX_LISTED) promoted.push(toRegistration(change.registration));
    } else if (change.type === 'offered') {
      offeredCount++;
      const { offer, expiresAt } = change;
      if (offered.length < CHANGE_MAX_LISTED) offered.push({ ...offer, expiresAt });
    }
  }
  return { ...outcome, promoted, promotedCount, offered, offeredCount };
}

/** The update that a batch decided, with the seats that it gives in the same commit. */
function openedBy(decided: Decided[]): OpenUpdate[] {
  return decided.filter(isUpdate).map((one) => {
    const { promotedCount, offeredCount } = one.outcome;
    const nobody = { ...one.outcome, promotedCount: 0, offeredCount: 0 };
    const outcome = withGiven(nobody, one.changes);
    const given = outcome.promotedCount + outcome.offeredCount;
    return { ...one, outcome, left: promotedCount + offeredCount - given };
  });
}

/**
 * Shares out the seats that a batch gives: those of the oldest update are given first. An update is done when it
 * has all, or when nothing is owed to the line any more.
 */
export function advance(
  open: readonly OpenUpdate[],
  { at, given, decided, draft }: Batch,
): Advance {
  const rest = [...given];
  const served = open.map((update) => {
    const own = rest.splice(0, update.left);
    return { ...update, outcome: withGiven(update.outcome, own), left: update.left - own.length };
  });
  const all = [...served, ...openedBy(decided)];
  const isNothingOwed = all.length > 0 && owedBy(draft, Date.parse(at)) === 0;
  const isDone = ({ left }: OpenUpdate) => left === 0 || isNothingOwed;
  return { open: all.filter((update) => !isDone(update)), done: all.filter(isDone) };
}
