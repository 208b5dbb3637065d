import { describe, expect, test } from 'vitest';
import type { DeliveryJob, DeliveryReport, Pointer } from '../../src/event/outbox.ts';
import { pointerAt, withPointer } from '../../src/event/outbox.ts';
import { EventState } from '../../src/event/state.ts';
import { DELIVERIES_MAX_IN_A_ROW, DELIVERY_REST_MS } from '../../src/limits.ts';
import { Deliveries } from '../../src/object/deliveries.ts';

const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

/** Deliveries whose every answer the test gives. */
function open(endpoints = ['a', 'b'], head = 10) {
  const state = new EventState();
  state.log = { version: head, chain: 'c', from: 1, next: 1, nextAt: '' };
  state.pointers = endpoints.map((name) => pointerAt(name, 0));
  const jobs: { job: DeliveryJob; answer: (to: Partial<Pointer>) => void; fail: () => void }[] = [];
  const clock = { now: 1_000_000 };
  const problems: string[] = [];
  let moves = true;
  const deliveries = new Deliveries({
    ...{ eventId: 'e', endpoints, state: () => state, now: () => clock.now },
    deliver: (job) =>
      new Promise<DeliveryReport>((resolve, reject) => {
        const answer = (to: Partial<Pointer>) =>
          resolve({ pointer: { ...job.pointer, ...to }, delivered: 1, failed: 0, gaveUp: 0 });
        jobs.push({ job, answer, fail: () => reject(new Error('no log')) });
      }),
    move: async (_, to) => {
      if (moves) state.pointers = withPointer(state.pointers, to);
      return moves;
    },
    measure: () => {},
    log: (problem) => problems.push(problem),
  });
  const setMoves = (does: boolean) => {
    moves = does;
  };
  return { deliveries, jobs, state, clock, problems, setMoves };
}

describe('deliveries', () => {
  test('go to each endpoint by itself, one at a time, until nothing is due', async () => {
    const { deliveries, jobs } = open();
    deliveries.kick();
    deliveries.kick();
    expect(jobs.map(({ job }) => job.pointer.name)).toEqual(['a', 'b']);
    // One that hangs holds up no other.
    jobs[0]?.answer({ version: 4 });
    await settle();
    expect(jobs).toHaveLength(3);
    expect(jobs[2]?.job.pointer).toMatchObject({ name: 'a', version: 4 });
    jobs[2]?.answer({ version: 10 });
    await settle();
    expect(jobs).toHaveLength(3);
    jobs[1]?.answer({ version: 10 });
    await deliveries.settled();
  });

  test('what is committed while the last delivery ends is not forgotten', async () => {
    const { deliveries, jobs, state } = open(['a']);
    deliveries.kick();
    jobs[0]?.answer({ version: 10 });
    // As a commit does, at any moment until the run is over.
    for (let i = 11; i < 20; i++) {
      await Promise.resolve();
      state.log = { version: i, chain: 'c', from: 1, next: 1, nextAt: '' };
      deliveries.kick();
    }
    await settle();
    expect(jobs.length).toBe(2);
    expect(jobs[1]?.job.head).toBeGreaterThan(10);
  });

  test('a delivery that could not be tried, or recorded, rests', async () => {
    const { deliveries, jobs, clock, problems, setMoves } = open(['a']);
    deliveries.kick();
    jobs[0]?.fail();
    await deliveries.settled();
    deliveries.kick();
    expect(jobs).toHaveLength(1);
    clock.now += DELIVERY_REST_MS;
    setMoves(false);
    deliveries.kick();
    jobs[1]?.answer({ version: 10 });
    await deliveries.settled();
    deliveries.kick();
    expect(jobs).toHaveLength(2);
    clock.now += DELIVERY_REST_MS;
    deliveries.kick();
    expect(jobs[2]?.job.pointer.version).toBe(0);
    expect(problems).toEqual(['delivery not tried', 'delivery not recorded']);
  });

  test('what is to be tried later waits for its time, and does not stop', async () => {
    const { deliveries, jobs, clock, state } = open(['a']);
    const nextAt = clock.now + 5_000;
    const open1 = [{ version: 3, index: 0, attempts: 1, nextAt }];
    state.pointers = [{ ...pointerAt('a', 10), open: open1 }];
    deliveries.kick();
    expect(jobs).toHaveLength(0);
    clock.now = nextAt;
    deliveries.kick();
    expect(jobs).toHaveLength(1);
    state.pointers = [{ ...pointerAt('a', 10), isEnded: true }];
    jobs[0]?.answer({ isEnded: true });
    await deliveries.settled();
    deliveries.kick();
    expect(jobs).toHaveLength(1);
  });

  test('so many in a row, and the next alarm goes on', async () => {
    const { deliveries, jobs } = open(['a'], 1_000);
    deliveries.kick();
    for (let i = 0; i < DELIVERIES_MAX_IN_A_ROW; i++) {
      jobs[i]?.answer({ version: i + 1 });
      await settle();
    }
    expect(jobs).toHaveLength(DELIVERIES_MAX_IN_A_ROW);
    await deliveries.settled();
    deliveries.kick();
    expect(jobs).toHaveLength(DELIVERIES_MAX_IN_A_ROW + 1);
  });
});
