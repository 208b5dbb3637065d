import { say } from '../../src/cli/terminal.ts';
import { type Bench, newEventId, withServer } from './bench.ts';
import { seedEvent, userId } from './database.ts';
import { describeRun, failures, measure, type Run, registerMany, totalRatio } from './hot.ts';
import { untilOk } from './http-client.ts';
import { capacityShot, createEvent, fire, registerShot } from './load.ts';
import { medianOf } from './stats.ts';

const CONNECTIONS = 64;

/** Compares the speed of registrations in a new event and in a large one. */
export async function benchGrowth(bench: Bench): Promise<void> {
  const { figures, isQuick, database } = bench;
  const size = isQuick ? 5_000 : 100_000;
  const rounds = isQuick ? 3 : 8;
  const amount = isQuick ? 1_000 : 4_000;
  const large = newEventId();
  say(`Growth: seating ${size} people`);
  // A capacity beyond the usual bound, since the measured registrations come on top of all these.
  await seedEvent(database, {
    eventId: large,
    registered: size,
    waiting: 0,
    capacity: 2 * size,
    toUserId: (i) => `guest-${String(i).padStart(7, '0')}`,
  });
  await withServer(bench, 'ours', async (server) => {
    const { url } = server;
    await registerMany(server, { connections: CONNECTIONS, amount: isQuick ? 1_000 : 8_000 });
    await untilOk(url, capacityShot(large));
    const runs: Record<'small' | 'large', Run[]> = { small: [], large: [] };
    for (let round = 0; round < rounds; round++) {
      // Users who have a place in neither, and whom the isolate knows from another event: so neither looks them up.
      const firstUser = round * amount;
      await registerMany(server, { connections: CONNECTIONS, amount, firstUser });
      const small = newEventId();
      await createEvent(url, { eventId: small, capacity: 100_000, hasWaitlist: true });
      // Alternating, so that a drift affects both.
      const order = round % 2 === 0 ? (['small', 'large'] as const) : (['large', 'small'] as const);
      for (const which of order) {
        const eventId = which === 'small' ? small : large;
        const next = (i: number) => registerShot(userId(firstUser + i), eventId);
        const options = { url, connections: CONNECTIONS, amount, next };
        const run = await measure(bench, server, () => fire(options));
        if (failures(run) > 0) throw new Error(`growth: ${JSON.stringify(run.statuses)}`);
        runs[which].push(run);
        say(describeRun(which === 'small' ? 'from 0' : `from ${size}`, run));
      }
    }
    const rate = (which: 'small' | 'large') =>
      medianOf(runs[which].map(({ perSecond }) => perSecond));
    figures.add('growth-small-throughput', rate('small'), 'registrations/s');
    figures.add('growth-large-throughput', rate('large'), 'registrations/s');
    const { large: ofLarge, small: ofSmall } = runs;
    const growth = totalRatio(ofSmall, ofLarge, ({ seconds }) => seconds);
    figures.add('growth', growth, 'ratio', `at ${size} people`);
    const cpu = totalRatio(ofLarge, ofSmall, ({ workerCpuMs }) => workerCpuMs);
    figures.add('growth-worker-cpu', cpu, 'ratio', "the worker's CPU time");
  });
}
