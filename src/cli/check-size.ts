/** `npm run size`: bundles the worker in a dry-run deploy, and fails when it is larger than its bound. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { CliError, runCommand, say } from './terminal.ts';
import { findWrangler } from './worker.ts';

/** The bound: a smaller worker starts faster, and the benchmark promises its start. */
const MAX_GZIP_KIB = 150;

await runCommand(async () => {
  const directory = mkdtempSync(join(tmpdir(), 'registration-desk-'));
  try {
    const args = [
      findWrangler(),
      'deploy',
      '--env',
      'production',
      '--dry-run',
      '--outdir',
      directory,
    ];
    execFileSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    const kib = gzipSync(readFileSync(join(directory, 'index.js'))).length / 1024;
    const size = `The worker is ${kib.toFixed(1)} KiB gzip`;
    if (kib > MAX_GZIP_KIB) throw new CliError(`${size}; the bound is ${MAX_GZIP_KIB}.`);
    say(`${size}, of at most ${MAX_GZIP_KIB}.`);
  } finally {
    rmSync(directory, { recursive: true });
  }
  return 0;
});
