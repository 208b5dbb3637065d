import { describe, expect, test } from 'vitest';
import { type Asked, type Operation, type Outcome, Recorder } from './history.ts';
import {
  type Answered,
  answerWithinMs,
  type Conditions,
  lateness,
  staleAbsences,
} from './liveness.ts';

const windy: Conditions = { scale: 1, isCalm: false, isRaised: false };
const calm: Conditions = { ...windy, isCalm: true };

describe('how late an answer may be', () => {
  const bound = answerWithinMs('unregister', windy);
  const after = (tookMs: number, rest = {}) =>
    lateness(
      { asked: 'unregister', status: 200, tookMs, stalledMs: 0, slowCallsMs: 0, ...rest },
      windy,
    );

  test('the deadline, one commit, and what the machine adds', () => {
    // Two and a half seconds in the queue, two for the commit.
    expect(bound).toBeGreaterThan(4_500);
    expect(bound).toBeLessThan(6_500);
    expect(after(bound - 1)).toBeNull();
    expect(after(bound + 1)).toContain('too late');
  });
  test('a refusal has to come in time as well', () => {
    expect(after(bound + 1, { status: 503 })).toContain('too late');
  });
  test('time that was lost here does not count', () => {
    expect(after(bound + 100, { stalledMs: 200 })).toBeNull();
  });
  test('a look-up of the user, and the transactions of a large raise, come on top', () => {
    expect(answerWithinMs('register', windy)).toBeGreaterThan(bound);
    const raised = { ...windy, isRaised: true };
    expect(answerWithinMs('update', raised)).toBeGreaterThan(answerWithinMs('update', windy));
    expect(answerWithinMs('unregister', raised)).toBe(bound);
  });
  test('deadlines that are cut short are kept as well', () => {
    expect(answerWithinMs('unregister', { ...windy, scale: 1 / 6 })).toBeLessThan(bound / 2);
  });
});

describe('a refusal for lack of time', () => {
  const refused: Answered = {
    ...{ asked: 'register', status: 503 },
    ...{ tookMs: 5, stalledMs: 0, slowCallsMs: 0 },
  };
  test('is not a fault while calls fail', () => {
    expect(lateness(refused, windy)).toBeNull();
  });
  test('is a fault when no call fails', () => {
    expect(lateness(refused, calm)).toContain('nothing was wrong');
    expect(lateness({ ...refused, status: 409 }, calm)).toBeNull();
  });
  test('is not a fault when this process or the database stood still', () => {
    expect(lateness({ ...refused, stalledMs: 1_000 }, calm)).toBeNull();
    expect(lateness({ ...refused, slowCallsMs: 1_000 }, calm)).toBeNull();
  });
});

describe('that there is no such event', () => {
  const create: Asked = { type: 'create', capacity: 1, hasWaitlist: true };
  const created: Outcome = { type: 'created', capacity: 1, hasWaitlist: true };
  const none: Outcome = { type: 'refused', reason: 'no such event' };
  /** Operations at moments of their own. */
  function history(...steps: [Asked, Outcome, at: number][]): Operation[] {
    const recorder = new Recorder();
    return steps.map(([request, outcome, at]) => {
      const operation = recorder.begin('c', 'event', request);
      recorder.end(operation, outcome);
      return { ...operation, sentAt: at, answeredAt: at };
    });
  }
  test('may be said before it was created, and by another owner shortly after', () => {
    const good = history(
      [{ type: 'read' }, none, 0],
      [create, created, 1_000],
      [{ type: 'read' }, none, 1_900],
    );
    expect(staleAbsences(good, windy)).toEqual([]);
  });
  test('may not be said long after', () => {
    const bad = history([create, created, 1_000], [{ type: 'read' }, none, 20_000]);
    expect(staleAbsences(bad, windy)).toEqual([
      'c read: "no such event" 19000 ms after its creation',
    ]);
  });
  test('may be said for ever where none was created', () => {
    expect(staleAbsences(history([{ type: 'read' }, none, 99_000]), windy)).toEqual([]);
  });
});
