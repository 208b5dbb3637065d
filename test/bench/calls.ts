import { say } from '../../src/cli/terminal.ts';
import { type Bench, withServer } from './bench.ts';
import { registerMany } from './hot.ts';
import { startProxy, totalCalls } from './proxy.ts';

/**
 * DynamoDB calls and write units per registration, on one hot event. All users get a seat, which is the
 * more expensive case: a seat is in two indexes, an entry in one.
 */
export async function benchCalls(bench: Bench): Promise<void> {
  const { figures, isQuick } = bench;
  const proxy = await startProxy(bench.database.endpoint);
  proxy.set({ countsUnits: true });
  try {
    const variants = ['ours', 'direct', 'transactional'] as const;
    for (const variant of isQuick ? variants.slice(0, 1) : variants) {
      const amount = variant === 'ours' ? (isQuick ? 2_000 : 10_000) : 200;
      await withServer(
        bench,
        variant,
        async (server) => {
          await registerMany(server, {
            connections: 64,
            amount: Math.max(64, amount / 4),
            capacity: 100_000,
          });
          await proxy.takeTraffic();
          const load = await registerMany(server, { connections: 64, amount, capacity: 100_000 });
          const traffic = await proxy.takeTraffic();
          say(`  ${variant}: ${JSON.stringify(traffic.calls)} for ${amount} registrations`);
          const prefix = variant === 'ours' ? '' : `${variant}-`;
          figures.add(`${prefix}calls`, totalCalls(traffic) / load.requests, 'calls/registration');
          const units = traffic.writeUnits / load.requests;
          figures.add(`${prefix}write-units`, units, 'units/registration');
        },
        { endpoint: proxy.endpoint },
      );
    }
  } finally {
    await proxy.stop();
  }
}
