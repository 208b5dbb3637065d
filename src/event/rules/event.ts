import { CHANGE_MAX_LISTED } from '../../limits.ts';
import type { Command, Updated } from '../command.ts';
import { type EventRecord, isReversed, type NewEvent } from '../model.ts';
import type { EventView } from '../state.ts';
import { type Circumstances, type Decision, refuse } from './decision.ts';
import { endOffers } from './offer.ts';
import { fillSeats, owedBy, owedSeats, takenSeats } from './seating.ts';

/** Creates the event. */
export function create(view: EventView, event: NewEvent, { now }: Circumstances): Decision {
  if (view.event) return refuse('event-exists');
  const created = { ...event, status: 'OPEN' as const, createdAt: now };
  return {
    changes: [{ type: 'created', event: created }],
    outcome: { type: 'created', event: created, revision: 1 },
  };
}

/**
 * Updates the event, and ends offers that are over by it. Seats that it makes free are owed to the line from then
 * on: the outcome counts them. A dry run lists who would get one.
 */
export function update(
  view: EventView,
  event: EventRecord,
  { patch, revisions, isDryRun }: Extract<Command, { type: 'update' }>,
  circumstances: Circumstances,
): Decision {
  if (event.status === 'CANCELLED') return refuse('cancelled');
  if (revisions && !revisions.includes(view.revision)) return refuse('revision-mismatch');
  const given = Object.entries(patch).filter(([, value]) => value !== undefined);
  const updated: EventRecord = { ...event, ...Object.fromEntries(given) };
  if (isReversed(updated)) return refuse('window-reversed');
  const isChanged = given.some(([field, value]) => event[field as keyof EventRecord] !== value);
  const nowMs = Date.parse(circumstances.now);
  const ended = endOffers(view, updated, circumstances.now);
  const taken = takenSeats(view) - ended.length;
  // What an earlier update owes is not counted a second time.
  const owedBefore = owedBy(view, nowMs);
  const count = Math.max(0, owedSeats(view, updated, taken, nowMs) - owedBefore);
  const outcome: Updated = {
    type: 'updated',
    event: updated,
    revision: view.revision + (isChanged ? 1 : 0),
    promoted: [],
    promotedCount: updated.offerSeconds ? 0 : count,
    offered: [],
    offeredCount: updated.offerSeconds ? count : 0,
  };
  if (isDryRun) {
    const most = owedBefore + Math.min(count, CHANGE_MAX_LISTED);
    const { promoted, offered } = fillSeats(view, updated, taken, circumstances, most);
    const listed = {
      promoted: promoted.slice(owedBefore),
      offered: offered.slice(owedBefore),
    };
    return { changes: [], outcome: { ...outcome, ...listed } };
  }
  const updates = isChanged ? [{ type: 'updated' as const, event: updated }] : [];
  return { changes: [...updates, ...ended], outcome, mustCommit: true };
}

/** Cancels the event for good; its open offers end. */
export function cancel(
  view: EventView,
  event: EventRecord,
  revisions: number[] | null,
  { now }: Circumstances,
): Decision {
  if (revisions && !revisions.includes(view.revision)) return refuse('revision-mismatch');
  if (event.status === 'CANCELLED') {
    return { changes: [], outcome: { type: 'cancelled', event, revision: view.revision } };
  }
  const cancelled = { ...event, status: 'CANCELLED' as const };
  return {
    changes: [{ type: 'updated', event: cancelled }, ...endOffers(view, cancelled, now)],
    outcome: { type: 'cancelled', event: cancelled, revision: view.revision + 1 },
  };
}
