import { setTimeout as sleep } from 'node:timers/promises';
import { isInFlight, isReplay } from './answers.ts';
import { Answers, type Measurement, onStage } from './behaviour.ts';
import type { Build } from './build.ts';
import { CALM } from './faults.ts';
import type { Asked } from './history.ts';
import { answerWithinMs } from './liveness.ts';

/** How long a transaction takes: a busy DynamoDB in the same region. */
const TRANSACTION_MS = 25;
const REPLAYERS = 40;
/** Keys that they share, so that some send the same one at the same time. */
const KEYS = 20;
/** The pause between two requests of the other clients: sixteen requests a second. */
const OTHERS_INTERVAL_MS = 1_000 / 16;
/**
 * By what factor the replays may raise the 95th percentile of the others' waits: they wait for the transaction under
 * way, for one that a used key cancels, and for their own. The rest is for a busy machine.
 */
const P95_MAX_RATIO = 4;

/**
 * Lets some clients send used keys again and again, beside others. A used key cancels its transaction; that must
 * not delay the others much.
 *
 * @param stepMs how long the others are measured, first alone, then beside the replays
 */
export function measureReplays(build: Build, stepMs: number): Promise<Measurement> {
  const options = { users: 100, capacity: 100, hasWaitlist: false };
  return onStage(build, options, async ({ world, ask }, userIds) => {
    const faults = new Set<string>();
    world.proxy.weather = { ...CALM, transactionMs: [TRANSACTION_MS] };
    const ofKey = (i: number): Asked => ({ type: 'register', userId: userIds[i] ?? '' });
    const keys = Array.from({ length: KEYS }, (_, i) => ({ key: `key-${i}`, request: ofKey(i) }));
    const first = await Promise.all(keys.map(({ key, request }) => ask(request, key)));
    if (first.some(({ status }) => status !== 201)) faults.add('a key was not used up');
    const rest = userIds.slice(KEYS);
    let turns = 0;
    // Each of these requests changes something: the users register and leave in turn.
    const next = (): Asked => {
      const turn = turns++;
      const isComing = Math.floor(turn / rest.length) % 2 === 0;
      const userId = rest[turn % rest.length] ?? '';
      return { type: isComing ? 'register' : 'unregister', userId };
    };
    const others = async () => {
      const answers = new Answers();
      const sent: Promise<unknown>[] = [];
      const startedAt = performance.now();
      for (let i = 0; i * OTHERS_INTERVAL_MS < stepMs; i++) {
        await sleep(Math.max(0, startedAt + i * OTHERS_INTERVAL_MS - performance.now()));
        sent.push(answers.take(ask(next())));
      }
      await Promise.all(sent);
      return answers;
    };
    await others();
    const alone = await others();

    // From here on the object has none of the keys in memory.
    await world.killWorker(0);
    await world.startWorker(0);
    await ask({ type: 'read' });
    let isOver = false;
    let replays = 0;
    const replayers = Array.from({ length: REPLAYERS }, async (_, i) => {
      const { key, request } = keys[i % KEYS] ?? { key: '', request: ofKey(0) };
      for (; !isOver; replays++) {
        const reply = await ask(request, key);
        if (!isInFlight(reply) && !(reply.status === 201 && isReplay(reply))) {
          faults.add(`a replay was answered ${reply.status} ${JSON.stringify(reply.body)}`);
        }
        await sleep(TRANSACTION_MS);
      }
    });
    const beside = await others();
    isOver = true;
    await Promise.all(replayers);

    const boundMs = answerWithinMs('register', { scale: 1, isCalm: true, isRaised: false });
    for (const { status, tookMs } of [...alone.all, ...beside.all]) {
      if (status >= 300) faults.add(`one of the others was answered ${status}`);
      if (tookMs > boundMs) faults.add(`one of the others waited for ${Math.round(tookMs)} ms`);
    }
    const ratio = beside.quantile(0.95) / alone.quantile(0.95);
    if (ratio > P95_MAX_RATIO) {
      faults.add(`the others wait ${ratio.toFixed(1)} times as long because of the replays`);
    }
    const figures = {
      'a transaction, ms': TRANSACTION_MS,
      'replays/s': Math.round((replays * 1_000) / stepMs),
      'the others alone: p50, ms': alone.quantile(0.5),
      'the others alone: p95, ms': alone.quantile(0.95),
      'beside the replays: p50, ms': beside.quantile(0.5),
      'beside the replays: p95, ms': beside.quantile(0.95),
      'beside the replays: slowest, ms': beside.quantile(1),
      'p95, times that without replays': ratio.toFixed(2),
    };
    return { figures, faults: [...faults] };
  });
}
