import type { Command } from './command.ts';
import { type Circumstances, type Decision, refuse } from './rules/decision.ts';
import { cancel, create, update } from './rules/event.ts';
import { giveUp } from './rules/giving-up.ts';
import { expire } from './rules/offer.ts';
import { movePointer, replay, wake } from './rules/outbox.ts';
import { answer } from './rules/question.ts';
import { leaveLine, register, unregister } from './rules/registration.ts';
import type { EventView } from './state.ts';

/**
 * The business rules, as a pure function: the changes and the outcome of a command. What is due by then has
 * to be done before: see `isDue`.
 */
export function decide(view: EventView, command: Command, circumstances: Circumstances): Decision {
  if (command.type === 'create') return create(view, command.event, circumstances);
  const { event } = view;
  if (!event) return refuse('no-such-event');
  switch (command.type) {
    case 'read':
    case 'stand':
    case 'log':
    case 'outbox':
    case 'list':
      return { changes: [], outcome: answer(view, event, command, circumstances.now) };
    case 'register':
      return register(view, event, command, circumstances);
    case 'unregister':
      return unregister(view, event, command.userId, circumstances);
    case 'leaveLine':
      return leaveLine(view, event, command.userId, circumstances);
    case 'giveUp':
      return giveUp(view, event, command, circumstances);
    case 'update':
      return update(view, event, command, circumstances);
    case 'cancel':
      return cancel(view, event, command.revisions, circumstances);
    case 'wake':
      return wake(view, circumstances);
    case 'movePointer':
      return movePointer(view, command);
    case 'replay':
      return replay(view, command);
    case 'claim':
      return { changes: [], outcome: { type: 'claimed' } };
    case 'expire':
      return expire(view, event, command, circumstances);
  }
}
