import { InternalError } from '../errors.ts';
import { IN_THE_LOG } from '../event/idempotency.ts';
import type { Offer, Registration } from '../event/model.ts';
import { servicesOf } from '../services.ts';
import { readEntries } from '../store/log.ts';
import type { RouteContext } from './event-call.ts';

/** Who got a seat that somebody gave up, or an offer of it. */
export interface Successor {
  promoted: Registration | null;
  offered: Offer | null;
}

/** Nobody did, or it is not told. */
export const NOBODY: Successor = { promoted: null, offered: null };

/**
 * Who got a seat that somebody gave up. The outcome that is kept with a key does not say who it is: for a repetition
 * that is read from the log, in the entry that the receipt names.
 *
 * @throws StoreUnavailableError when the log cannot be read
 * @throws InternalError when the entry is not there: the log is kept at least as long as the key
 */
export async function readSuccessor(
  c: RouteContext,
  eventId: string,
  // An outcome that was kept before there were offers has none.
  { promoted, offered = null, receipt }: Partial<Successor> & { receipt?: string },
): Promise<Successor> {
  const place = promoted ?? offered;
  if (place?.userId !== IN_THE_LOG) return { promoted: promoted ?? null, offered };
  const [entry] = await readEntries(servicesOf(c.env).store, eventId, [
    Number.parseInt(receipt ?? '', 10),
  ]);
  for (const change of entry?.changes ?? []) {
    if (
      change.type === 'registration.promoted' &&
      change.registrationId === promoted?.registrationId
    ) {
      return { promoted: { ...promoted, userId: change.userId }, offered };
    }
    if (change.type === 'offer.made' && change.offerId === offered?.offerId) {
      return { promoted: null, offered: { ...offered, userId: change.userId } };
    }
  }
  throw new InternalError(`The log of event ${eventId} does not tell who got the seat.`);
}
