import type { Operation, Outcome, Seat } from './history.ts';

/**
 * The operations with the order numbers of the seats that they gave, as far as anybody learned them:
 * from the tables, or from the cursor of a page that ended at the seat. Seats are given in the order of
 * their numbers, so the search has to heed them from the start; found out by a page much later, they
 * would have it try every order of those who took a seat at the same time.
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

/** Seats that an answer shows with their numbers. */
function seatsShown(outcome: Outcome): readonly Seat[] {
  if (outcome.type === 'tables') return outcome.content?.seats ?? [];
  return outcome.type === 'page' ? outcome.rows.filter((row) => !('position' in row)) : [];
}
