import { say } from '../../src/cli/terminal.ts';
import { type Bench, newEventId, withServer } from './bench.ts';
import { seedEvent, userId } from './database.ts';
import { addRuns, describeRun, measure, type Run, registerMany } from './hot.ts';
import {
  capacityShot,
  createEvent,
  fire,
  type LoadResult,
  registerShot,
  type Shot,
  unregisterShot,
} from './load.ts';
import { startProxy, totalCalls } from './proxy.ts';
import type { Server } from './runtime.ts';

const CONNECTIONS = 64;
const EVENTS = 100;
const SEATS = 500;
/** Users who register before a mix begins: more than there are connections. */
const EARLIER = 200;

/** Prepares a run, and returns its requests. */
type Workload = (bench: Bench, server: Server) => Promise<(index: number) => Shot>;

/** 100 events at once, each with its own object. */
const manyEvents: Workload = async (_bench, { url }) => {
  const events = Array.from({ length: EVENTS }, newEventId);
  for (const eventId of events) {
    await createEvent(url, { eventId, capacity: SEATS, hasWaitlist: true });
  }
  return (i) => registerShot(userId(Math.floor(i / EVENTS)), events[i % EVENTS] ?? '');
};

/** One event: of ten requests eight ask for free seats, one registers, one leaves. */
const mix: Workload = async (bench) => {
  const eventId = newEventId();
  const seed = { eventId, registered: EARLIER, waiting: 0, capacity: 100_000 };
  await seedEvent(bench.database, seed);
  return (i) => {
    const turn = Math.floor(i / 10);
    if (i % 10 === 0) return registerShot(userId(EARLIER + turn), eventId);
    // A user leaves so late that their registration has been answered.
    if (i % 10 === 5) return unregisterShot(userId(turn), eventId);
    return capacityShot(eventId);
  };
};

/** A full event whose line keeps its length: each leave promotes, and a new user joins the line. */
const churn: Workload = async (bench) => {
  const eventId = newEventId();
  const seed = { eventId, registered: SEATS, waiting: SEATS, capacity: SEATS };
  await seedEvent(bench.database, seed);
  return (i) => {
    const turn = Math.floor(i / 2);
    return i % 2 === 0
      ? unregisterShot(userId(turn), eventId)
      : registerShot(userId(2 * SEATS + turn), eventId);
  };
};

const WORKLOADS: Record<string, { title: string; prepare: Workload; amount: number }> = {
  many: { title: `${EVENTS} events evenly`, prepare: manyEvents, amount: 5_000 },
  mix: { title: '80 % capacity reads, 20 % registrations and leaves', prepare: mix, amount: 6_000 },
  churn: { title: 'churn on a full event', prepare: churn, amount: 4_000 },
};

/** Workloads other than the hot event. Speed is measured on one server, calls on another one behind a proxy. */
export async function benchWorkloads(bench: Bench): Promise<void> {
  const { figures, isQuick } = bench;
  const proxy = await startProxy(bench.database.endpoint);
  proxy.set({ countsUnits: true });
  const warmUp = (server: Server) =>
    registerMany(server, { connections: CONNECTIONS, amount: isQuick ? 1_000 : 8_000 });
  const run = async (server: Server, name: string): Promise<LoadResult> => {
    const workload = WORKLOADS[name];
    if (!workload) throw new Error(`no workload ${name}`);
    const next = await workload.prepare(bench, server);
    const amount = isQuick ? workload.amount / 10 : workload.amount;
    return fire({ url: server.url, connections: CONNECTIONS, amount, next });
  };
  const rounds = isQuick ? 1 : 3;
  try {
    const counted = new Map<string, { calls: number; units: number }>();
    await withServer(
      bench,
      'ours',
      async (server) => {
        await warmUp(server);
        for (const name of Object.keys(WORKLOADS)) {
          await proxy.takeTraffic();
          const { requests } = await run(server, name);
          const traffic = await proxy.takeTraffic();
          const calls = totalCalls(traffic) / requests;
          counted.set(name, { calls, units: traffic.writeUnits / requests });
        }
      },
      { endpoint: proxy.endpoint },
    );
    await withServer(bench, 'ours', async (server) => {
      await warmUp(server);
      for (const [name, { title }] of Object.entries(WORKLOADS)) {
        say(`${title}, ${CONNECTIONS} connections`);
        const runs: Run[] = [];
        for (let round = 0; round < rounds; round++) {
          runs.push(await measure(bench, server, () => run(server, name)));
          say(describeRun(name, runs[round] as Run));
        }
        addRuns(bench, name, runs);
        const { calls = Number.NaN, units = Number.NaN } = counted.get(name) ?? {};
        figures.add(`${name}-calls`, calls, 'calls/request');
        figures.add(`${name}-write-units`, units, 'units/request');
      }
    });
  } finally {
    await proxy.stop();
  }
}
