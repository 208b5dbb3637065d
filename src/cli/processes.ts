import {
  type ChildProcess,
  execFile,
  type SpawnOptions,
  type StdioOptions,
  spawn,
} from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { CliError, explain } from './terminal.ts';

/** How long a process may take to end after SIGTERM before it is killed. */
const STOP_TIMEOUT_MS = 5_000;
/** How long to wait until killed processes are gone: the init process of a container may be slow to reap them. */
const KILL_TIMEOUT_MS = 300;
const POLL_MS = 20;
/** Windows has no process groups and signals; `taskkill` ends a process tree. This is not tested on Windows. */
const IS_WINDOWS = process.platform === 'win32';

/** A started process, with all processes that it starts. */
export interface ManagedProcess {
  child: ChildProcess;
  /** Resolves when it has ended, to how it ended: `exit code 1`, `SIGKILL`. Never rejects. */
  ended: Promise<string>;
  /** Ends it and all processes that it started. May be called again, and after it has ended. */
  stop(): Promise<void>;
}

const running = new Set<ManagedProcess>();
let closed = false;

/**
 * Starts a process in a process group of its own. So a terminal's Ctrl-C reaches only this process, and `stop` ends
 * all descendants (wrangler starts workerd and esbuild).
 */
export function startProcess(
  command: string,
  args: string[],
  options: Pick<SpawnOptions, 'cwd' | 'env' | 'uid' | 'gid'> & { stdio: StdioOptions },
): ManagedProcess {
  if (closed) throw new CliError('Nothing is started any more: everything is being ended.');
  const child = spawn(command, args, { ...options, detached: !IS_WINDOWS, windowsHide: true });
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(explain(error)));
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  const guard = child.pid === undefined || IS_WINDOWS ? undefined : startGuard(child.pid);
  let stopped: Promise<void> | undefined;
  const managed: ManagedProcess = {
    child,
    ended,
    stop() {
      stopped ??= (async () => {
        if (child.pid !== undefined) await (IS_WINDOWS ? endTree : endGroup)(child.pid, ended);
        guard?.kill('SIGKILL');
        running.delete(managed);
      })();
      return stopped;
    },
  };
  running.add(managed);
  return managed;
}

/** Ends all running processes, the last one first. From then on none can be started. */
export async function stopAllProcesses(): Promise<void> {
  closed = true;
  for (const managed of [...running].reverse()) await managed.stop();
}

/**
 * Starts a shell that kills the group once our end of a pipe closes. The kernel closes it however this process dies,
 * so not even `kill -9` leaves a process behind that holds the data or a port.
 */
function startGuard(group: number): ChildProcess {
  const script = 'read -r _; kill -s KILL -- "-$1"';
  const stdio: StdioOptions = ['pipe', 'ignore', 'ignore'];
  const guard = spawn('/bin/sh', ['-c', script, 'sh', String(group)], { detached: true, stdio });
  // Without a shell there is no guard. Ending normally does not need one.
  guard.on('error', () => undefined);
  return guard;
}

async function endGroup(group: number, leaderEnded: Promise<unknown>): Promise<void> {
  // SIGTERM goes to the leader alone, so that wrangler can end its own processes in order. The rest is killed.
  signal(group, 'SIGTERM');
  const waited = new AbortController();
  await Promise.race([
    leaderEnded,
    sleep(STOP_TIMEOUT_MS, undefined, { signal: waited.signal }).catch(() => undefined),
  ]);
  waited.abort();
  // Wait until all processes of the group are gone, so that their ports are free.
  const deadline = Date.now() + KILL_TIMEOUT_MS;
  while (signal(-group, 'SIGKILL') && Date.now() < deadline) await sleep(POLL_MS);
}

/** Ends a process and its descendants on Windows. */
async function endTree(root: number, ended: Promise<unknown>): Promise<void> {
  const killed = promisify(execFile)('taskkill', killTreeArguments(root), { windowsHide: true });
  // It fails when the process has ended already, which is fine.
  await killed.catch(() => undefined);
  await Promise.race([ended, sleep(STOP_TIMEOUT_MS, undefined, { ref: false })]);
}

/** The arguments with which `taskkill` ends a process and its descendants by force. */
export function killTreeArguments(root: number): string[] {
  return ['/PID', String(root), '/T', '/F'];
}

/** Signals a process, or with a negative id its group. Returns whether there was a process to signal. */
function signal(id: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(id, name);
  } catch {
    return false;
  }
}
