import { expect, test } from 'vitest';
import { held, inOrder } from '../../src/page/mine.ts';
import type { EventView, OwnPlace } from '../../src/page/wire.ts';

const NOW = Date.parse('2027-01-01T00:00:00.000Z');
const at = (hours: number) => new Date(NOW + hours * 3_600_000).toISOString();

function place(
  status: OwnPlace['status'],
  eventId: string,
  more: Partial<EventView> = {},
  ends = 1,
) {
  const event: EventView = {
    eventId,
    name: eventId,
    capacity: 1,
    hasWaitlist: true,
    waitlistCapacity: null,
    registrationOpensAt: null,
    registrationClosesAt: null,
    status: 'OPEN',
    createdAt: at(-99),
    ...more,
  };
  const own: OwnPlace = {
    status,
    event,
    registration: status === 'ACTIVE' ? { registrationId: 'r' } : null,
    waitlistEntry: status === 'WAITLISTED' ? { position: 1_200 } : null,
    offer: status === 'OFFERED' ? { expiresAt: at(ends) } : null,
  };
  return own;
}

test('offers come first, then seats, then the line; what is over comes last, and an offer that is over is gone', () => {
  const places = [
    place('ACTIVE', 'last year', { startsAt: at(-9_000) }),
    place('WAITLISTED', 'line'),
    place('ACTIVE', 'cancelled', { status: 'CANCELLED' }),
    place('ACTIVE', 'later', { startsAt: at(20) }),
    place('OFFERED', 'in two hours', {}, 2),
    place('OFFERED', 'over', {}, 0),
    place('ACTIVE', 'sooner', { startsAt: at(10) }),
    place('OFFERED', 'in one hour', {}, 1),
  ];
  expect(inOrder(places, NOW).map(({ event }) => event.eventId)).toEqual([
    'in one hour',
    'in two hours',
    'sooner',
    'later',
    'line',
    'last year',
    'cancelled',
  ]);
});

test('what one has is told in words', () => {
  expect(held(place('ACTIVE', 'a'), NOW, 'en')).toBe('You have a seat');
  expect(held(place('WAITLISTED', 'a'), NOW, 'en')).toBe('On the waitlist at position 1,200');
  expect(held(place('OFFERED', 'a'), NOW, 'en')).toBe(
    'A seat is held for you: 1:00:00 left to take it',
  );
  expect(held(place('ACTIVE', 'a', { status: 'CANCELLED' }), NOW, 'en')).toBe('Cancelled');
});
