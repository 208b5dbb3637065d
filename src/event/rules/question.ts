import type { Outcome, Question } from '../command.ts';
import type { EventRecord } from '../model.ts';
import type { EventView } from '../state.ts';
import { toRegistration } from './seating.ts';

/** Answers a question about an event as it is. */
export function answer(view: EventView, event: EventRecord, question: Question): Outcome {
  switch (question.type) {
    case 'read':
      return {
        type: 'read',
        event,
        revision: view.revision,
        registeredCount: view.registeredCount,
        waitlistCount: view.waitlistCount,
      };
    case 'stand': {
      const seat = view.registrationOf(question.userId);
      const entry = view.entryOf(question.userId) ?? null;
      return {
        type: 'standing',
        registration: seat ? toRegistration(seat) : null,
        entry,
        ahead: entry ? view.aheadOf(entry) : null,
      };
    }
    case 'log':
      return { type: 'log', head: view.log };
    case 'outbox':
      return { type: 'outbox', pointers: view.pointers, head: view.log };
    case 'list': {
      const { list, after, limit } = question;
      return list === 'registrations'
        ? { type: list, ...firstOf(view.seated(after), limit) }
        : { type: list, ...firstOf(view.waiting(after), limit) };
    }
  }
}

/** The first `limit` rows, and whether these are all. */
function firstOf<Row>(all: Iterable<Row>, limit: number) {
  const rows: Row[] = [];
  for (const row of all) {
    if (rows.length === limit) return { rows, isLast: false };
    rows.push(row);
  }
  return { rows, isLast: true };
}
