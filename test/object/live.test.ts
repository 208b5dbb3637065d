import { describe, expect, test } from 'vitest';
import type { Occupancy, Place } from '../../src/event/shown.ts';
import {
  LIVE_MESSAGES_PER_SECOND,
  LIVE_PERIOD_MS,
  LIVE_SILENCE_MS,
  LIVE_SLICE_MESSAGES,
} from '../../src/http-limits.ts';
import {
  endOf,
  NOTHING_TOLD,
  newsFor,
  Rounds,
  type Sight,
  toWords,
} from '../../src/object/live.ts';

const OCCUPANCY: Occupancy = {
  type: 'occupancy',
  now: '2026-06-01T09:00:00.000Z',
  version: 7,
  revision: 1,
  ...{ eventId: 'gala', totalCapacity: 2, availableCapacity: 1, registeredCount: 1 },
  ...{ offeredCount: 0, waitlistCount: 0, status: 'OPEN' },
};
const NONE = { registration: null, waitlistEntry: null, ahead: null, offer: null } as const;
const PLACE: Place = { type: 'place', status: 'NONE', ...NONE };
const sight = (occupancy: Occupancy, place: Place | null = PLACE): Sight => ({
  occupancy: toWords(occupancy),
  place: () => place,
});
const parsed = ({ messages }: { messages: string[] }) => messages.map((text) => JSON.parse(text));

describe('what a watcher is told', () => {
  test('is all of it at first, and their place only if it is theirs to know', () => {
    expect(parsed(newsFor('ada', NOTHING_TOLD, sight(OCCUPANCY)))).toEqual([OCCUPANCY, PLACE]);
    expect(parsed(newsFor(null, NOTHING_TOLD, sight(OCCUPANCY)))).toEqual([OCCUPANCY]);
  });

  test('is nothing while nothing but the time changes', () => {
    const { told } = newsFor('ada', NOTHING_TOLD, sight(OCCUPANCY));
    const later = { ...OCCUPANCY, now: '2026-06-01T09:00:09.000Z' };
    expect(newsFor('ada', told, sight(later))).toEqual({ messages: [], told });
  });

  test.each([{ version: 8 }, { revision: 2 }, { waitlistCount: 1 }, { status: 'PAUSED' }] as const)(
    'is the event when this is new: %o',
    (change) => {
      const { told } = newsFor('ada', NOTHING_TOLD, sight(OCCUPANCY));
      const now = { ...OCCUPANCY, ...change };
      const news = newsFor('ada', told, sight(now));
      expect(parsed(news)).toEqual([now]);
      expect(newsFor('ada', news.told, sight(now)).messages).toEqual([]);
    },
  );

  test('is their place when it moves, by one entry too', () => {
    const entry = { entryId: 'e', userId: 'ada', eventId: 'gala', position: 3, createdAt: '' };
    const behind = (ahead: number): Place => ({
      ...{ type: 'place', status: 'WAITLISTED', registration: null, offer: null },
      ...{ waitlistEntry: entry, ahead },
    });
    const { told } = newsFor('ada', NOTHING_TOLD, sight(OCCUPANCY, behind(2)));
    expect(newsFor('ada', told, sight(OCCUPANCY, behind(2))).messages).toEqual([]);
    expect(parsed(newsFor('ada', told, sight(OCCUPANCY, behind(1))))).toEqual([behind(1)]);
  });

  test('is nothing of their place while that is not known', () => {
    const { told } = newsFor('ada', NOTHING_TOLD, sight(OCCUPANCY));
    expect(newsFor('ada', told, sight(OCCUPANCY, null))).toEqual({ messages: [], told });
  });
});

describe('a watcher ends', () => {
  const watcher = { userId: null, openedAt: 0, endsAt: 10_000_000 };

  test('at the instant at which the token does, and not before', () => {
    expect(endOf(watcher, null, 9_999_999)).toBeNull();
    expect(endOf(watcher, null, 10_000_000)).toBe('expired');
    expect(endOf(watcher, 10_000_000, 10_000_000)).toBe('expired');
  });

  test('when the pings stop; who never sent one need not', () => {
    expect(endOf(watcher, null, LIVE_SILENCE_MS * 10)).toBeNull();
    expect(endOf(watcher, 1_000, 1_000 + LIVE_SILENCE_MS)).toBeNull();
    expect(endOf(watcher, 1_000, 1_001 + LIVE_SILENCE_MS)).toBe('silent');
  });
});

/** Rounds with a clock of their own. A watcher is a number; each knows a version, and is told when that is old. */
function openRounds(count: number) {
  const world = { now: 1_000_000, version: 0, isReady: true, loads: 0, fails: false };
  const timers: { at: number; run: () => void }[] = [];
  const knows = new Array<number>(count).fill(0);
  const sends: { at: number; watcher: number; version: number }[] = [];
  const rounds = new Rounds<number, object>({
    watchers: () => [...knows.keys()],
    look: () => {
      if (world.fails) throw new Error('a defect');
      if (!world.isReady) world.loads++;
      return world.isReady ? {} : null;
    },
    tell: (watcher) => {
      if (knows[watcher] === world.version) return 0;
      knows[watcher] = world.version;
      sends.push({ at: world.now, watcher, version: world.version });
      return 1;
    },
    now: () => world.now,
    after: (ms, run) => {
      timers.push({ at: world.now + ms, run });
    },
  });
  /** Lets so much time pass. */
  const pass = (ms: number) => {
    const end = world.now + ms;
    for (;;) {
      timers.sort((one, other) => one.at - other.at);
      if (!timers[0] || timers[0].at > end) break;
      const { at, run } = timers.shift() as (typeof timers)[0];
      world.now = Math.max(world.now, at);
      run();
    }
    world.now = end;
  };
  const commit = () => {
    world.version++;
    rounds.changed();
  };
  return { world, timers, knows, sends, rounds, pass, commit };
}

describe('rounds', () => {
  test('begin at once after a rest, and leave no timer behind', () => {
    const { timers, knows, pass, commit } = openRounds(3);
    commit();
    pass(0);
    expect(knows).toEqual([1, 1, 1]);
    expect(timers).toEqual([]);
  });

  test('are at most four a second, and the last state always arrives', () => {
    const { timers, knows, sends, pass, commit } = openRounds(2);
    // 33 commits a second, for three seconds.
    for (let i = 0; i < 100; i++) {
      commit();
      pass(30);
    }
    pass(LIVE_PERIOD_MS);
    expect(knows).toEqual([100, 100]);
    expect(sends.length / 2).toBeLessThanOrEqual(3_000 / LIVE_PERIOD_MS + 2);
    expect(timers).toEqual([]);
  });

  test.each([100, 1_000, 5_000])('keep the bound of messages a second with %i watchers', (n) => {
    const { world, timers, knows, sends, pass, commit } = openRounds(n);
    const began = world.now;
    for (let i = 0; i < 500; i++) {
      commit();
      pass(20);
    }
    const seconds = (world.now - began) / 1_000;
    const perSecond = sends.length / seconds;
    expect(perSecond).toBeLessThanOrEqual(LIVE_MESSAGES_PER_SECOND + LIVE_SLICE_MESSAGES);
    expect(perSecond).toBeGreaterThan(Math.min(n * 3.5, LIVE_MESSAGES_PER_SECOND * 0.9));
    // In each slice so many at most: commits go on in between.
    const slices = Map.groupBy(sends, ({ at }) => at);
    expect(Math.max(...[...slices.values()].map(({ length }) => length))).toBeLessThanOrEqual(
      LIVE_SLICE_MESSAGES,
    );
    // Everybody is told equally often.
    const perWatcher = Map.groupBy(sends, ({ watcher }) => watcher);
    const counts = [...perWatcher.values()].map(({ length }) => length);
    expect(perWatcher.size).toBe(n);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    pass(10_000);
    expect(new Set(knows)).toEqual(new Set([500]));
    expect(timers).toEqual([]);
  });

  test('look at many to whom nothing is new without a pause, yet in turns', () => {
    const { world, timers, sends, rounds, pass } = openRounds(5_000);
    rounds.changed();
    pass(0);
    expect(sends).toEqual([]);
    expect(timers).toEqual([]);
    expect(world.now).toBe(1_000_000);
  });

  test('go on with the next change after an error', () => {
    const { world, timers, knows, pass, commit } = openRounds(3);
    world.fails = true;
    commit();
    expect(() => pass(0)).toThrow('a defect');
    expect(timers).toEqual([]);
    world.fails = false;
    commit();
    pass(LIVE_PERIOD_MS);
    expect(knows).toEqual([2, 2, 2]);
  });

  test('stop when the event is not in memory, and begin again when it was loaded', () => {
    const { world, timers, knows, rounds, pass, commit } = openRounds(1_000);
    commit();
    pass(60);
    expect(new Set(knows)).toEqual(new Set([0, 1]));
    world.isReady = false;
    pass(1_000);
    expect(timers).toEqual([]);
    expect(world.loads).toBe(1);
    world.isReady = true;
    rounds.changed();
    pass(1_000);
    expect(new Set(knows)).toEqual(new Set([1]));
  });
});
