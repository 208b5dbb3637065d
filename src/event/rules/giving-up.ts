import type { Command } from '../command.ts';
import type { EventRecord } from '../model.ts';
import type { EventView } from '../state.ts';
import type { Circumstances, Decision } from './decision.ts';
import { decline } from './offer.ts';
import { leaveLine, unregister } from './registration.ts';

/**
 * Gives up whatever place a user has: for the erasure of the user. The changes are those of the user who leaves. That there is none has to be proven by a
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
  const offer = view.offerOf(userId);
  if (offer) {
    const { changes } = decline(view, event, offer, circumstances);
    return { changes, outcome: { type: 'gaveUp', status: 'OFFERED' } };
  }
  if (view.entryOf(userId)) {
    const { changes } = leaveLine(view, event, userId, circumstances);
    return { changes, outcome: { type: 'gaveUp', status: 'WAITLISTED' } };
  }
  return { changes: [], outcome: { type: 'gaveUp', status: null }, mustCommit: true };
}
