import type { Command, Outcome } from '../command.ts';
import { type EventRecord, isReversed, type NewEvent } from '../model.ts';
import type { EventView } from '../state.ts';
import { type Circumstances, type Decision, refuse } from './decision.ts';
import { endOffers } from './offer.ts';
import { fillSeats } from './seating.ts';

/** Creates the event. */
export function create(view: EventView, event: NewEvent, { now }: Circumstances): Decision {
  if (view.event) return refuse('event-exists');
  const created = { ...event, status: 'OPEN' as const, createdAt: now };
  return {
    changes: [{ type: 'created', event: created }],
    outcome: { type: 'created', event: created, revision: 1 },
  };
}

/** Updates the event. Seats that this makes free go to the line, and offers end that are over by it. */
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
  const ended = endOffers(view, updated, circumstances.now);
  const taken = view.registeredCount + view.offeredCount - ended.length;
  const { changes, ...listed } = fillSeats(view, updated, taken, circumstances);
  const outcome: Outcome = {
    type: 'updated',
    event: updated,
    revision: view.revision + (isChanged ? 1 : 0),
    ...listed,
  };
  if (isDryRun) return { changes: [], outcome };
  return {
    changes: [
      ...(isChanged ? [{ type: 'updated' as const, event: updated }] : []),
      ...ended,
      ...changes,
    ],
    outcome,
    mustCommit: true,
  };
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
