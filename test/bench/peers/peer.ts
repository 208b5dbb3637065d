import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../../src/cli/ports.ts';
import { startProcess } from '../../../src/cli/processes.ts';
import { explain, say } from '../../../src/cli/terminal.ts';
import { USERS } from '../database.ts';
import { type Server, whenUp } from '../runtime.ts';
import { putAway } from './distance.ts';
import { openPostgres, type Postgres } from './postgres.ts';

const run = promisify(execFile);
const HERE = import.meta.dirname;
const INSTALL_TIMEOUT_MS = 120_000;

/** How the peer registers: a transaction of four statements, or one call of a function in the database. */
export const WAYS = ['lock', 'function'] as const;
export type Way = (typeof WAYS)[number];

/** The peer's servers, and their database. */
export interface Peer {
  servers: Record<Way, Server>;
  databasePid: number | undefined;
}

/** Installs what only the peer needs, beside its own code. */
async function install(): Promise<boolean> {
  if (existsSync(join(HERE, 'node_modules/pg'))) return true;
  say('  installing its packages');
  try {
    const args = ['ci', '--no-audit', '--no-fund', '--ignore-scripts'];
    await run('npm', args, { cwd: HERE, timeout: INSTALL_TIMEOUT_MS });
    return true;
  } catch (error) {
    say(`  its packages cannot be installed: ${explain(error)}`);
    return false;
  }
}

/**
 * Runs something against the peer, and stops it in any case. Returns false where there is no PostgreSQL.
 *
 * @param roundTripMs how far away its database is
 */
export async function withPeer(
  use: (peer: Peer) => Promise<void>,
  roundTripMs = 0,
): Promise<boolean> {
  if (!(await install())) return false;
  const postgres = await openPostgres();
  if (!postgres) return false;
  const schema = `bench_${randomBytes(6).toString('hex')}`;
  const env = { PG_URL: postgres.url, PG_SCHEMA: schema, USERS: String(USERS) };
  const seed = (...args: string[]) =>
    run(process.execPath, [join(HERE, 'seed.ts'), ...args], { env: { ...process.env, ...env } });
  const started: Server[] = [];
  const distant = roundTripMs > 0 ? await putAway(postgres.url, roundTripMs) : postgres;
  try {
    await seed();
    const start = async (way: Way) => {
      const server = await startServer({ ...env, PG_URL: distant.url, REGISTER: way });
      started.push(server);
      return server;
    };
    const servers = { lock: await start('lock'), function: await start('function') };
    await use({ servers, databasePid: postgres.pid });
  } finally {
    for (const server of started) await server.stop();
    if (distant !== postgres) await distant.stop();
    await cleanUp(postgres, () => seed('remove'));
  }
  return true;
}

/** A database that was started here goes as a whole. */
async function cleanUp(postgres: Postgres, remove: () => Promise<unknown>): Promise<void> {
  if (postgres.pid === undefined) await remove();
  await postgres.stop();
}

async function startServer(env: Record<string, string>): Promise<Server> {
  const port = await freePort();
  const started = performance.now();
  const managed = startProcess(process.execPath, [join(HERE, 'postgres-server.ts')], {
    env: { ...process.env, ...env, NODE_ENV: 'production', PORT: String(port) },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return whenUp(managed, `http://127.0.0.1:${port}`, started);
}
