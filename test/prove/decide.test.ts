import { expect, test } from 'vitest';
import { check } from './checker.ts';
import { decide } from './decide.ts';
import { type Operation, Recorder, type Request } from './history.ts';
import { stalledMs } from './stalls.ts';

const EVENT = 'event';

/** An answer that nothing explains, after requests that each may have been carried out or not. */
function hopeless(open: number): Operation[] {
  const recorder = new Recorder();
  const create: Request = { type: 'create', capacity: 100, hasWaitlist: true };
  const created = { type: 'created', capacity: 100, hasWaitlist: true } as const;
  recorder.end(recorder.begin('c', EVENT, create), created);
  for (let i = 0; i < open; i++) {
    const asked = recorder.begin(`c${i}`, EVENT, { type: 'register', userId: `user-${i}` });
    recorder.end(asked, { type: 'unknown', why: 'reset' });
  }
  const left = { type: 'unregistered', promoted: null, offered: null } as const;
  recorder.end(recorder.begin('c', EVENT, { type: 'unregister', userId: 'nobody' }), left);
  return recorder.operations;
}

test('a verdict comes from a thread of its own, and the same as without one', async () => {
  const bad = hopeless(2);
  const good = bad.slice(0, 1);
  const [first, second] = await Promise.all([decide(EVENT, bad), decide(EVENT, good)]);
  expect(first).toMatchObject({ type: 'violation', steps: check(bad).steps });
  expect(first.violation).toContain('no order of these explains all answers');
  expect(second).toMatchObject({ type: 'linearizable', violation: null });
});

test('a long search holds up nothing else', { timeout: 60_000 }, async () => {
  const history = hopeless(12);
  const startedAt = performance.now();
  check(history);
  const searchMs = performance.now() - startedAt;
  // Time for the stall of that search to be noticed.
  await new Promise((resolve) => setTimeout(resolve, 100));
  const stalledBefore = stalledMs();
  await decide(EVENT, history);
  expect(stalledMs() - stalledBefore).toBeLessThan(searchMs / 2);
});
