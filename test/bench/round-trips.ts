import { say } from '../../src/cli/terminal.ts';
import { type Bench, newEventId, withServer } from './bench.ts';
import { userId } from './database.ts';
import { coresOf, describeRun, failures, measure, type Run, registerMany } from './hot.ts';
import { createEvent, fire, registerShot, unregisterShot } from './load.ts';
import { startProxy } from './proxy.ts';
import { medianOf, summarize } from './stats.ts';

const ROUND_TRIPS_MS = [5, 20, 50];
const CONNECTIONS = 256;
const ALONE = 20;

/** One hot event, and a single registration, with a more distant database. */
export async function benchRoundTrips(bench: Bench): Promise<void> {
  const { figures, isQuick, database } = bench;
  const proxy = await startProxy(database.endpoint);
  try {
    await withServer(
      bench,
      'ours',
      async (server) => {
        await registerMany(server, { connections: 64, amount: isQuick ? 1_000 : 8_000 });
        for (const delay of isQuick ? ROUND_TRIPS_MS.slice(1) : ROUND_TRIPS_MS) {
          say(`A database ${delay} ms away, ${CONNECTIONS} connections on one event`);
          proxy.set({ delayMs: delay });
          const amount = isQuick ? 1_500 : 10_000;
          const runs: Run[] = [];
          for (let round = 0; round < (isQuick ? 1 : 3); round++) {
            const run = () => registerMany(server, { connections: CONNECTIONS, amount });
            const result = await measure(bench, server, run);
            runs.push(result);
            say(describeRun(`${delay} ms`, result));
          }
          const rate = summarize(runs.map(({ perSecond }) => perSecond));
          const failed = runs.reduce((sum, run) => sum + failures(run), 0);
          const note = `spread ±${(rate.spread * 100).toFixed(0)} %, ${failed} failed`;
          figures.add(`rtt${delay}-throughput`, rate.median, 'registrations/s', note);
          figures.add(`rtt${delay}-cores`, medianOf(runs.map(coresOf)), 'cores busy');
          figures.add(`rtt${delay}-p50-ms`, medianOf(runs.map(({ p50 }) => p50)), 'ms');
          figures.add(`rtt${delay}-p99-ms`, medianOf(runs.map(({ p99 }) => p99)), 'ms');
          const eventId = newEventId();
          await createEvent(server.url, { eventId, capacity: 1_000, hasWaitlist: false });
          const { url } = server;
          const turn = (shot: typeof registerShot) =>
            fire({
              url,
              connections: 1,
              amount: isQuick ? ALONE / 4 : ALONE,
              next: (i) => shot(userId(i), eventId),
            });
          // The second time the object knows the user: one call.
          await turn(registerShot);
          await turn(unregisterShot);
          figures.add(`rtt${delay}-warm-ms`, (await turn(registerShot)).p50, 'ms');
        }
      },
      { endpoint: proxy.endpoint },
    );
  } finally {
    await proxy.stop();
  }
}
