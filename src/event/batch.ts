import { STEP_MAX_SEATS } from '../limits.ts';
import type { Command, Outcome, Updated } from './command.ts';
import { decide } from './decide.ts';
import { Draft } from './draft.ts';
import { type KeyRecord, toKept, toKeyRecord } from './idempotency.ts';
import { asksUpdate, type Pending } from './queue.ts';
import type { Circumstances } from './rules/decision.ts';
import { isDue, overOfferOf } from './rules/offer.ts';
import { owedBy } from './rules/seating.ts';
import type { Change, EventView } from './state.ts';

/** A decided command. Its outcome is held back until the commit is durable. */
export interface Decided {
  pending: Pending;
  outcome: Outcome;
  changes: Change[];
  /** The idempotency key that the command uses up, if any. */
  record: KeyRecord | null;
  /** Proves its changes, null where it has none; not there before they are committed. */
  receipt?: string | null;
}

/** A decided command with the receipt of its changes, which it keeps. */
export function withReceipt<One extends Decided>(one: One, receipt: string | null): One {
  if (one.receipt !== undefined) return one;
  return { ...one, receipt: one.changes.length > 0 ? receipt : null };
}

/** The rows that a seat takes which goes to the line: the entry is deleted, and a seat or an offer is put. */
const ROWS_PER_SEAT = 2;

/** Commands that are decided together, from the front of the queue. */
export interface Batch {
  /** When it was decided, ISO 8601 in UTC. */
  at: string;
  /** Seats that were owed to the line before, and are given at its front. */
  given: Change[];
  decided: Decided[];
  /** Commands that were not decided because they had waited too long. */
  expired: Pending[];
  /** What is to be committed. */
  draft: Draft;
  /** The command whose decision threw an error, if any. Nothing of the batch may be used then. */
  defect: { pending: Pending; error: unknown } | null;
}

/** Whether a decided command is an update that was carried out. */
export function isUpdate(one: Decided): one is Decided & { outcome: Updated } {
  return asksUpdate(one.pending) && one.outcome.type === 'updated';
}

/** Commands that can change many rows. They are decided first in a batch, since later they may not fit and be decided twice. */
const mayBeLarge = ({ type }: Command): boolean => type === 'update' || type === 'cancel';

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
 * Gives a step of the seats that are owed to the line: as many as fit, or `STEP_MAX_SEATS` while others wait.
 *
 * @param others how many commands wait beside this one
 */
function giveOwed(draft: Draft, others: number, circumstances: Circumstances): Change[] {
  if (owedBy(draft, Date.parse(circumstances.now)) === 0) return [];
  const fitting = Math.floor(draft.room / ROWS_PER_SEAT);
  const most = others > 0 ? Math.min(STEP_MAX_SEATS, fitting) : fitting;
  return decide(draft, { type: 'expire', most }, circumstances).changes;
}

/**
 * Decides what is due, and then commands in order until the next one would not fit into the transaction. Nobody
 * takes an offer that is over, and whoever asks finds its seat where it belongs. Seats that are owed to the line are
 * given first, a step in each batch, so that a raise of thousands holds up nobody.
 */
export function decideBatch(
  state: EventView,
  commands: Iterable<Pending>,
  circumstances: Circumstances,
): Batch {
  const now = Date.parse(circumstances.now);
  const waiting = [...commands];
  const draft = new Draft(state);
  const given = giveOwed(draft, waiting.length, circumstances);
  const batch: Batch = {
    at: circumstances.now,
    ...{ given, decided: [], expired: [], draft, defect: null },
  };
  draft.apply(given);
  const isBehind = given.length === 0 && isDue(state, now);
  if (isBehind) draft.apply(decide(state, { type: 'expire' }, circumstances).changes);
  for (const pending of waiting) {
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
      const isOwing = owedBy(draft, now) > 0;
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
      if (!draft.hasRoomFor(changes, record ? 1 : 0)) break;
      const decided: Decided = { pending, outcome, changes, record };
      batch.decided.push(decided);
      draft.apply(changes, pending.actor);
      if (mustCommit) draft.mustCommit = true;
      if (pointer) draft.movePointer(pointer);
      if (record) draft.keys.push(record);
      // An update begins to give its seats, unless those of an earlier one come first.
      if (isUpdate(decided) && !isOwing) {
        const own = giveOwed(draft, waiting.length - 1, circumstances);
        draft.apply(own, pending.actor);
        changes.push(...own);
      }
    } catch (error) {
      return { ...batch, defect: { pending, error } };
    }
  }
  return batch;
}
