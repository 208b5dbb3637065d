/** `npm run size`: a dry-run deploy, which fails when the worker has grown past its bound. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { CliError, runCommand, say } from './terminal.ts';
import { findWrangler } from './worker.ts';

/** A worker starts the sooner the smaller it is: what the benchmark promises. */
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
    const told = `The worker is ${kib.toFixed(1)} KiB gzip`;
    if (kib > MAX_GZIP_KIB) throw new CliError(`${told}; the bound is ${MAX_GZIP_KIB}.`);
    say(`${told}, of at most ${MAX_GZIP_KIB}.`);
  } finally {
    rmSync(directory, { recursive: true });
  }
  return 0;
});
