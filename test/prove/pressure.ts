import { setTimeout as sleep } from 'node:timers/promises';
import type { Asker } from './asker.ts';
import { type Asked, NOBODY } from './history.ts';
import { absenceMaxMs } from './liveness.ts';
import type { Random } from './random.ts';

/** Keys that are used before the worker's memory begins: enough for as long as their replays go on. */
const OLD_KEYS = 300;
const OLD_KEYS_AT_ONCE = 60;
const REPLAYERS = 6;
/** How long the replays go on: longer than the deadline of a command. */
const REPLAYS_MS = 7_500;
/** Pause between two requests of the others, at most. */
const OTHERS_PAUSE_MS = 300;
/** Clients of the faster worker, their pause, and how long they stay in front. */
const RUNNERS = 2;
const RUNNERS_PAUSE_MS = 150;
const OUTRUN_MS = 9_000;
/** Attempts of a client that must get an answer. */
const MAX_ATTEMPTS = 30;
const RETRY_PAUSE_MS = 20;

/** What is needed to put an event under pressure. */
export interface Pressure {
  asker: Asker;
  eventId: string;
  userIds: string[];
  random: Random;
  /** Runs one client until it is told to stop, with a pause of at most so many milliseconds between requests. */
  behave(
    number: number,
    manner: { until: number; pauseMs: number; worker?: number },
  ): Promise<void>;
}

/**
 * Sends replays of keys that the worker does not have in memory, all the time. Each cancels the transaction that it
 * is in. The other clients must still be served.
 *
 * @param restart ends the worker and starts it again
 */
export async function playReplays(
  { asker, eventId, userIds, random, behave }: Pressure,
  restart: () => Promise<void>,
): Promise<void> {
  for (let i = 0; i < OLD_KEYS; i += OLD_KEYS_AT_ONCE) {
    await Promise.all(
      Array.from({ length: OLD_KEYS_AT_ONCE }, () =>
        asker.ask(
          'old',
          eventId,
          { type: 'leaveLine', userId: random.pick(userIds) },
          { isKeyed: true },
        ),
      ),
    );
  }
  await restart();
  const old = [...asker.settled];
  const until = performance.now() + REPLAYS_MS;
  const replay = async () => {
    while (performance.now() < until) {
      await asker.askAgain(old.pop());
      // A random pause, so that some replays arrive while a transaction is under way.
      await sleep(random.between(0, 20));
    }
  };
  const others = Array.from({ length: 5 }, (_, i) =>
    behave(i, { until, pauseMs: OTHERS_PAUSE_MS }),
  );
  await Promise.all([...others, ...Array.from({ length: REPLAYERS }, replay)]);
}

/**
 * Two workers believe that they own the event. The transactions of one are so slow that the other always writes
 * first. Callers of the slow one must still get an answer in time.
 */
export async function playOutrun({ asker, eventId, random, behave }: Pressure): Promise<void> {
  const until = performance.now() + OUTRUN_MS;
  // Their writes change no rows, so that the slow worker can load the event in between.
  const write = (): Asked => ({
    type: 'update',
    patch: { waitlistCapacity: random.int(5, 50) },
  });
  const run = async (_: unknown, number: number) => {
    while (performance.now() < until) {
      await asker.ask(`run${number}`, eventId, write(), { worker: 1 });
      await sleep(random.between(0, RUNNERS_PAUSE_MS));
    }
  };
  const outrun = Array.from({ length: 3 }, (_, i) => behave(i, { until, pauseMs: 50, worker: 0 }));
  await Promise.all([...outrun, ...Array.from({ length: RUNNERS }, run)]);
}

/**
 * Asks about an event before it is created, for a user who does not exist. Then the event is created, through
 * the other worker if there are two. From then on no answer may deny it.
 */
export async function playLateCreation(
  asker: Asker,
  eventId: string,
  { workers, scale }: { workers: number; scale: number },
): Promise<void> {
  const insist = async (...[client, id, request, manner]: Parameters<Asker['ask']>) => {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const operation = await asker.ask(client, id, request, manner);
      if (operation && operation.outcome.type !== 'unknown') return;
      await sleep(RETRY_PAUSE_MS);
    }
  };
  await insist('early', eventId, { type: 'stand', userId: NOBODY }, { worker: 0 });
  const create = { type: 'create', capacity: 1, hasWaitlist: true } as const;
  await insist('maker', eventId, create, { worker: workers - 1 });
  if (workers > 1) await sleep(absenceMaxMs(scale) + 50);
  await insist('late', eventId, { type: 'read' }, { worker: 0 });
}
