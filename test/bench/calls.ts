import { say } from '../../src/cli/terminal.ts';
import { type Bench, type Variant, withServer } from './bench.ts';
import { registerMany } from './hot.ts';
import { startProxy, totalCalls } from './proxy.ts';

/** Who serves, and how many registrations. A quick run takes the first two. */
const RUNS: { name: string; variant: Variant; vars?: Record<string, string>; amount: number }[] = [
  { name: 'ours', variant: 'ours', amount: 10_000 },
  { name: 'no-log', variant: 'ours', vars: { LOG_DAYS: '0' }, amount: 10_000 },
  { name: 'direct', variant: 'direct', amount: 200 },
  { name: 'transactional', variant: 'transactional', amount: 200 },
];

/**
 * DynamoDB calls and write units per registration, on one hot event. All users get a seat, which is the
 * more expensive case: a seat is in two indexes, an entry in one.
 */
export async function benchCalls(bench: Bench): Promise<void> {
  const { figures, isQuick } = bench;
  const proxy = await startProxy(bench.database.endpoint);
  proxy.set({ countsUnits: true });
  const units: Record<string, number> = {};
  try {
    for (const { name, variant, vars = {}, amount } of isQuick ? RUNS.slice(0, 2) : RUNS) {
      const options = { endpoint: proxy.endpoint, vars };
      await withServer(
        bench,
        variant,
        async (server) => {
          const registrations = isQuick ? Math.min(amount, 2_000) : amount;
          const many = { connections: 64, capacity: 100_000 };
          await registerMany(server, { ...many, amount: Math.max(64, registrations / 4) });
          await proxy.takeTraffic();
          const load = await registerMany(server, { ...many, amount: registrations });
          const traffic = await proxy.takeTraffic();
          say(`  ${name}: ${JSON.stringify(traffic.calls)} for ${registrations} registrations`);
          const prefix = name === 'ours' ? '' : `${name}-`;
          figures.add(`${prefix}calls`, totalCalls(traffic) / load.requests, 'calls/registration');
          units[name] = traffic.writeUnits / load.requests;
          figures.add(`${prefix}write-units`, units[name], 'units/registration');
        },
        options,
      );
    }
    const { ours = Number.NaN, 'no-log': without = Number.NaN } = units;
    figures.add('log-write-units', ours - without, 'units/registration');
  } finally {
    await proxy.stop();
  }
}
