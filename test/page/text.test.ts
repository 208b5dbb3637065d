import { describe, expect, test } from 'vitest';
import { toCalendar } from '../../src/page/calendar.ts';
import { changed } from '../../src/page/desk/changed.ts';
import { thinOut, toPoints } from '../../src/page/desk/history.ts';
import * as de from '../../src/page/text/de.ts';
import * as en from '../../src/page/text/en.ts';
import { longTime, timeLeft } from '../../src/page/when.ts';
import { count, fill } from '../../src/page/words.ts';
import { fromLocal, toLocal } from '../../src/page/zoned.ts';

describe('the texts', () => {
  const places = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([name]) => name).sort();

  test.each(['shared', 'shell', 'list', 'event', 'desk', 'changes'] as const)(
    'of %s are there in each language, with the same values to fill in',
    (part) => {
      const ours: Record<string, string> = { ...en }[part];
      const theirs: Record<string, string> = { ...de }[part];
      expect(Object.keys(theirs).sort()).toEqual(Object.keys(ours).sort());
      for (const [name, text] of Object.entries(theirs)) {
        expect(text.trim(), name).not.toBe('');
        expect(places(text), name).toEqual(places(ours[name] ?? ''));
      }
    },
  );

  test('are filled in; a value that is missing shows its name', () => {
    expect(fill('{a} of {b}', { a: 1 })).toBe('1 of {b}');
    expect(count(en.shared, 'seats', 1, 'en')).toBe('1 seat');
    expect(count(en.shared, 'seats', 1_234, 'en')).toBe('1,234 seats');
    expect(count(de.shared, 'free', 0, 'de', { capacity: 9 })).toBe('0 von 9 Plätzen frei');
  });
});

describe('times', () => {
  test('are told in the zone of the event', () => {
    const told = longTime('2026-12-12T18:00:00.000Z', 'en-GB', 'Europe/Berlin');
    expect(told).toContain('Saturday');
    expect(told).toContain('19:00');
  });

  test.each([
    [0, '0:00'],
    [1, '0:01'],
    [59_001, '1:00'],
    [3_723_000, '1:02:03'],
    [86_400_000 * 2 + 3_600_000, '2 days, 1 h'],
    [-5, '0:00'],
  ])('%i ms are left', (ms, text) => {
    expect(timeLeft(ms, (n) => `${n} days`)).toBe(text);
  });

  test.each([
    ['2026-12-12T19:00', 'Europe/Berlin', '2026-12-12T18:00:00.000Z'],
    ['2026-07-01T00:30', 'America/New_York', '2026-07-01T04:30:00.000Z'],
    ['2026-10-25T12:00', 'Europe/Berlin', '2026-10-25T11:00:00.000Z'],
    ['2026-03-29T08:00', 'Europe/Berlin', '2026-03-29T06:00:00.000Z'],
    ['2026-06-01T05:45', 'Asia/Kathmandu', '2026-06-01T00:00:00.000Z'],
  ])('%s in %s is an instant, and back', (local, zone, instant) => {
    expect(fromLocal(local, zone)).toBe(instant);
    expect(toLocal(instant, zone)).toBe(local);
  });

  test('no time is no time', () => {
    expect(fromLocal('', 'UTC')).toBeNull();
    expect(toLocal(null, 'UTC')).toBe('');
    expect(() => fromLocal('2026-01-01T00:00', 'Nowhere/Land')).toThrow(RangeError);
  });
});

test('a change has what differs, to the minute that the form shows', () => {
  const before = { name: 'A', capacity: 3, registrationOpensAt: '2026-01-01T00:00:17.000Z' };
  expect(changed(before, { ...before, registrationOpensAt: '2026-01-01T00:00:00.000Z' })).toEqual(
    {},
  );
  // Fields that an older service lacks are null, and its zone is UTC.
  expect(changed(before, { ...before, startsAt: null, timeZone: 'UTC' })).toEqual({});
  expect(changed(before, { ...before, capacity: 4, startsAt: '2026-05-05T05:05:00.000Z' })).toEqual(
    {
      capacity: 4,
      startsAt: '2026-05-05T05:05:00.000Z',
    },
  );
});

describe('a calendar file', () => {
  test('has the event, escaped and folded', () => {
    const name = `Wine, cheese; and a talk \\ ${'ü'.repeat(60)}`;
    const event = { eventId: 'a,b', name, startsAt: '2026-12-12T18:00:00.000Z' };
    const file = toCalendar(event, 'https://desk.test/e/a%2Cb', '2026-11-01T00:00:00.000Z');
    expect(file).toContain('\r\nDTSTART:20261212T180000Z\r\n');
    expect(file).toContain('\r\nUID:a\\,b@desk.test\r\n');
    for (const line of file.split('\r\n')) {
      expect(new TextEncoder().encode(line).length).toBeLessThanOrEqual(75);
    }
    const unfolded = file.replaceAll('\r\n ', '');
    expect(unfolded).toContain(`SUMMARY:Wine\\, cheese\\; and a talk \\\\ ${'ü'.repeat(60)}\r\n`);
    expect(file.endsWith('END:VCALENDAR\r\n')).toBe(true);
  });
});

describe('the numbers over time', () => {
  const at = (n: number) => new Date(n * 1_000).toISOString();
  const entry = (n: number, ...types: string[]) => ({
    version: n,
    at: at(n),
    changes: types.map((type) => ({ type })),
  });

  test('are counted back from now, so that a log without its beginning will do', () => {
    const entries = [
      entry(7, 'registration.created', 'waitlist.joined'),
      entry(8, 'registration.cancelled', 'offer.made'),
      entry(9, 'offer.accepted', 'something.new'),
      entry(10, 'registration.cancelled', 'registration.promoted'),
    ];
    expect(toPoints(entries, { registered: 50, waiting: 2 })).toEqual([
      { atMs: 7_000, registered: 50, waiting: 4 },
      { atMs: 8_000, registered: 49, waiting: 3 },
      { atMs: 9_000, registered: 50, waiting: 3 },
      { atMs: 10_000, registered: 50, waiting: 2 },
    ]);
  });

  test('are thinned out to a bound, with both ends', () => {
    const points = Array.from({ length: 5_000 }, (_, i) => ({
      atMs: i * i,
      registered: i,
      waiting: 0,
    }));
    const few = thinOut(points, 100);
    expect(few.length).toBeLessThanOrEqual(101);
    expect([few[0], few.at(-1)]).toEqual([points[0], points.at(-1)]);
  });
});
