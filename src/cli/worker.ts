import { createRequire } from 'node:module';
import { devNull } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ManagedProcess, startProcess } from './processes.ts';
import type { Settings } from './settings.ts';
import { CliError, say } from './terminal.ts';

const START_TIMEOUT_MS = 60_000;
const POLL_MS = 100;

/** The variables that wrangler itself needs. No others are passed on. */
const PASSED_ON = [
  ...['PATH', 'HOME', 'TMPDIR', 'XDG_CONFIG_HOME', 'NO_COLOR', 'FORCE_COLOR'],
  // Windows; without SystemRoot there is no network.
  ...['SystemRoot', 'TEMP', 'TMP', 'USERPROFILE', 'APPDATA', 'LOCALAPPDATA', 'PATHEXT', 'COMSPEC'],
];

/** No questions, no update check, no telemetry: so it also starts offline, and as fast. */
const QUIET = {
  CI: 'true',
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_HIDE_BANNER: 'true',
  WRANGLER_WRITE_LOGS: 'false',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
};

/**
 * Starts the worker under `wrangler dev` on 127.0.0.1 and waits until `GET /health` answers 200.
 *
 * The settings are passed in wrangler's environment: every user of the machine can read arguments, and a file would
 * outlive a crash. With `CLOUDFLARE_INCLUDE_PROCESS_ENV` wrangler passes its whole environment to the worker, so
 * `PASSED_ON` is short. It then reads no .dev.vars; the settings contain those already.
 */
export async function startWorker(options: {
  root: string;
  port: number;
  settings: Settings;
  stateDirectory: string;
}): Promise<ManagedProcess> {
  const { root, port, settings, stateDirectory } = options;
  const env: NodeJS.ProcessEnv = {};
  for (const name of PASSED_ON) if (process.env[name] !== undefined) env[name] = process.env[name];
  Object.assign(env, QUIET, settings, { CLOUDFLARE_INCLUDE_PROCESS_ENV: 'true' });
  const args = [findWrangler(), 'dev', '--ip', '127.0.0.1', '--port', String(port)];
  args.push('--env-file', devNull, '--persist-to', stateDirectory);
  args.push('--log-level', 'log', '--show-interactive-dev-session=false');
  const worker = startProcess(process.execPath, args, {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });

  // Before the worker is up, wrangler lists bindings and the like; that is not shown. Errors are on stderr.
  let isUp = false;
  if (worker.child.stdout) {
    createInterface({ input: worker.child.stdout }).on('line', (line) => {
      if (isUp && !line.startsWith('[wrangler:info]')) say(line);
    });
  }
  await waitUntilHealthy(worker, port);
  isUp = true;
  return worker;
}

async function waitUntilHealthy(worker: ManagedProcess, port: number): Promise<void> {
  let death: string | undefined;
  worker.ended.then((how) => {
    death = how;
  });
  const deadline = Date.now() + START_TIMEOUT_MS;
  let last = 'no answer';
  while (death === undefined && Date.now() < deadline) {
    try {
      const signal = AbortSignal.timeout(2_000);
      const response = await fetch(`http://127.0.0.1:${port}/health`, { signal });
      await response.body?.cancel();
      if (response.status === 200) return;
      last = `status ${response.status}`;
    } catch {
      // Not listening yet.
    }
    await sleep(POLL_MS);
  }
  if (death !== undefined) throw new CliError(`The worker did not start (wrangler: ${death}).`);
  throw new CliError(
    `The worker is not healthy after ${START_TIMEOUT_MS / 1_000} s: GET /health gives ${last}.`,
  );
}

/** The path of wrangler's program, to be run by Node: npm's `wrangler` is a shell script, or a `.cmd` on Windows. */
export function findWrangler(): string {
  try {
    const manifest = createRequire(import.meta.url).resolve('wrangler/package.json');
    return join(dirname(manifest), 'bin/wrangler.js');
  } catch {
    throw new CliError('wrangler is not installed: run `npm install`.');
  }
}
