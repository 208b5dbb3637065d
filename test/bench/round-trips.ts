import { say } from '../../src/cli/terminal.ts';
import { type Bench, newEventId, withServer } from './bench.ts';
import { userId } from './database.ts';
import { coresOf, describeRun, failures, measure, type Run, registerMany } from './hot.ts';
import { createEvent, fire, registerShot, unregisterShot } from './load.ts';
import type { Server } from './runtime.ts';
import { medianOf, summarize } from './stats.ts';
import { startStub } from './stub.ts';

const ROUND_TRIPS_MS = [20, 50];
const CONNECTIONS = 256;
const ALONE = 10;

/**
 * One hot event, and a single registration, with a database that takes so long for each call and no CPU of this
 * machine: what is measured is how well the service fills the time.
 */
export async function benchRoundTrips(bench: Bench): Promise<void> {
  const { figures, isQuick } = bench;
  const stub = await startStub();
  try {
    await withServer(
      bench,
      'ours',
      async (server) => {
        const amount = isQuick ? 3_000 : 8_000;
        await registerMany(server, { connections: 64, amount });
        let firstUser = 0;
        for (const delay of ROUND_TRIPS_MS) {
          say(`A database ${delay} ms away, ${CONNECTIONS} connections on one event`);
          stub.set({ readMs: delay, writeMs: delay });
          const runs = { unknown: [] as Run[], known: [] as Run[] };
          for (let round = 0; round < (isQuick ? 1 : 3); round++) {
            firstUser += amount;
            // The second time the isolate knows the users.
            for (const who of ['unknown', 'known'] as const) {
              const many = { connections: CONNECTIONS, amount, firstUser };
              const run = await measure(bench, server, () => registerMany(server, many));
              runs[who].push(run);
              say(describeRun(`${delay} ms, ${who}`, run));
            }
          }
          for (const [who, each] of Object.entries(runs)) {
            const prefix = `rtt${delay}${who === 'known' ? '' : '-unknown'}`;
            const rate = summarize(each.map(({ perSecond }) => perSecond));
            const failed = each.reduce((sum, run) => sum + failures(run), 0);
            const note = `spread ±${(rate.spread * 100).toFixed(0)} %, ${failed} failed`;
            figures.add(`${prefix}-throughput`, rate.median, 'registrations/s', note);
            figures.add(`${prefix}-cores`, medianOf(each.map(coresOf)), 'cores busy');
            figures.add(`${prefix}-p50-ms`, medianOf(each.map(({ p50 }) => p50)), 'ms');
            figures.add(`${prefix}-p99-ms`, medianOf(each.map(({ p99 }) => p99)), 'ms');
          }
          figures.add(`rtt${delay}-warm-ms`, await warmMs(server), 'ms', 'one registration alone');
        }
      },
      { endpoint: stub.endpoint },
    );
  } finally {
    await stub.stop();
  }
}

/** How long one registration takes in a warm event, alone. */
async function warmMs({ url }: Server): Promise<number> {
  const eventId = newEventId();
  await createEvent(url, { eventId, capacity: 1_000, hasWaitlist: false });
  const turn = (shot: typeof registerShot) =>
    fire({ url, connections: 1, amount: ALONE, next: (i) => shot(userId(i), eventId) });
  // The second time the isolate knows the user: one call.
  await turn(registerShot);
  await turn(unregisterShot);
  return (await turn(registerShot)).p50;
}
