import type { Message } from '../event/messages.ts';
import { LINK_DEFAULT_SECONDS } from '../http-limits.ts';

/**
 * The messages that carry a link: those after which the person has a place that they can take, decline or give
 * up. A message about the end of a place has none, nor has any about an event.
 */
const WITH_LINK: ReadonlySet<string> = new Set<Message['type']>([
  'registration.created',
  'registration.promoted',
  'waitlist.joined',
  'offer.made',
  'offer.expiring',
  'offer.accepted',
]);

/** Whom the link of a message lets act, where, and until when in epoch seconds. */
export interface Grant {
  userId: string;
  eventId: string;
  endsAt: number;
}

/**
 * What the link of a message is for; null for a message that carries none. It depends on the message alone: each
 * attempt and each replay has the same link, also when that is over.
 */
export function grantOf({ type, timestamp, data }: Message): Grant | null {
  const { eventId, userId } = data as { eventId: string; userId?: string };
  if (!WITH_LINK.has(type) || userId === undefined) return null;
  return {
    userId,
    eventId,
    endsAt: Math.floor(Date.parse(timestamp) / 1_000) + LINK_DEFAULT_SECONDS,
  };
}
