import type { Operation, Outcome, Seat } from './history.ts';

/**
 * Adds the order numbers of seats to the operations that gave them, if they are known: from the tables, or from the
 * cursor of a page that ended at the seat. Seats are given in the order of these numbers. If the search only met a
 * number in a much later page, it would try every order of seats that were taken at the same time.
 */
export function withSeatNumbers(operations: Operation[]): Operation[] {
  const numbers = new Map<string, number>();
  for (const { outcome } of operations) {
    for (const { id, seq } of seatsShown(outcome)) if (seq !== undefined) numbers.set(id, seq);
  }
  if (numbers.size === 0) return operations;
  const numbered = (seat: Seat): Seat => ({ ...seat, seq: numbers.get(seat.id) });
  const withNumbers = (outcome: Outcome): Outcome => {
    switch (outcome.type) {
      case 'registered':
        return { ...outcome, seq: numbers.get(outcome.id) };
      case 'unregistered':
        return { ...outcome, promoted: outcome.promoted && numbered(outcome.promoted) };
      case 'updated':
        return { ...outcome, promoted: outcome.promoted.map(numbered) };
      default:
        return outcome;
    }
  };
  return operations.map((operation) => {
    const outcome = withNumbers(operation.outcome);
    return outcome === operation.outcome ? operation : { ...operation, outcome };
  });
}

/** The seats that an answer shows with their order numbers. */
function seatsShown(outcome: Outcome): readonly Seat[] {
  if (outcome.type === 'tables') return outcome.content?.seats ?? [];
  return outcome.type === 'page' ? outcome.rows.filter((row) => !('position' in row)) : [];
}
