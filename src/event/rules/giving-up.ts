import type { Command } from '../command.ts';
import type { EventRecord } from '../model.ts';
import type { EventView } from '../state.ts';
import type { Circumstances, Decision } from './decision.ts';
import { decline } from './offer.ts';
import { unregister } from './registration.ts';

/**
 * Gives up whatever place a user has: for the erasure of the user. The changes are those of the user who leaves, and
 * the first is marked. That there is none has to be proven by a commit: another object may have given them a place
 * that this memory knows nothing of.
 */
export function giveUp(
  view: EventView,
  event: EventRecord,
  { userId }: Extract<Command, { type: 'giveUp' }>,
  circumstances: Circumstances,
): Decision {
  const registration = view.registrationOf(userId);
  if (registration) {
    const [, ...others] = unregister(view, event, userId, circumstances).changes;
    return {
      changes: [{ type: 'unregistered', registration, erased: true }, ...others],
      outcome: { type: 'gaveUp', status: 'ACTIVE' },
    };
  }
  const offer = view.offerOf(userId);
  if (offer) {
    const [, ...others] = decline(view, event, offer, circumstances).changes;
    return {
      changes: [{ type: 'declined', offer, erased: true }, ...others],
      outcome: { type: 'gaveUp', status: 'OFFERED' },
    };
  }
  const entry = view.entryOf(userId);
  if (entry) {
    return {
      changes: [{ type: 'leftLine', entry, erased: true }],
      outcome: { type: 'gaveUp', status: 'WAITLISTED' },
    };
  }
  return { changes: [], outcome: { type: 'gaveUp', status: null }, mustCommit: true };
}
