/** One's own places on the list of events: their order and their words. Plain data in and out. */
import { byTime } from './seats.ts';
import { event as eventText, list as text } from './text/en.ts';
import { longTime, timeLeft } from './when.ts';
import { type OwnPlace, zoneOf } from './wire.ts';
import { count, fill } from './words.ts';

/** When an offer ends, in epoch milliseconds; null for another place. */
export const endOf = ({ offer }: OwnPlace): number | null =>
  offer ? Date.parse(offer.expiresAt) : null;

/** Offers first, then seats, then the line; what has begun or is cancelled comes last. */
function rankOf({ status, event }: OwnPlace, nowMs: number): number {
  const hasBegun = !!event.startsAt && nowMs >= Date.parse(event.startsAt);
  if (status === 'OFFERED') return 0;
  if (event.status === 'CANCELLED' || hasBegun) return 3;
  return status === 'ACTIVE' ? 1 : 2;
}

/** The places in the order in which they are shown, without offers that are over. */
export function inOrder(places: OwnPlace[], nowMs: number): OwnPlace[] {
  return places
    .filter((place) => (endOf(place) ?? Number.POSITIVE_INFINITY) > nowMs)
    .sort(
      (one, other) =>
        rankOf(one, nowMs) - rankOf(other, nowMs) ||
        (endOf(one) ?? 0) - (endOf(other) ?? 0) ||
        byTime(one.event, other.event),
    );
}

/** What one has at an event. */
export function held(place: OwnPlace, nowMs: number, locale: string): string {
  if (place.event.status === 'CANCELLED') return eventText.isCancelled;
  const ends = endOf(place);
  if (ends !== null) {
    const left = timeLeft(ends - nowMs, (n) => count(eventText, 'days', n, locale));
    return fill(text.offered, { left });
  }
  if (place.status === 'ACTIVE') return text.active;
  const n = (place.waitlistEntry?.position ?? 0).toLocaleString(locale);
  return fill(text.waiting, { n });
}

/** When the event of a place is; empty where it has no time. */
export const whenOf = ({ event }: OwnPlace, locale: string): string =>
  event.startsAt ? longTime(event.startsAt, locale, zoneOf(event)) : '';
