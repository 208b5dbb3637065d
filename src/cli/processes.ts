import { type ChildProcess, execFile, type StdioOptions, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { CliError, explain } from './terminal.ts';

/** How long a process may take to end after SIGTERM before it is killed. */
const STOP_TIMEOUT_MS = 5_000;
/** How long killed processes may take to be gone; a container's init may be slow to reap them. */
const KILL_TIMEOUT_MS = 300;
const POLL_MS = 20;
/** There are no process groups and no signals there; a tree is ended by `taskkill`. Never run by us. */
const IS_WINDOWS = process.platform === 'win32';

/** A process that was started, with everything that it starts in turn. */
export interface ManagedProcess {
  child: ChildProcess;
  /** Resolves when it has ended, with how: `exit code 1`, `SIGKILL`. Never rejects. */
  ended: Promise<string>;
  /** Ends it and everything that it started; safe to call again, and after it has ended. */
  stop(): Promise<void>;
}

const running = new Set<ManagedProcess>();
let closed = false;

/**
 * Starts a process in a process group of its own, so that a terminal's Ctrl-C reaches only us and
 * we can end it with all of its descendants (wrangler starts workerd and esbuild).
 */
export function startProcess(
  command: string,
  args: string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; stdio: StdioOptions },
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

/** Ends every process that is still running, the last one started first, and starts no more. */
export async function stopAllProcesses(): Promise<void> {
  closed = true;
  for (const managed of [...running].reverse()) await managed.stop();
}

/**
 * A shell that waits for our end of a pipe to close, which the kernel sees to however we die, and
 * then kills the group: not even `kill -9` of us leaves a process behind that holds the data or a port.
 */
function startGuard(group: number): ChildProcess {
  const script = 'read -r _; kill -s KILL -- "-$1"';
  const stdio: StdioOptions = ['pipe', 'ignore', 'ignore'];
  const guard = spawn('/bin/sh', ['-c', script, 'sh', String(group)], { detached: true, stdio });
  // Without a shell there is no guard; ending in the normal way does not need one.
  guard.on('error', () => undefined);
  return guard;
}

async function endGroup(group: number, leaderEnded: Promise<unknown>): Promise<void> {
  // The leader alone is asked, so that wrangler ends its own in order; what is left is killed.
  signal(group, 'SIGTERM');
  const waited = new AbortController();
  await Promise.race([
    leaderEnded,
    sleep(STOP_TIMEOUT_MS, undefined, { signal: waited.signal }).catch(() => undefined),
  ]);
  waited.abort();
  // Waiting until whoever outlived the leader is gone frees their ports.
  const deadline = Date.now() + KILL_TIMEOUT_MS;
  while (signal(-group, 'SIGKILL') && Date.now() < deadline) await sleep(POLL_MS);
}

/** Ends a process with all below it, on Windows. */
async function endTree(root: number, ended: Promise<unknown>): Promise<void> {
  const killed = promisify(execFile)('taskkill', killTreeArguments(root), { windowsHide: true });
  // It fails where the process has ended already, which is what was wanted.
  await killed.catch(() => undefined);
  await Promise.race([ended, sleep(STOP_TIMEOUT_MS, undefined, { ref: false })]);
}

/** What `taskkill` is told: the process, all below it, whether they agree or not. */
export function killTreeArguments(root: number): string[] {
  return ['/PID', String(root), '/T', '/F'];
}

/** Signals a process, or with a negative id its group; tells whether there was anybody to signal. */
function signal(id: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(id, name);
  } catch {
    return false;
  }
}
