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
import { type Peer, WAYS, type Way, withPeer } from './peers/peer.ts';
import { READ_MS, WRITE_MS } from './platform.ts';
import { startProxy } from './proxy.ts';
import type { Server } from './runtime.ts';

const CONNECTIONS = [64, 256];
/** A server and its PostgreSQL in one region: a round trip within it, and no time for the disk. */
const POSTGRES_MS = 1;

/** Our service, and the ways of the peer. */
type Side = 'ours' | Way;

/** Where the databases are: both on this machine, or each where it would be. */
interface Setting {
  /** A part of the names of its figures. */
  suffix: '' | '-apart';
  rounds: number;
  amount: number;
}

/** One hot event beside the peer, in turn. */
async function compare(
  bench: Bench,
  { suffix, rounds, amount }: Setting,
  ours: Server,
  peer: Peer,
): Promise<void> {
  const sides: Side[] = ['ours', ...WAYS];
  const serverOf = (side: Side) => (side === 'ours' ? ours : peer.servers[side]);
  for (const side of sides) {
    const warmUp = bench.isQuick ? 2_000 : 10_000;
    await registerMany(serverOf(side), { connections: 64, amount: suffix ? amount : warmUp });
  }
  let firstUser = 0;
  for (const connections of CONNECTIONS) {
    say(`  ${connections} connections, ${amount} registrations for ${SEATS} seats`);
    const runs: Record<Side, Run[]> = { ours: [], lock: [], function: [] };
    for (let round = 0; round < rounds; round++) {
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
      const name = `${prefix}-over-postgres${way === 'lock' ? '' : `-${way}`}${suffix}`;
      addRuns(bench, name.replace('over-', ''), runs[way]);
      const ratio = ratioOf(runs.ours, runs[way], (run) => run.perSecond);
      bench.figures.add(name, ratio, 'ratio', 'median of rounds');
    }
  }
}

/**
 * One hot event beside the obvious alternative: a server on Node with a row lock in PostgreSQL, in turn. First with
 * both databases on this machine; then each as far away as it would be.
 */
export async function benchPeers(bench: Bench): Promise<void> {
  const { isQuick } = bench;
  say('One hot event, beside a Hono server on Node with a row lock in PostgreSQL');
  const together: Setting = {
    ...{ suffix: '', rounds: isQuick ? 3 : 6, amount: isQuick ? 1_000 : 3_000 },
  };
  const hasRun = await withPeer((peer) =>
    withServer(bench, 'ours', (ours) => compare(bench, together, ours, peer)),
  );
  if (!hasRun) say('  left out: no PostgreSQL here, and no PG_URL');
  if (hasRun && !isQuick) await benchApart(bench);
}

async function benchApart(bench: Bench): Promise<void> {
  const [least, most] = WRITE_MS;
  say(`The same, PostgreSQL ${POSTGRES_MS} ms away, and DynamoDB ${least} to ${most}`);
  const proxy = await startProxy(bench.database.endpoint);
  try {
    proxy.set({ delayMs: READ_MS, writeDelayMs: WRITE_MS });
    const apart: Setting = { suffix: '-apart', rounds: 3, amount: 1_500 };
    await withPeer(
      (peer) =>
        withServer(bench, 'ours', (ours) => compare(bench, apart, ours, peer), {
          endpoint: proxy.endpoint,
        }),
      POSTGRES_MS,
    );
  } finally {
    await proxy.stop();
  }
}
