import type { Command } from '../command.ts';
import type { EventRecord } from '../model.ts';
import type { EventView } from '../state.ts';
import type { Circumstances, Decision } from './decision.ts';
import { leaveLine, unregister } from './registration.ts';

/**
 * Gives up whatever place a user has: for the erasure of the user. That there is none has to be proven by a
 * commit: another object may have given them a place that this memory knows nothing of.
 */
export function giveUp(
  view: EventView,
  event: EventRecord,
  { userId }: Extract<Command, { type: 'giveUp' }>,
  circumstances: Circumstances,
): Decision {
  if (view.registrationOf(userId)) {
    const { changes } = unregister(view, event, userId, circumstances);
    return { changes, outcome: { type: 'gaveUp', status: 'ACTIVE' } };
  }
  if (view.entryOf(userId)) {
    const { changes } = leaveLine(view, userId);
    return { changes, outcome: { type: 'gaveUp', status: 'WAITLISTED' } };
  }
  return { changes: [], outcome: { type: 'gaveUp', status: null }, mustCommit: true };
}
