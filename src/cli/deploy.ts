/** `npm run deploy -- NAME [--dry-run]`: checks everything, then lets wrangler deploy to that environment of wrangler.toml. */
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { CliError, runCommand } from './terminal.ts';
import { findWrangler } from './worker.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const USAGE = 'npm run deploy -- NAME [--dry-run]';

await runCommand(async () => {
  // Whatever else is said is wrangler's to understand.
  const [environment = '', ...others] = process.argv.slice(2);
  const { unstable_readConfig } = await import('wrangler');
  const { definedEnvironments = [] } = unstable_readConfig(
    { config: join(ROOT, 'wrangler.toml') },
    { hideWarnings: true },
  );
  if (!definedEnvironments.includes(environment)) {
    const names = definedEnvironments.join(', ');
    throw new CliError(`Say where to: ${USAGE}, where NAME is one of ${names}.`);
  }
  const wrangler = [findWrangler(), 'deploy', '--env', environment, ...others];
  const env = { ...process.env, WRANGLER_SEND_METRICS: 'false' };
  const steps = [
    ['npm', ['run', 'check']],
    [process.execPath, wrangler],
  ] as const;
  for (const [program, args] of steps) {
    // npm is a `.cmd` on Windows, which only a shell can run.
    const shell = program === 'npm' && process.platform === 'win32';
    const { error, status } = spawnSync(program, args, { cwd: ROOT, env, stdio: 'inherit', shell });
    if (error) throw error;
    if (status !== 0) return status ?? 1;
  }
  return 0;
}, USAGE);
