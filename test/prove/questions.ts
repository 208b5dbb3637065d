import type { Asked, Entry, Offered, Outcome } from './history.ts';
import { owedTo, type State, settingsOf, shownOffer, type Taken } from './rules.ts';

/** A request that changes nothing. */
type Question = Extract<Asked, { type: 'read' | 'look' | 'stand' | 'list' }>;

/**
 * The answer to a question about an event.
 *
 * @param told the outcome that a client was told: it decides where the order of two seats is unknown
 * @param isLineOver whether free seats are not owed to those who wait
 */
export function answerTo(
  state: State,
  question: Question,
  told: Outcome | undefined,
  isLineOver: boolean,
): Outcome {
  const { capacity, seats, offers, line, status, revision } = state;
  switch (question.type) {
    case 'read': {
      const owed = isLineOver ? 0 : owedTo(state);
      const available = Math.max(0, capacity - seats.length - offers.length - owed);
      const counts = { registered: seats.length, offered: offers.length, waiting: line.length };
      return { type: 'read', counts: { capacity, available, ...counts, status } };
    }
    case 'look':
      return { type: 'looked', settings: settingsOf(state), revision };
    case 'list':
      return page(state, question, told);
    case 'stand':
      return standing(state, question.userId);
  }
}

/**
 * Rows after an order number. A seat whose number is unknown (it has a fraction here) may be before or after the end
 * of a page: it is in the page only if the client was told so.
 */
function page(
  state: State,
  { list, format, after, limit }: Extract<Asked, { type: 'list' }>,
  told: Outcome | undefined,
): Outcome {
  const { seats, line } = state;
  const orderOf = (row: Taken | Offered | Entry) => ('position' in row ? row.position : row.seq);
  const toldRows = told?.type === 'page' ? told.rows : [];
  const places = new Map(toldRows.map(({ userId }, i) => [userId, i]));
  const placeOf = ({ userId }: { userId: string }) => places.get(userId) ?? toldRows.length;
  const offers = state.offers.map((offer) => shownOffer(state, offer));
  const all: readonly (Taken | Offered | Entry)[] = {
    registrations: seats,
    offers,
    waitlist: line,
  }[list];
  const certain = all.filter((row) => orderOf(row) > after);
  const uncertain = all.filter((row) => orderOf(row) <= after && !Number.isInteger(orderOf(row)));
  const rows = [...certain, ...uncertain.filter(({ userId }) => places.has(userId))].sort(
    (a, b) => orderOf(a) - orderOf(b) || placeOf(a) - placeOf(b),
  );
  const shown = format === 'csv' ? rows : rows.slice(0, limit);
  const last = shown.at(-1);
  const mayHaveMore =
    told?.type === 'page' &&
    told.next !== null &&
    shown.length === limit &&
    uncertain.some(({ userId }) => !places.has(userId));
  const hasMore = shown.length < rows.length || mayHaveMore;
  return { type: 'page', rows: shown, next: last && hasMore ? orderOf(last) : null };
}

function standing(state: State, userId: string): Outcome {
  const { seats, offers, line } = state;
  const taken = seats.find((each) => each.userId === userId);
  const none = { position: null, ahead: null, offer: null };
  if (taken) return { type: 'standing', standing: { place: 'ACTIVE', id: taken.id, ...none } };
  const held = offers.find((each) => each.userId === userId);
  if (held) {
    const offer = shownOffer(state, held);
    return { type: 'standing', standing: { ...none, place: 'OFFERED', id: offer.id, offer } };
  }
  const ahead = line.findIndex((each) => each.userId === userId);
  const entry = line[ahead];
  if (!entry) return { type: 'standing', standing: { place: 'NONE', id: null, ...none } };
  const { id, position } = entry;
  return { type: 'standing', standing: { place: 'WAITLISTED', id, position, ahead, offer: null } };
}
