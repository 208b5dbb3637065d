import { describe, expect, test } from 'vitest';
import {
  ALARM_EARLY_MAX_MS,
  ALARM_GRACE_MS,
  COMMIT_DEADLINE_MS,
  CREATION_LANDS_MS,
} from '../../src/limits.ts';
import { Alarm } from '../../src/object/alarm.ts';

function open(setBefore: number | null = null) {
  const sets: number[] = [];
  let fails = false;
  const storage = {
    getAlarm: async () => setBefore,
    setAlarm: async (at: number | Date) => {
      if (fails) throw new Error('disk');
      sets.push(Number(at));
    },
  };
  const clock = { now: 1_000_000 };
  const alarm = new Alarm(storage, () => clock.now);
  return {
    ...{ alarm, sets, clock },
    fail: (does: boolean) => {
      fails = does;
    },
  };
}

describe('the alarm', () => {
  test('is set once for the earliest, and again only for something earlier', async () => {
    const { alarm, sets, clock } = open();
    await alarm.ensure(clock.now + 60_000);
    await alarm.ensure(clock.now + 90_000);
    await alarm.ensure(clock.now + 60_000);
    expect(sets).toEqual([1_060_000]);
    await alarm.ensure(clock.now + 30_000);
    expect(sets).toEqual([1_060_000, 1_030_000]);
  });

  test('leaves some time to what is due already', async () => {
    const { alarm, sets, clock } = open();
    await alarm.ensure(0);
    clock.now += ALARM_GRACE_MS - 1;
    await alarm.ensure(0);
    expect(sets).toEqual([1_000_000 + ALARM_GRACE_MS]);
  });

  test('is set anew after it has gone off', async () => {
    const { alarm, sets, clock } = open();
    await alarm.ensure(0);
    clock.now += ALARM_GRACE_MS;
    alarm.wentOff();
    await alarm.ensure(0);
    expect(sets).toHaveLength(2);
  });

  test('of a creation comes after its end, instead of any earlier one', async () => {
    const { alarm, sets, clock } = open();
    await alarm.ensure(0);
    await alarm.ensureAfterCreation();
    clock.now += CREATION_LANDS_MS - 1;
    await alarm.ensureAfterCreation();
    await alarm.ensure(clock.now + CREATION_LANDS_MS);
    const first = 1_000_000 + CREATION_LANDS_MS;
    expect(sets).toEqual([1_000_000 + ALARM_GRACE_MS, first, first + CREATION_LANDS_MS - 1]);
    expect(CREATION_LANDS_MS).toBeGreaterThan(COMMIT_DEADLINE_MS);
    // What the event has to do once it is there comes first again.
    await alarm.ensure(0);
    expect(sets.at(-1)).toBe(clock.now + ALARM_GRACE_MS);
  });

  test('of an earlier life of the object still counts', async () => {
    const { alarm, sets, clock } = open(1_005_000);
    await alarm.ensure(clock.now + 60_000);
    expect(sets).toEqual([]);
    await alarm.ensure(clock.now + 3_000);
    expect(sets).toEqual([1_003_000]);
  });

  test('that could not be set is tried again', async () => {
    const { alarm, sets, fail } = open();
    fail(true);
    await expect(alarm.ensure(0)).rejects.toThrow('disk');
    fail(false);
    await alarm.ensure(0);
    expect(sets).toHaveLength(1);
  });

  test('that goes off early by another clock tells by how much, unless it was called twice', async () => {
    const { alarm, clock } = open();
    const goesOff = () => {
      const { earlyMs } = alarm;
      alarm.wentOff();
      return earlyMs;
    };
    expect(goesOff()).toBe(0);
    await alarm.ensure(clock.now + 255);
    expect(goesOff()).toBe(255);
    expect(goesOff()).toBe(0);
    await alarm.ensure(clock.now + ALARM_EARLY_MAX_MS);
    expect(goesOff()).toBe(ALARM_EARLY_MAX_MS);
    await alarm.ensure(clock.now + ALARM_EARLY_MAX_MS + 1);
    expect(goesOff()).toBe(0);
    await alarm.ensure(clock.now + 100);
    clock.now += 200;
    expect(goesOff()).toBe(0);
  });

  test('that is in doubt for two at once is set for the earlier one', async () => {
    const { alarm, sets, clock } = open();
    alarm.doubt();
    await Promise.all([alarm.ensure(clock.now + 1_000), alarm.ensure(clock.now + 9_000)]);
    expect(sets).toEqual([clock.now + 1_000]);
  });
});
