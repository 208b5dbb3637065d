/**
 * `npm run test:browser`: runs the tests of the pages in Chromium. It takes `CHROMIUM` or a browser on the PATH; if there
 * is none, it brings one. With `--if-found` it does nothing then.
 */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { runCommand, say } from '../../src/cli/terminal.ts';
import { bringChromium, findChromium } from './chromium.ts';

await runCommand(async () => {
  const args = process.argv.slice(2);
  const found = findChromium();
  if (!found && args.includes('--if-found')) {
    say(
      'No browser was found: the tests of the pages are left out. `npm run test:browser` brings one.',
    );
    return 0;
  }
  const CHROMIUM = found ?? (await bringChromium());
  const vitest = resolve(import.meta.dirname, '../../node_modules/vitest/vitest.mjs');
  const config = resolve(import.meta.dirname, 'vitest.config.ts');
  const others = args.filter((each) => each !== '--if-found');
  const { error, status } = spawnSync(
    process.execPath,
    [vitest, 'run', '--config', config, ...others],
    { stdio: 'inherit', env: { ...process.env, CHROMIUM } },
  );
  if (error) throw error;
  return status ?? 1;
});
