import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, chmodSync, closeSync, constants, existsSync, openSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import {
  chooseDatabase,
  containerArguments,
  type Database,
  ENGINES,
  type Engine,
  IMAGES,
} from './database-choice.ts';
import { isPortFree } from './ports.ts';
import { type ManagedProcess, startProcess } from './processes.ts';
import { CliError } from './terminal.ts';

const START_TIMEOUT_MS = 10_000;
const POLL_MS = 20;
/** How long a container may take to start: the image may have to be fetched first. */
const CONTAINER_TIMEOUT_MS = 180_000;
const ENGINE_TIMEOUT_MS = 5_000;

/** The embedded DynamoDB, once it answers. */
export interface EmbeddedDynamoDB extends ManagedProcess {
  endpoint: string;
}

/**
 * Finds a database that can be started here: the npm package for this platform, else `dynoxide` in
 * node_modules/.bin or on the PATH, else a running container engine.
 *
 * @throws NoDatabaseError with the command for this platform
 */
export async function findDatabase(path = process.env.PATH ?? ''): Promise<Database> {
  const file = process.platform === 'win32' ? 'dynoxide.exe' : 'dynoxide';
  const name = `@dynoxide/${process.platform}-${process.arch}`;
  const bin = join(import.meta.dirname, '../../node_modules/.bin');
  const folders = [packageFolder(name), bin, ...path.split(delimiter)];
  const program = folders
    .flatMap((folder) => (folder ? [join(folder, file)] : []))
    .find(isExecutable);
  // With a program no engine is needed, and asking one takes time.
  const engines = program === undefined ? await findEngines(path) : [];
  const { platform, arch } = process;
  return chooseDatabase({ program, engines }, { platform, arch });
}

/** The engines that are installed and running, each with the images that it has. */
async function findEngines(PATH: string): Promise<Engine[]> {
  const env = { ...process.env, PATH };
  const succeeds = async (command: string, args: string[]) => {
    try {
      await promisify(execFile)(command, args, { env, timeout: ENGINE_TIMEOUT_MS });
      return true;
    } catch {
      // Not installed, or not running: it can't be used.
      return false;
    }
  };
  const found = ENGINES.map(async ({ name, probe }) => {
    if (!(await succeeds(name, probe))) return [];
    const images: string[] = [];
    for (const image of IMAGES) {
      if (await succeeds(name, ['image', 'inspect', image])) images.push(image);
    }
    return [{ name, images }];
  });
  return (await Promise.all(found)).flat();
}

/**
 * Starts the embedded DynamoDB on 127.0.0.1 and waits until it answers.
 *
 * @param options.dbPath the file of its data; without it the data is in memory
 * @throws CliError when it is not installed, the port is taken, or it does not come up.
 */
export async function startDynamoDB(options: {
  port: number;
  dbPath?: string;
}): Promise<EmbeddedDynamoDB> {
  const { port, dbPath } = options;
  const database = await findDatabase();
  // Checked first: another server on this port would answer, and be taken for the database.
  if (!(await isPortFree(port))) {
    throw new CliError(`The embedded DynamoDB cannot start: port ${port} is in use.`);
  }
  if (dbPath !== undefined) keepPrivate(dbPath);
  const { command, args, clean, timeoutMs } = launchOf(database, port, dbPath);
  // A killed run may have left its container, which still has the file open.
  await clean();
  const started = startProcess(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let complaint = '';
  started.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    // It also greets on stderr; only errors have this prefix.
    complaint = /^error: (.*)/m.exec(text)?.[1] ?? complaint;
  });
  const ended = started.ended.then((how) => (complaint ? `${how}: ${complaint}` : how));

  const endpoint = `http://127.0.0.1:${port}`;
  const stop = async () => {
    await started.stop();
    await clean();
  };
  let death: string | undefined;
  ended.then((how) => {
    death = how;
  });
  const deadline = Date.now() + timeoutMs;
  while (!(await answers(endpoint))) {
    if (death === undefined && Date.now() < deadline) {
      await sleep(POLL_MS);
      continue;
    }
    await stop();
    const why = death ?? `no answer within ${timeoutMs / 1_000} s`;
    throw new CliError(`The embedded DynamoDB did not start (${why}).`);
  }
  return { ...started, ended, endpoint, stop };
}

/** How to start a database: the command, and `clean` to remove a container before and after it runs. */
function launchOf(database: Database, port: number, dbPath: string | undefined) {
  if (database.kind === 'program') {
    const args = ['serve', '--host', '127.0.0.1', '--port', String(port)];
    if (dbPath !== undefined) args.push('--db-path', dbPath);
    const clean = async () => {};
    return { command: database.file, args, clean, timeoutMs: START_TIMEOUT_MS };
  }
  const { engine, image } = database;
  // The same data always has the same container name. The directory is locked, so only one of ours uses it.
  const hash = createHash('sha256').update(dbPath ?? `memory ${port}`);
  const name = `registration-desk-${hash.digest('hex').slice(0, 12)}`;
  const user = process.getuid && process.getgid ? `${process.getuid()}:${process.getgid()}` : null;
  const args = containerArguments({ image, port, name, user, dbPath: dbPath ?? null });
  const clean = async () => {
    // It fails when there is no such container, which is the normal case.
    await promisify(execFile)(engine, ['rm', '--force', name]).catch(() => undefined);
  };
  return { command: engine, args, clean, timeoutMs: CONTAINER_TIMEOUT_MS };
}

/**
 * Makes the database files accessible to their owner only, existing ones too. The database file is created before
 * SQLite opens it, since SQLite gives the files beside it the same mode.
 */
function keepPrivate(dbPath: string): void {
  closeSync(openSync(dbPath, 'a', 0o600));
  for (const suffix of ['', '-wal', '-shm']) {
    if (existsSync(dbPath + suffix)) chmodSync(dbPath + suffix, 0o600);
  }
}

function packageFolder(name: string): string | undefined {
  try {
    return dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
  } catch {
    return undefined;
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function answers(endpoint: string): Promise<boolean> {
  try {
    const response = await fetch(endpoint, { signal: AbortSignal.timeout(1_000) });
    await response.body?.cancel();
    // Amazon's image answers 400 to an unsigned request.
    return response.status < 500;
  } catch {
    return false;
  }
}
