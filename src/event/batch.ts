import type { Command, Outcome } from './command.ts';
import { decide } from './decide.ts';
import { Draft } from './draft.ts';
import { type KeyRecord, toKept, toKeyRecord } from './idempotency.ts';
import type { Pending } from './queue.ts';
import type { Circumstances } from './rules/decision.ts';
import { isDue, overOfferOf } from './rules/offer.ts';
import type { Change, EventState } from './state.ts';

/** A decided command. Its outcome is held back until the commit is durable. */
export interface Decided {
  pending: Pending;
  outcome: Outcome;
  changes: Change[];
  /** The idempotency key that the command uses up, if any. */
  record: KeyRecord | null;
}

/** Commands that are decided together, from the front of the queue. */
export interface Batch {
  /** When it was decided, ISO 8601 in UTC. */
  at: string;
  /** What was due by then, with the offer of the first command's user. It comes before whatever was decided. */
  due: Change[];
  decided: Decided[];
  /** Commands that were not decided because they had waited too long. */
  expired: Pending[];
  /** What is to be committed; null where what was due, or it and a single command, do not fit into one transaction. */
  draft: Draft | null;
  /** The command whose decision threw an error, if any. Nothing of the batch may be used then. */
  defect: { pending: Pending; error: unknown } | null;
}

/** Commands that can concern many people. They are decided first in a batch, since later they may not fit and be decided twice. */
export const mayBeLarge = ({ type }: Command): boolean =>
  type === 'update' || type === 'cancel' || type === 'expire';

/**
 * Ends the offer of the user whom a command is about, if it is over. More offers may be over than one step ends, and
 * nobody takes one of them.
 */
function endOwnOffer(draft: Draft, command: Command, circumstances: Circumstances): Change[] {
  if (!draft.event || !('userId' in command) || command.userId === undefined) return [];
  const { userId } = command;
  return overOfferOf(draft, draft.event, userId, circumstances.now)
    ? decide(draft, { type: 'expire', userId }, circumstances).changes
    : [];
}

/**
 * Decides what is due by the clock, and then commands in order until the next one would not fit into the
 * transaction. Nobody takes an offer that is over, and whoever asks finds its seat where it belongs.
 */
export function decideBatch(
  state: EventState,
  commands: Iterable<Pending>,
  circumstances: Circumstances,
): Batch {
  const now = Date.parse(circumstances.now);
  const draft = new Draft(state);
  const due = isDue(state, now) ? decide(state, { type: 'expire' }, circumstances).changes : [];
  const at = circumstances.now;
  const batch: Batch = { at, due, decided: [], expired: [], draft, defect: null };
  if (!draft.hasRoomFor(due, 0)) return { ...batch, draft: null };
  draft.apply(due);
  for (const pending of commands) {
    if (pending.expiresAt <= now) {
      batch.expired.push(pending);
      continue;
    }
    const isFirst = batch.decided.length === 0;
    if (mayBeLarge(pending.command) && !isFirst) break;
    try {
      const over = endOwnOffer(draft, pending.command, circumstances);
      if (!draft.hasRoomFor(over, 0)) break;
      draft.apply(over);
      // If the command does not fit beside what is due, that is committed first, with the end of this offer.
      if (isFirst) batch.due = [...batch.due, ...over];
      const { changes, outcome, mustCommit, pointer } = decide(
        draft,
        pending.command,
        circumstances,
      );
      // A key is written in the same transaction as the event item, so it needs an event.
      const isKept = draft.event !== null || changes.length > 0;
      const record =
        isKept && pending.key
          ? toKeyRecord(pending.key, toKept(outcome, pending.command), now)
          : null;
      const fits = draft.hasRoomFor(changes, record ? 1 : 0);
      if (!fits && !isFirst) break;
      batch.decided.push({ pending, outcome, changes, record });
      if (!fits) return { ...batch, draft: null };
      draft.apply(changes, pending.actor);
      if (mustCommit) draft.mustCommit = true;
      if (pointer) draft.movePointer(pointer);
      if (record) draft.keys.push(record);
    } catch (error) {
      return { ...batch, defect: { pending, error } };
    }
  }
  return batch;
}
