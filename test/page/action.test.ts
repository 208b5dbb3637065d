import { describe, expect, test } from 'vitest';
import { hasLineEnded, offered } from '../../src/page/action.ts';
import type { CapacityView, EventView } from '../../src/page/wire.ts';

const NOW = Date.parse('2026-12-01T12:00:00Z');
const at = (seconds: number) => new Date(NOW + seconds * 1_000).toISOString();

const event = (settings: Partial<EventView> = {}): EventView => ({
  eventId: 'gala',
  name: 'Gala',
  capacity: 2,
  hasWaitlist: true,
  waitlistCapacity: null,
  registrationOpensAt: null,
  registrationClosesAt: null,
  startsAt: null,
  promotesUntil: null,
  status: 'OPEN',
  createdAt: at(-100),
  ...settings,
});
const capacity = (settings: Partial<CapacityView> = {}): CapacityView => ({
  totalCapacity: 2,
  availableCapacity: 0,
  registeredCount: 2,
  waitlistCount: 0,
  status: 'OPEN',
  ...settings,
});
const free = capacity({ availableCapacity: 1, registeredCount: 1 });
const none = { status: 'NONE', ahead: null, registration: null, waitlistEntry: null } as const;
const seat = { ...none, status: 'ACTIVE', registration: { registrationId: 'r' } } as const;
const entry = { ...none, status: 'WAITLISTED', ahead: 3, waitlistEntry: { position: 4 } } as const;
const offer = { ...none, status: 'OFFERED', offer: { expiresAt: at(60) } } as const;

describe('the button of an event', () => {
  test.each([
    ['a free seat', event(), free, 'register'],
    ['a full event with a line', event(), capacity(), 'join'],
    ['a full event without a line', event({ hasWaitlist: false }), capacity(), 'full'],
    ['a full line', event({ waitlistCapacity: 5 }), capacity({ waitlistCount: 5 }), 'full'],
    ['a line that has ended', event({ startsAt: at(-1) }), capacity(), 'full'],
    ['a free seat after the line', event({ promotesUntil: at(0) }), free, 'register'],
    ['before the window', event({ registrationOpensAt: at(1) }), free, 'opens'],
    ['at the opening', event({ registrationOpensAt: at(0) }), free, 'register'],
    ['at the end of the window', event({ registrationClosesAt: at(0) }), free, 'closed'],
    ['a pause', event(), { ...free, status: 'PAUSED' as const }, 'paused'],
    [
      'a pause before the window',
      event({ registrationOpensAt: at(9) }),
      { ...free, status: 'PAUSED' as const },
      'opens',
    ],
    ['a closed event', event(), { ...free, status: 'CLOSED' as const }, 'closed'],
    ['a cancelled event', event(), { ...free, status: 'CANCELLED' as const }, 'cancelled'],
  ])('without a place: %s', (_, about, seats, type) => {
    expect(offered(about, seats, none, NOW)).toMatchObject({ main: { type }, second: null });
    expect(offered(about, seats, null, NOW)).toMatchObject({ main: { type }, second: null });
  });

  test('with a seat it gives it up, whatever the event says', () => {
    const closed = event({ registrationClosesAt: at(-5) });
    expect(offered(closed, { ...free, status: 'CLOSED' }, seat, NOW)).toEqual({
      main: { type: 'leave' },
      second: null,
    });
    expect(offered(event(), { ...free, status: 'CANCELLED' }, seat, NOW)).toEqual({
      main: { type: 'cancelled' },
      second: { type: 'leave' },
    });
  });

  test('with an offer it takes the seat, and the other one declines it', () => {
    expect(offered(event(), { ...capacity(), status: 'PAUSED' }, offer, NOW)).toEqual({
      main: { type: 'take', untilMs: NOW + 60_000 },
      second: { type: 'decline' },
    });
  });

  test('in line it leaves the line; after the end of the line it asks for a free seat', () => {
    expect(offered(event(), capacity(), entry, NOW).main).toEqual({ type: 'leaveLine' });
    expect(offered(event(), free, entry, NOW).main).toEqual({ type: 'leaveLine' });
    expect(offered(event({ startsAt: at(-1) }), free, entry, NOW)).toEqual({
      main: { type: 'register' },
      second: { type: 'leaveLine' },
    });
    expect(offered(event({ startsAt: at(-1) }), capacity(), entry, NOW).main).toEqual({
      type: 'leaveLine',
    });
  });

  test('the line ends when it is said to, or when the event begins', () => {
    expect(hasLineEnded(event(), NOW)).toBe(false);
    expect(hasLineEnded(event({ startsAt: at(0) }), NOW)).toBe(true);
    expect(hasLineEnded(event({ startsAt: at(-9), promotesUntil: at(1) }), NOW)).toBe(false);
  });
});
