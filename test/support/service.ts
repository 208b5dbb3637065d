import { execFileSync, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { freePort } from '../../src/cli/ports.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** A service that `npm start` runs. */
export interface Service {
  /** The process id of `start.ts`, from which all others descend. */
  pid: number;
  url: string;
  /** The endpoint of the embedded DynamoDB. */
  dynamodb: string;
  /** What it has printed so far. */
  readonly said: string;
}

/**
 * Starts the service on a free port, with its data in `directory`, and waits until it listens.
 *
 * @param settings variables in its environment
 */
export async function startService(
  directory: string,
  settings: Record<string, string> = {},
): Promise<Service> {
  const port = await freePort();
  const { DYNAMODB_ENDPOINT: _, ...env } = process.env;
  const child = spawn(process.execPath, ['src/cli/start.ts'], {
    cwd: ROOT,
    env: { ...env, ...settings, PORT: String(port), DATA_DIR: directory },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (text) => {
    said += text;
  });
  await new Promise<void>((up, down) => {
    child.stdout.on('data', (text) => {
      said += text;
      if (said.includes('Ctrl-C')) up();
    });
    child.on('exit', () => down(new Error(`ended early: ${said}`)));
  });
  const dynamodb = /served at (\S+)/.exec(said)?.[1] ?? '';
  return {
    pid: child.pid ?? 0,
    url: `http://127.0.0.1:${port}`,
    dynamodb,
    get said() {
      return said;
    },
  };
}

/** Kills the process and its descendants at once, so that they can't finish anything. */
export function killService({ pid: root }: Service): void {
  const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid=']).toString().trim().split('\n');
  const children = new Map<number, number[]>();
  for (const row of rows) {
    const [pid = 0, parent = 0] = row.trim().split(/\s+/).map(Number);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const all = [root];
  for (const pid of all) all.push(...(children.get(pid) ?? []));
  execFileSync('kill', ['-9', ...all.map(String)]);
}
