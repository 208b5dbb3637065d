import { execFile } from 'node:child_process';
import {
  accessSync,
  chownSync,
  constants,
  existsSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from '../../../src/cli/ports.ts';
import { type ManagedProcess, startProcess } from '../../../src/cli/processes.ts';

const run = promisify(execFile);
const START_TIMEOUT_MS = 20_000;
/** Where Debian keeps the programs of each version. */
const DEBIAN = '/usr/lib/postgresql';
/** A directory in memory, on Linux. */
const MEMORY = '/dev/shm';
/** PostgreSQL refuses to run as root; it then runs as this user. */
const NOT_ROOT = 'nobody';

const SETTINGS = {
  fsync: 'on',
  synchronous_commit: 'on',
  shared_buffers: '256MB',
  max_wal_size: '4GB',
  checkpoint_timeout: '30min',
  jit: 'off',
};

/** A PostgreSQL that the benchmark may use. */
export interface Postgres {
  url: string;
  /** The server's process; undefined for one that was not started here. */
  pid: number | undefined;
  stop(): Promise<void>;
}

/** The directory of `initdb` and `postgres`; undefined where there is none. */
function findPrograms(): string | undefined {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN) : [];
  const newest = versions.sort((a, b) => Number(b) - Number(a));
  const places = [
    ...(process.env.PATH ?? '').split(':'),
    ...newest.map((version) => join(DEBIAN, version, 'bin')),
  ];
  const place = places.find((each) => existsSync(join(each, 'initdb')));
  // Another's link may stand for one program alone.
  return place === undefined ? undefined : dirname(realpathSync(join(place, 'initdb')));
}

async function notRoot(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = async (flag: string) => Number((await run('id', [flag, NOT_ROOT])).stdout);
  return { uid: await idOf('-u'), gid: await idOf('-g') };
}

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * The PostgreSQL at `PG_URL`, or one that is started from the programs on this machine; null where there is neither.
 * The one that is started keeps its data in memory where it can, as the embedded DynamoDB does: so neither waits
 * for a disk. Each commit is flushed all the same.
 */
export async function openPostgres(): Promise<Postgres | null> {
  const { PG_URL } = process.env;
  if (PG_URL) return { url: PG_URL, pid: undefined, stop: async () => undefined };
  const programs = findPrograms();
  if (programs === undefined) return null;
  const owner = await notRoot();
  const directory = mkdtempSync(join(isWritable(MEMORY) ? MEMORY : tmpdir(), 'bench-postgres-'));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  process.once('exit', remove);
  if (owner) chownSync(directory, owner.uid, owner.gid);
  const data = join(directory, 'data');
  const args = ['-D', data, '-U', 'bench', '-A', 'trust', '-E', 'UTF8', '--locale=C'];
  const as = { cwd: directory, ...owner };
  await run(join(programs, 'initdb'), args, as);
  const port = await freePort();
  const settings = Object.entries({ ...SETTINGS, unix_socket_directories: directory, port });
  const managed = startProcess(
    join(programs, 'postgres'),
    ['-D', data, ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    { ...as, stdio: 'ignore' },
  );
  const url = `postgres://bench@127.0.0.1:${port}/postgres`;
  await untilReady(managed, () => run(join(programs, 'pg_isready'), ['-d', url], as));
  return {
    url,
    pid: managed.child.pid,
    async stop() {
      await managed.stop();
      remove();
    },
  };
}

async function untilReady(managed: ManagedProcess, ask: () => Promise<unknown>): Promise<void> {
  let death: string | undefined;
  managed.ended.then((how) => {
    death = how;
  });
  for (const started = performance.now(); ; await sleep(50)) {
    const isReady = await ask().then(
      () => true,
      () => false,
    );
    if (isReady) return;
    if (death !== undefined || performance.now() - started > START_TIMEOUT_MS) {
      await managed.stop();
      throw new Error(`PostgreSQL does not answer (${death ?? 'too slow'})`);
    }
  }
}
