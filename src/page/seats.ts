/** An event's numbers and state in words. Used by the worker and by the browser. */
import type { shared } from './text/en.ts';
import { longTime } from './when.ts';
import { type CapacityView, type EventView, zoneOf } from './wire.ts';
import { count, fill } from './words.ts';

/** The text of a language, and the locale for its numbers and times. */
export interface Wording {
  text: typeof shared;
  locale: string;
}

/** How many seats are free. */
export function freeSeats(
  { totalCapacity, availableCapacity }: CapacityView,
  { text, locale }: Wording,
): string {
  const capacity = totalCapacity.toLocaleString(locale);
  return availableCapacity > 0
    ? count(text, 'free', availableCapacity, locale, { capacity })
    : count(text, 'full', totalCapacity, locale);
}

/** How many wait. */
export function waiting(
  event: Pick<EventView, 'hasWaitlist'>,
  { waitlistCount }: CapacityView,
  { text, locale }: Wording,
): string {
  if (waitlistCount > 0) return count(text, 'waiting', waitlistCount, locale);
  return event.hasWaitlist ? text.nobodyWaits : text.noLine;
}

/** Whether people can register, and until when. */
export function openness(event: EventView, nowMs: number, { text, locale }: Wording): string {
  if (event.status === 'CANCELLED') return text.cancelled;
  if (event.status === 'PAUSED') return text.paused;
  if (event.status === 'CLOSED') return text.closed;
  const { registrationOpensAt: from, registrationClosesAt: to } = event;
  const at = (iso: string) => ({ time: longTime(iso, locale, zoneOf(event)) });
  if (from && nowMs < Date.parse(from)) return fill(text.opens, at(from));
  if (!to) return text.open;
  return fill(nowMs < Date.parse(to) ? text.closes : text.over, at(to));
}

/** When an event is, and whether people have to wait to register: its line in the list. */
export function summary(event: EventView, nowMs: number, wording: Wording): string {
  const { startsAt, registrationOpensAt: from, status } = event;
  const when = startsAt ? longTime(startsAt, wording.locale, zoneOf(event)) : '';
  const isReady = status === 'OPEN' && (!from || nowMs >= Date.parse(from));
  const parts = [when, when && isReady ? '' : openness(event, nowMs, wording)];
  return parts.filter(Boolean).join(' · ');
}

/** Whether an event belongs among the open ones: people can register now or later. */
export function isOpen(event: EventView, nowMs: number): boolean {
  const isBefore = (iso: string | null | undefined) => !iso || nowMs < Date.parse(iso);
  const { status, registrationClosesAt, startsAt } = event;
  return (
    (status === 'OPEN' || status === 'PAUSED') &&
    isBefore(registrationClosesAt) &&
    isBefore(startsAt)
  );
}

/** The order of the list: those with a time first, the next one at the top. */
export function byTime(one: EventView, other: EventView): number {
  const key = ({ startsAt, createdAt }: EventView) => (startsAt ? `0${startsAt}` : `1${createdAt}`);
  return key(one) < key(other) ? -1 : 1;
}
