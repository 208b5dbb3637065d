import { describe, expect, test } from 'vitest';
import { type Pointer, pointerAt } from '../../src/event/outbox.ts';
import { passTo, placeOf, type Result, settle } from '../../src/outbox/progress.ts';

const NOW = Date.UTC(2026, 10, 26, 12);
const at = '2026-11-26T12:00:00.000Z';
const taken: Result = { type: 'taken' };
const failed = (cause = 'HTTP 500', retryAfterMs = 0): Result => ({
  ...{ type: 'failed', cause, retryAfterMs },
});
const START = pointerAt('crm', 4);
const moment = (now = NOW, random = 0.5) => ({ now, random });
const fail = (pointer: Pointer, version: number, index = 0, result = failed(), m = moment()) =>
  settle(pointer, { version, index }, result, m);

describe('an attempt that fails', () => {
  test('leaves the message open, in the order of the log, and says since when and why', () => {
    let pointer = START;
    for (const [version, index] of [
      [6, 1],
      [5, 0],
      [6, 0],
    ] as const) {
      pointer = fail(pointer, version, index, failed(`HTTP 50${index}`)).pointer;
    }
    const open = { attempts: 1, nextAt: NOW + 5_000 };
    expect(pointer).toEqual({
      ...START,
      open: [
        { version: 5, index: 0, ...open },
        { version: 6, index: 0, ...open },
        { version: 6, index: 1, ...open },
      ],
      failingSince: at,
      lastError: 'HTTP 500',
    });
    const later = fail(pointer, 5, 0, failed('timeout'), moment(NOW + 60_000)).pointer;
    expect(later).toMatchObject({ failingSince: at, lastError: 'timeout' });
    expect(later.open[0]).toMatchObject({ attempts: 2 });
  });

  test('is repeated by the schedule, each time drawn up to a fifth sooner or later', () => {
    const minute = 60_000;
    const hour = 60 * minute;
    const delays = [5_000, 5 * minute, 30 * minute, 2, 5, 10, 14, 20, 24].map((delay) =>
      delay < 100 ? delay * hour : delay,
    );
    for (const [random, factor] of [
      [0, 0.8],
      [0.5, 1],
      [0.75, 1.1],
    ] as const) {
      let pointer = START;
      for (const delay of delays) {
        const after = fail(pointer, 5, 0, failed(), moment(NOW, random));
        expect(after.isGivenUp).toBe(false);
        pointer = after.pointer;
        expect(pointer.open).toHaveLength(1);
        expect(pointer.open[0]?.nextAt).toBe(Math.round(NOW + delay * factor));
      }
      expect(pointer.open[0]?.attempts).toBe(9);
      const last = fail(pointer, 5, 0, failed('HTTP 422'));
      expect(last.isGivenUp).toBe(true);
      expect(last.pointer).toEqual({
        ...START,
        ...{ open: [], failingSince: at, lastError: 'HTTP 422' },
      });
    }
  });

  test('heeds what the endpoint asks for, where that is later, up to a day', () => {
    const nextAt = (retryAfterMs: number) =>
      (fail(START, 5, 0, failed('HTTP 503', retryAfterMs)).pointer.open[0]?.nextAt ?? 0) - NOW;
    expect(nextAt(0)).toBe(5_000);
    expect(nextAt(4_999)).toBe(5_000);
    expect(nextAt(60_000)).toBe(60_000);
    expect(nextAt(86_400_000)).toBe(86_400_000);
    expect(nextAt(86_400_001)).toBe(86_400_000);
    expect(nextAt(Number.POSITIVE_INFINITY)).toBe(86_400_000);
  });
});

describe('an attempt that succeeds', () => {
  test('ends the trouble only when it was the last open message', () => {
    const failing = fail(fail(START, 5).pointer, 6).pointer;
    const other = settle(failing, { version: 7, index: 0 }, taken, moment()).pointer;
    expect(other).toEqual(failing);
    const first = settle(failing, { version: 5, index: 0 }, taken, moment()).pointer;
    expect(first.open.map(({ version }) => version)).toEqual([6]);
    expect(first).toMatchObject({ failingSince: at, lastError: 'HTTP 500' });
    const second = settle(first, { version: 6, index: 0 }, taken, moment()).pointer;
    expect(second).toEqual(START);
  });

  test('after a message was given up, ends the trouble too', () => {
    const givenUp = { ...START, failingSince: at, lastError: 'HTTP 422' };
    expect(settle(givenUp, { version: 9, index: 0 }, taken, moment()).pointer).toEqual(START);
  });
});

test('an endpoint that wants no more has nothing open, whatever is heard afterwards', () => {
  const failing = fail(START, 5).pointer;
  const ended = settle(
    failing,
    { version: 6, index: 0 },
    { type: 'ended', cause: 'HTTP 410' },
    moment(),
  ).pointer;
  expect(ended).toEqual({
    ...START,
    ...{ isEnded: true, failingSince: at, lastError: 'HTTP 410' },
  });
  for (const result of [taken, failed()]) {
    const { pointer, isGivenUp } = settle(ended, { version: 7, index: 0 }, result, moment());
    expect(pointer).toEqual(ended);
    expect(isGivenUp).toBe(false);
  }
});

test('a pointer passes to a place, and stays what it is otherwise', () => {
  const pointer = passTo(fail(START, 5).pointer, { version: 9, index: 2 });
  expect(pointer).toMatchObject({ version: 8, index: 2, failingSince: at });
  expect(placeOf(pointer)).toEqual({ version: 9, index: 2 });
});
