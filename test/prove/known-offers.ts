import type { Offered, Operation, Outcome } from './history.ts';
import type { KnownOffers } from './rules.ts';

/**
 * What anybody was told of offers, at whatever time. A position is never given twice, so it tells an offer from
 * all others; when it was made tells when it ends.
 */
export function knownOffers(operations: Operation[]): KnownOffers {
  const known = new Map<number, { id: string; createdAt: string }>();
  for (const { outcome } of operations) {
    for (const { position, id, createdAt } of offersIn(outcome)) {
      known.set(position, { id, createdAt });
    }
  }
  return known;
}

/** The offers that an answer shows. */
export function offersIn(outcome: Outcome): readonly Offered[] {
  switch (outcome.type) {
    case 'unregistered':
      return outcome.offered ? [outcome.offered] : [];
    case 'updated':
      return outcome.offered;
    case 'declined':
      return [outcome.offer];
    case 'standing':
      return outcome.standing.offer ? [outcome.standing.offer] : [];
    case 'page':
      return outcome.rows.filter((row): row is Offered => 'expiresAt' in row);
    case 'tables':
      return outcome.content?.offers ?? [];
    default:
      return [];
  }
}
