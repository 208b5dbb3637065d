import type { Outcome, Question } from '../command.ts';
import { type EventRecord, shownOffer } from '../model.ts';
import type { EventView } from '../state.ts';
import { owedBy, toRegistration } from './seating.ts';

/** Answers a question about an event as it is. */
export function answer(
  view: EventView,
  event: EventRecord,
  question: Question,
  now: string,
): Outcome {
  switch (question.type) {
    case 'read':
      return {
        type: 'read',
        event,
        revision: view.revision,
        registeredCount: view.registeredCount,
        offeredCount: view.offeredCount,
        waitlistCount: view.waitlistCount,
        owedCount: owedBy(view, Date.parse(now)),
      };
    case 'stand': {
      const seat = view.registrationOf(question.userId);
      const offer = view.offerOf(question.userId);
      const entry = view.entryOf(question.userId) ?? null;
      return {
        type: 'standing',
        registration: seat ? toRegistration(seat) : null,
        offer: offer ? shownOffer(event, offer) : null,
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
      if (list === 'registrations') return { type: list, ...firstOf(view.seated(after), limit) };
      if (list === 'waitlist') return { type: list, ...firstOf(view.waiting(after), limit) };
      const { rows, isLast } = firstOf(view.offered(after), limit);
      return { type: list, rows: rows.map((offer) => shownOffer(event, offer)), isLast };
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
