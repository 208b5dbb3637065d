import { setTimeout as sleep } from 'node:timers/promises';
import { say } from '../../src/cli/terminal.ts';
import { type Bench, newEventId, withServer } from './bench.ts';
import { registerMany } from './hot.ts';
import { untilOk } from './http-client.ts';
import { capacityShot, createEvent } from './load.ts';
import { fireAtRate, type OpenResult } from './open-loop.ts';
import { startProxy } from './proxy.ts';
import type { Server } from './runtime.ts';
import { medianOf } from './stats.ts';

const READS_PER_SECOND = 200;
/** The writes a second that DynamoDB takes for one event, whose rows share a partition of the index. */
const STORM_PER_SECOND = 1_000;
const READERS = 32;
const STORM_CONNECTIONS = 512;
const STORM_RISE_MS = 1_500;

async function newEvent({ url }: Server): Promise<string> {
  const eventId = newEventId();
  await createEvent(url, { eventId, capacity: 100_000, hasWaitlist: true });
  await untilOk(url, capacityShot(eventId));
  return eventId;
}

const read = (url: string, eventId: string, seconds: number): Promise<OpenResult> =>
  fireAtRate({
    url,
    kind: 'read',
    eventId,
    perSecond: READS_PER_SECOND,
    seconds,
    connections: READERS,
  });

const storm = (url: string, eventId: string, seconds: number): Promise<OpenResult> =>
  fireAtRate({
    url,
    kind: 'register',
    eventId,
    perSecond: STORM_PER_SECOND,
    seconds,
    connections: STORM_CONNECTIONS,
  });

/** Counts the calls that only a read could make, to see whether reads go to the database. */
async function benchCalls(bench: Bench, seconds: number): Promise<void> {
  const proxy = await startProxy(bench.database.endpoint);
  try {
    await withServer(
      bench,
      'ours',
      async (server) => {
        const eventId = await newEvent(server);
        await proxy.takeTraffic();
        const [reads] = await Promise.all([
          read(server.url, eventId, seconds),
          storm(server.url, eventId, seconds),
        ]);
        const { calls } = await proxy.takeTraffic();
        // Registrations commit and look up users with other operations than these.
        const made = (calls.GetItem ?? 0) + (calls.Query ?? 0);
        bench.figures.add('read-calls', made / reads.requests, 'calls/read');
      },
      { endpoint: proxy.endpoint },
    );
  } finally {
    await proxy.stop();
  }
}

/** Measures how much slower a read of the free seats is during many registrations. */
export async function benchReads(bench: Bench): Promise<void> {
  const { figures, isQuick } = bench;
  const seconds = isQuick ? 1.5 : 8;
  say(`${READS_PER_SECOND} reads/s, without and with ${STORM_PER_SECOND} registrations/s`);
  await withServer(bench, 'ours', async (server) => {
    const { url } = server;
    await registerMany(server, { connections: 64, amount: isQuick ? 2_000 : 8_000 });
    await read(url, await newEvent(server), 1);
    const idle: OpenResult[] = [];
    const busy: OpenResult[] = [];
    const storms: OpenResult[] = [];
    for (let round = 0; round < (isQuick ? 1 : 3); round++) {
      const eventId = await newEvent(server);
      idle.push(await read(url, eventId, seconds));
      // The registrations first open their connections; reads are measured after that.
      const [reads, registrations] = await Promise.all([
        sleep(STORM_RISE_MS).then(() => read(url, eventId, seconds)),
        storm(url, eventId, seconds + (2 * STORM_RISE_MS) / 1_000),
      ]);
      busy.push(reads);
      storms.push(registrations);
    }
    const p99 = (results: OpenResult[]) => medianOf(results.map((each) => each.p99));
    figures.add('read-idle-p99-ms', p99(idle), 'ms');
    figures.add('read-storm-p99-ms', p99(busy), 'ms');
    figures.add('read-storm-p50-ms', medianOf(busy.map(({ p50 }) => p50)), 'ms');
    const rate = medianOf(storms.map(({ perSecond }) => perSecond));
    figures.add('read-storm-throughput', rate, 'registrations/s');
    figures.add('read-p99', p99(busy) / p99(idle), 'ratio');

    if (isQuick) return;
    // At full speed all cores are busy, and a read waits like all other requests.
    const eventId = await newEvent(server);
    const load = registerMany(server, { connections: 64, amount: 15_000 });
    const saturated = await read(url, eventId, 5);
    await load;
    figures.add('read-saturated-p99-ms', saturated.p99, 'ms', '64 connections register in a loop');
  });
  await benchCalls(bench, isQuick ? 1 : 4);
}
