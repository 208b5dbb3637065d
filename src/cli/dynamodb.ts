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
/** The image may have to be fetched first. */
const CONTAINER_TIMEOUT_MS = 180_000;
const ENGINE_TIMEOUT_MS = 5_000;

/** The embedded DynamoDB, answering. */
export interface EmbeddedDynamoDB extends ManagedProcess {
  endpoint: string;
}

/**
 * Finds a database that can be started here: the platform's npm package, `dynoxide` in node_modules/.bin or on
 * the PATH, else a container engine that is running.
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
  // Asking an engine takes time, and nobody needs the answer then.
  const engines = program === undefined ? await findEngines(path) : [];
  const { platform, arch } = process;
  return chooseDatabase({ program, engines }, { platform, arch });
}

/** The engines that are installed and running, with those of the images that they have. */
async function findEngines(PATH: string): Promise<Engine[]> {
  const env = { ...process.env, PATH };
  const does = async (command: string, args: string[]) => {
    try {
      await promisify(execFile)(command, args, { env, timeout: ENGINE_TIMEOUT_MS });
      return true;
    } catch {
      // Not installed, or nobody answers: it can't be used, whatever the reason.
      return false;
    }
  };
  const asked = ENGINES.map(async ({ name, probe }) => {
    if (!(await does(name, probe))) return [];
    const images: string[] = [];
    for (const image of IMAGES) {
      if (await does(name, ['image', 'inspect', image])) images.push(image);
    }
    return [{ name, images }];
  });
  return (await Promise.all(asked)).flat();
}

/**
 * Starts the embedded DynamoDB on 127.0.0.1 and waits until it answers.
 *
 * @param options.dbPath the file with its data; without one it keeps them in memory.
 * @throws CliError when it is not installed, the port is taken, or it does not come up.
 */
export async function startDynamoDB(options: {
  port: number;
  dbPath?: string;
}): Promise<EmbeddedDynamoDB> {
  const { port, dbPath } = options;
  const database = await findDatabase();
  // Looked at first: otherwise the answer of whatever listens there would pass for ours.
  if (!(await isPortFree(port))) {
    throw new CliError(`The embedded DynamoDB cannot start: port ${port} is in use.`);
  }
  if (dbPath !== undefined) keepPrivate(dbPath);
  const { command, args, clean, timeoutMs } = commandFor(database, port, dbPath);
  // One that was killed may have left its container, which has the file open.
  await clean();
  const started = startProcess(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let complaint = '';
  started.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    // It greets on stderr too; what goes wrong is marked.
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

/** How a database is started, and what is left to do before and after it runs. */
function commandFor(database: Database, port: number, dbPath: string | undefined) {
  if (database.kind === 'program') {
    const args = ['serve', '--host', '127.0.0.1', '--port', String(port)];
    if (dbPath !== undefined) args.push('--db-path', dbPath);
    const clean = async () => {};
    return { command: database.file, args, clean, timeoutMs: START_TIMEOUT_MS };
  }
  const { engine, image } = database;
  // The same for the same data; the directory is locked, so no other of ours runs with it.
  const of = createHash('sha256').update(dbPath ?? `memory ${port}`);
  const name = `registration-desk-${of.digest('hex').slice(0, 12)}`;
  const user = process.getuid && process.getgid ? `${process.getuid()}:${process.getgid()}` : null;
  const args = containerArguments({ image, port, name, user, dbPath: dbPath ?? null });
  const clean = async () => {
    // It fails where there is no such container, as it should be.
    await promisify(execFile)(engine, ['rm', '--force', name]).catch(() => undefined);
  };
  return { command: engine, args, clean, timeoutMs: CONTAINER_TIMEOUT_MS };
}

/**
 * Makes the database its owner's alone, one from before as well. It is there, empty, before SQLite opens
 * it, which gives the files beside it the same mode.
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
    // Amazon's answers 400 to whoever does not sign.
    return response.status < 500;
  } catch {
    return false;
  }
}
