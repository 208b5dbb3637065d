import { describe, expect, test } from 'vitest';
import type { LogEntry, LoggedSettings } from './log.ts';
import { checkWatchings, readMessage, type Watching } from './watch-check.ts';

const settings: LoggedSettings = {
  ...{ capacity: 1, hasWaitlist: true, waitlistCapacity: null, status: 'OPEN', timeZone: 'UTC' },
  ...{ registrationOpensAt: null, registrationClosesAt: null, startsAt: null },
  ...{ promotesUntil: null, offerSeconds: null },
};
const at = '2026-11-26T12:00:00.000Z';
const entry = (version: number, ...changes: LogEntry['changes']): LogEntry => ({
  ...{ version, at, chain: '', changes },
});
/** Ada gets the seat, Bob waits, Ada leaves, and Bob is promoted. Version 3 is a gap. */
const LOG: LogEntry[] = [
  entry(1, { type: 'event.created', settings }),
  entry(2, { type: 'registration.created', registrationId: 'r1', userId: 'ada' }),
  entry(4, { type: 'waitlist.joined', entryId: 'e1', position: 1, userId: 'bob' }),
  entry(
    5,
    { type: 'registration.cancelled', registrationId: 'r1', userId: 'ada' },
    {
      ...{ type: 'registration.promoted', registrationId: 'r2', entryId: 'e1', position: 1 },
      userId: 'bob',
    },
  ),
];

type Told = Watching['told'][number];
const occupancy = (version: number, registeredCount: number, waitlistCount: number): Told => ({
  ...{ type: 'occupancy', version, revision: 1, totalCapacity: 1, registeredCount, waitlistCount },
  ...{ availableCapacity: 1 - registeredCount, offeredCount: 0, status: 'OPEN' },
});
const none = { registration: null, offer: null, waitlistEntry: null, ahead: null };
const NOWHERE: Told = { type: 'place', status: 'NONE', ...none };
const waiting = (userId = 'bob', ahead = 0): Told => ({
  ...{ type: 'place', status: 'WAITLISTED', ...none, ahead },
  waitlistEntry: { entryId: 'e1', userId, position: 1 },
});
const SEATED: Told = {
  ...{ type: 'place', status: 'ACTIVE', ...none },
  registration: { registrationId: 'r2', userId: 'bob' },
};

const faultsOf = (told: Told[], more: Partial<Watching> = {}, mayBeStale = false, log = LOG) =>
  checkWatchings(
    [{ eventId: 'gala', worker: 0, userId: null, known: 0, isCut: false, ...more, told }],
    log,
    mayBeStale,
  );

describe('what somebody who watches is told', () => {
  test('is the event after commits, in order; some may be passed over', () => {
    expect(faultsOf([occupancy(1, 0, 0), occupancy(2, 1, 0), occupancy(5, 1, 0)])).toEqual([]);
    expect(faultsOf([])).toEqual([]);
  });

  test('is no version that no commit led to, and nothing else of one', () => {
    expect(faultsOf([occupancy(3, 1, 0)])).toHaveLength(1);
    expect(faultsOf([occupancy(6, 1, 0)])).toHaveLength(1);
    expect(faultsOf([occupancy(2, 0, 0)])[0]).toContain('and the log has');
    expect(faultsOf([occupancy(4, 2, 1)])).toHaveLength(1);
  });

  test('never goes back', () => {
    expect(faultsOf([occupancy(4, 1, 1), occupancy(2, 1, 0)])[0]).toContain('2 after version 4');
  });

  test('is at first as new as the receipts that were out, where one worker owns the event', () => {
    expect(faultsOf([occupancy(2, 1, 0)], { known: 4 })[0]).toContain('version 4 was committed');
    expect(faultsOf([occupancy(2, 1, 0)], { known: 4 }, true)).toEqual([]);
    expect(faultsOf([occupancy(4, 1, 1)], { known: 4 })).toEqual([]);
  });

  test('takes no seat for available that a raise owes to the line, while it lives', () => {
    const raised = (more: object) => [
      ...LOG.slice(0, 3),
      entry(5, { type: 'event.updated', settings: { ...settings, capacity: 2, ...more } }),
    ];
    const told = (availableCapacity: number): Told =>
      ({ ...occupancy(5, 1, 1), totalCapacity: 2, availableCapacity, revision: 2 }) as Told;
    const isWrong = (available: number, more: object = {}) =>
      faultsOf([told(available)], {}, false, raised(more)).length > 0;
    expect([0, 1].map((available) => isWrong(available))).toEqual([false, true]);
    const ended = { promotesUntil: '2000-01-01T00:00:00.000Z' };
    expect([0, 1].map((available) => isWrong(available, ended))).toEqual([true, false]);
    const ending = { promotesUntil: '2999-01-01T00:00:00.000Z' };
    expect([0, 1].map((available) => isWrong(available, ending))).toEqual([false, false]);
  });
});

describe('the place of somebody who watches', () => {
  const bob = { userId: 'bob' };
  const whole = [occupancy(2, 1, 0), NOWHERE, occupancy(4, 1, 1), waiting()];

  test('is theirs, and comes with the version at which it changed', () => {
    expect(faultsOf([...whole, occupancy(5, 1, 0), SEATED], bob)).toEqual([]);
    expect(faultsOf([occupancy(1, 0, 0), NOWHERE, occupancy(2, 1, 0)], bob)).toEqual([]);
  });

  test('is of nobody else, and of no other version', () => {
    expect(faultsOf([occupancy(4, 1, 1), waiting()], { userId: 'ada' })).toHaveLength(1);
    expect(faultsOf([occupancy(4, 1, 1), waiting('ada')], bob)).toHaveLength(1);
    expect(faultsOf([occupancy(4, 1, 1), waiting('bob', 1)], bob)).toHaveLength(1);
    expect(faultsOf([occupancy(2, 1, 0), waiting()], bob)).toHaveLength(1);
    expect(faultsOf([occupancy(4, 1, 1), waiting()])).toHaveLength(1);
  });

  test('is not left out, but by a socket that was cut', () => {
    const told = [...whole, occupancy(5, 1, 0)];
    expect(faultsOf(told, bob)[0]).toContain('version 5 without');
    expect(faultsOf(told, { ...bob, isCut: true })).toEqual([]);
    const later = [occupancy(4, 1, 1), occupancy(5, 1, 0), SEATED];
    expect(faultsOf(later, { ...bob, isCut: true })).toHaveLength(1);
  });
});

test('a message about another event, or of another kind, is not understood', () => {
  const { registration } = SEATED as Extract<Told, { type: 'place' }>;
  const text = (eventId: string) =>
    JSON.stringify({ ...SEATED, registration: { ...registration, eventId, createdAt: at } });
  expect(readMessage(text('gala'), 'gala')).toEqual(SEATED);
  expect(readMessage(text('other'), 'gala')).toBeNull();
  expect(readMessage('{"type":"news"}', 'gala')).toBeNull();
});
