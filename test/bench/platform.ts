import { say } from '../../src/cli/terminal.ts';
import { type Bench, newEventId, withServer } from './bench.ts';
import { registerMany } from './hot.ts';
import { createEvent } from './load.ts';
import { fireAtRate } from './open-loop.ts';
import { startProxy } from './proxy.ts';

/** The published latency of a transaction at the median, and of a batch of key look-ups. */
export const WRITE_MS: [number, number] = [25, 35];
export const READ_MS = 5;
/** The writes that one partition of an index takes. */
const WRITES_PER_SECOND = 1_000;
/** The load on one event: half of that limit, all of it, and more. */
export const RATES = [500, 900, 1_500];
const CONNECTIONS = 4_000;

/** One event on the simulated platform: its latencies, its write limit, and an open-loop load. */
export async function benchPlatform(bench: Bench): Promise<void> {
  const { figures, isQuick, database } = bench;
  const seconds = isQuick ? 3 : 8;
  const proxy = await startProxy(database.endpoint);
  try {
    await withServer(
      bench,
      'ours',
      async (server) => {
        await registerMany(server, { connections: 64, amount: isQuick ? 2_000 : 8_000 });
        proxy.set({
          delayMs: READ_MS,
          writeDelayMs: WRITE_MS,
          indexWritesPerSecond: WRITES_PER_SECOND,
        });
        for (const perSecond of isQuick ? RATES.slice(-1) : RATES) {
          say(`The platform simulated: ${perSecond} registrations/s for one event`);
          const eventId = newEventId();
          await createEvent(server.url, { eventId, capacity: 100_000, hasWaitlist: true });
          await proxy.takeTraffic();
          const { url } = server;
          const load = { url, kind: 'register' as const, eventId, perSecond, seconds };
          const result = await fireAtRate({ ...load, connections: CONNECTIONS });
          const { throttled } = await proxy.takeTraffic();
          const prefix = `platform${perSecond}`;
          say(`    ${JSON.stringify(result.statuses)}, ${throttled} commits throttled`);
          const share = 1 - result.good / result.requests;
          figures.add(`${prefix}-throughput`, result.perSecond, 'registrations/s');
          figures.add(`${prefix}-p50-ms`, result.goodP50, 'ms', 'of those that succeeded');
          figures.add(`${prefix}-p99-ms`, result.goodP99, 'ms');
          figures.add(`${prefix}-refused`, share * 100, '%', '503 with Retry-After');
        }
      },
      { endpoint: proxy.endpoint },
    );
  } finally {
    await proxy.stop();
  }
}
