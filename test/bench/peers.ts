import { say } from '../../src/cli/terminal.ts';
import { type Bench, withServer } from './bench.ts';
import { USERS } from './database.ts';
import {
  addRuns,
  describeRun,
  failures,
  measure,
  type Run,
  ratioOf,
  registerMany,
  SEATS,
} from './hot.ts';
import { WAYS, type Way, withPeer } from './peers/peer.ts';

const CONNECTIONS = [64, 256];

/** Our service, and the ways of the peer. */
type Side = 'ours' | Way;

/** One hot event beside the obvious alternative: a server on Node with a row lock in PostgreSQL, in turn. */
export async function benchPeers(bench: Bench): Promise<void> {
  const { isQuick, figures } = bench;
  say('One hot event, beside a Hono server on Node with a row lock in PostgreSQL');
  const hasRun = await withPeer(async (peer) => {
    await withServer(bench, 'ours', async (ours) => {
      const amount = isQuick ? 1_000 : 3_000;
      const sides: Side[] = ['ours', ...WAYS];
      const serverOf = (side: Side) => (side === 'ours' ? ours : peer.servers[side]);
      for (const side of sides) {
        const warmUp = isQuick ? 2_000 : 10_000;
        await registerMany(serverOf(side), { connections: 64, amount: warmUp });
      }
      let firstUser = 0;
      for (const connections of CONNECTIONS) {
        say(`  ${connections} connections, ${amount} registrations for ${SEATS} seats`);
        const runs: Record<Side, Run[]> = { ours: [], lock: [], function: [] };
        for (let round = 0; round < (isQuick ? 3 : 6); round++) {
          firstUser = (firstUser + amount) % (USERS - amount);
          // Each goes first as often as the others.
          const order = sides.map((_, i) => sides[(i + round) % sides.length] ?? 'ours');
          for (const side of order) {
            const server = serverOf(side);
            const load = () => registerMany(server, { connections, amount, firstUser });
            const run =
              side === 'ours'
                ? await measure(bench, server, load)
                : await measure(bench, server, load, peer.databasePid ?? 0);
            if (failures(run) > 0) throw new Error(`${side}: ${JSON.stringify(run.statuses)}`);
            runs[side].push(run);
            say(describeRun(side, run));
          }
        }
        const prefix = connections === 64 ? 'hot' : `hot${connections}`;
        for (const way of WAYS) {
          const name = `${prefix}-over-postgres${way === 'lock' ? '' : `-${way}`}`;
          addRuns(bench, name.replace('over-', ''), runs[way]);
          const ratio = ratioOf(runs.ours, runs[way], (run) => run.perSecond);
          figures.add(name, ratio, 'ratio', 'median of rounds');
        }
      }
    });
  });
  if (!hasRun) say('  left out: no PostgreSQL here, and no PG_URL');
}
