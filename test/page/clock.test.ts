import { expect, test } from 'vitest';
import { ServerClock } from '../../src/page/clock.ts';

/** A device whose clock is `wrong` milliseconds ahead of the server's. */
function device(wrong: number) {
  const world = { ms: 1_000_000 };
  const clock = new ServerClock(() => world.ms + wrong);
  /** An answer whose header `Date` has whole seconds. */
  const answer = (there: number, back: number) => {
    const sentAt = clock.local();
    world.ms += there;
    const told = Math.floor(world.ms / 1_000) * 1_000;
    world.ms += back;
    clock.learn(told, sentAt, clock.local(), 1_000);
  };
  return { world, clock, answer };
}

test.each([0, 90_000, -3_600_000])(
  'a device that is wrong by %i ms learns the time of the server',
  (wrong) => {
    const { world, clock, answer } = device(wrong);
    for (let i = 0; i < 40; i++) {
      answer(20, 30);
      world.ms += 317;
      const behind = world.ms - clock.now();
      // Never ahead: a countdown must not end too early.
      expect(behind).toBeGreaterThanOrEqual(0);
      expect(behind).toBeLessThanOrEqual(1_100);
    }
    expect(world.ms - clock.now()).toBeLessThanOrEqual(100);
  },
);

test('a clock that jumps is noticed', () => {
  const { world, clock, answer } = device(0);
  answer(10, 10);
  // The device slept, and its clock stood still.
  const late = new ServerClock(() => world.ms);
  late.learn(world.ms, world.ms, world.ms, 1);
  late.learn(world.ms + 60_000, world.ms, world.ms, 1);
  expect(late.now() - world.ms).toBe(60_000);
  expect(Math.abs(clock.now() - world.ms)).toBeLessThan(1_100);
});

test('without an answer it is the time of the device, and nonsense teaches nothing', () => {
  const clock = new ServerClock(() => 5_000);
  clock.learn(Number.NaN, 0, 0, 1_000);
  expect(clock.now()).toBe(5_000);
});
