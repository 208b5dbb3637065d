import { expect, test } from 'vitest';
import { idleSeats } from './idleness.ts';
import type { LogEntry, LoggedSettings } from './log.ts';

const settings: LoggedSettings = {
  ...{ capacity: 1, hasWaitlist: true, waitlistCapacity: null, status: 'OPEN', timeZone: 'UTC' },
  ...{ registrationOpensAt: null, registrationClosesAt: null, startsAt: null },
  ...{ promotesUntil: null, offerSeconds: 1 },
};
const BEGIN = Date.parse('2026-01-01T00:00:00.000Z');
const entry = (version: number, ms: number, ...changes: LogEntry['changes']): LogEntry => ({
  ...{ version, at: new Date(BEGIN + ms).toISOString(), chain: '', changes },
});
const join = (userId: string, position: number) =>
  ({ type: 'waitlist.joined', entryId: `e${position}`, position, userId }) as const;
const offer = (userId: string, position: number, endsMs: number): LogEntry['changes'][number] => ({
  type: 'offer.made',
  ...{ offerId: `o${position}`, entryId: `e${position}`, position, userId },
  expiresAt: new Date(BEGIN + endsMs).toISOString(),
});

/** Somebody is offered the seat from 100 ms to 1 100, and somebody else waits. */
const log = (given: Partial<LoggedSettings> = {}): LogEntry[] => [
  entry(1, 0, { type: 'event.created', settings: { ...settings, ...given } }),
  entry(2, 0, { type: 'registration.created', registrationId: 'r1', userId: 'ada' }),
  entry(3, 0, join('bob', 1)),
  entry(4, 0, join('cleo', 2)),
  entry(
    5,
    100,
    { type: 'registration.cancelled', registrationId: 'r1', userId: 'ada' },
    offer('bob', 1, 1_100),
  ),
];
const quiet = (from: number, until: number, idleMaxMs = 500) => [
  { from: BEGIN + from, until: BEGIN + until, idleMaxMs },
];

test('an offer that is over is passed on within the time that an alarm may be late', () => {
  expect(idleSeats(log(), quiet(0, 1_600))).toEqual([]);
  expect(idleSeats(log(), quiet(0, 1_601))).toEqual([
    'a seat was idle for 501 ms after version 5 while somebody waited, 500 at most',
  ]);
  const expired = { type: 'offer.expired', offerId: 'o1', position: 1, userId: 'bob' } as const;
  const passedOn = (ms: number) => [...log(), entry(6, ms, expired, offer('cleo', 2, ms + 1_000))];
  expect(idleSeats(passedOn(1_600), quiet(0, 60_000))).toEqual([]);
  expect(idleSeats(passedOn(1_601), quiet(0, 60_000))).toHaveLength(1);
});

test('what was before nothing failed any more does not count', () => {
  expect(idleSeats(log(), quiet(5_000, 5_500))).toEqual([]);
  expect(idleSeats(log(), quiet(5_000, 5_501))).toHaveLength(1);
});

test('no seat has to be passed on after the end of the line', () => {
  const promotesUntil = (ms: number) => ({ promotesUntil: new Date(BEGIN + ms).toISOString() });
  expect(idleSeats(log(promotesUntil(1_100)), quiet(0, 60_000))).toEqual([]);
  expect(idleSeats(log(promotesUntil(1_600)), quiet(0, 60_000))).toEqual([]);
  expect(idleSeats(log(promotesUntil(1_601)), quiet(0, 60_000))).toHaveLength(1);
});

test('a seat that nobody has is idle at once, but not if nobody waits', () => {
  const raised = { type: 'event.updated', settings: { ...settings, capacity: 2 } } as const;
  expect(idleSeats([...log(), entry(6, 200, raised)], quiet(200, 700))).toEqual([]);
  expect(idleSeats([...log(), entry(6, 200, raised)], quiet(200, 701))).toHaveLength(1);
  expect(idleSeats(log().slice(0, 2), quiet(0, 60_000))).toEqual([]);
});
