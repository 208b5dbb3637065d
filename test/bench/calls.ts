import { say } from '../../src/cli/terminal.ts';
import { type Bench, withServer } from './bench.ts';
import { registerMany } from './hot.ts';
import { startProxy, totalCalls } from './proxy.ts';

/** The settings that are compared, by the prefix of their figures. */
const SETTINGS: Record<string, Record<string, string>> = { '': {}, 'no-log-': { LOG_DAYS: '0' } };

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
    for (const [prefix, vars] of Object.entries(SETTINGS)) {
      const options = { endpoint: proxy.endpoint, vars };
      await withServer(
        bench,
        'ours',
        async (server) => {
          const amount = isQuick ? 2_000 : 10_000;
          const many = { connections: 64, capacity: 100_000 };
          await registerMany(server, { ...many, amount: amount / 4 });
          await proxy.takeTraffic();
          const load = await registerMany(server, { ...many, amount });
          const traffic = await proxy.takeTraffic();
          say(`  ${prefix}${JSON.stringify(traffic.calls)} for ${amount} registrations`);
          figures.add(`${prefix}calls`, totalCalls(traffic) / load.requests, 'calls/registration');
          units[prefix] = traffic.writeUnits / load.requests;
          figures.add(`${prefix}write-units`, units[prefix], 'units/registration');
        },
        options,
      );
    }
    const { '': ours = Number.NaN, 'no-log-': without = Number.NaN } = units;
    figures.add('log-write-units', ours - without, 'units/registration');
  } finally {
    await proxy.stop();
  }
}
