import { accessSync, chmodSync, closeSync, constants, existsSync, openSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isPortFree } from './ports.ts';
import { type ManagedProcess, startProcess } from './processes.ts';
import { CliError } from './terminal.ts';

const START_TIMEOUT_MS = 10_000;
const POLL_MS = 20;

/** The embedded DynamoDB, answering. */
export interface EmbeddedDynamoDB extends ManagedProcess {
  endpoint: string;
}

/** Finds the embedded DynamoDB: the platform's npm package, else `dynoxide` on the PATH. */
export function findDynoxide(path = process.env.PATH ?? ''): string {
  const file = process.platform === 'win32' ? 'dynoxide.exe' : 'dynoxide';
  const name = `@dynoxide/${process.platform}-${process.arch}`;
  const folders = [packageFolder(name), ...path.split(delimiter)];
  for (const folder of folders) {
    if (folder && isExecutable(join(folder, file))) return join(folder, file);
  }
  throw new CliError(
    `The embedded DynamoDB is not installed: run \`npm install --no-save ${name}\`, put \`dynoxide\` on the PATH, or set DYNAMODB_ENDPOINT.`,
  );
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
  const binary = findDynoxide();
  // Looked at first: otherwise the answer of whatever listens there would pass for ours.
  if (!(await isPortFree(port))) {
    throw new CliError(`The embedded DynamoDB cannot start: port ${port} is in use.`);
  }
  const args = ['serve', '--host', '127.0.0.1', '--port', String(port)];
  if (dbPath !== undefined) {
    keepPrivate(dbPath);
    args.push('--db-path', dbPath);
  }
  const started = startProcess(binary, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let complaint = '';
  started.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    // It greets on stderr too; what goes wrong is marked.
    complaint = /^error: (.*)/m.exec(text)?.[1] ?? complaint;
  });
  const ended = started.ended.then((how) => (complaint ? `${how}: ${complaint}` : how));

  const endpoint = `http://127.0.0.1:${port}`;
  let death: string | undefined;
  ended.then((how) => {
    death = how;
  });
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await answers(endpoint))) {
    if (death === undefined && Date.now() < deadline) {
      await sleep(POLL_MS);
      continue;
    }
    await started.stop();
    const why = death ?? `no answer within ${START_TIMEOUT_MS / 1_000} s`;
    throw new CliError(`The embedded DynamoDB did not start (${why}).`);
  }
  return { ...started, ended, endpoint };
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
    return response.ok;
  } catch {
    return false;
  }
}
