import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';

/** The project's root directory. */
export const ROOT = resolve(import.meta.dirname, '../..');

const BUILD_TIMEOUT_MS = 60_000;

/** A worker, built as for a deployment. */
export interface Bundle {
  /** Path of its one module; its source map lies beside it. */
  script: string;
  gzipBytes: number;
}

/**
 * Builds a worker with wrangler exactly as a deployment would, minified, without deploying it.
 *
 * @param entry path below the project's root; the product's own entry when left out
 * @param options.minify as for production; false keeps the names of functions
 */
export async function build(
  outDirectory: string,
  entry?: string,
  { minify = true } = {},
): Promise<Bundle> {
  const manifest = createRequire(import.meta.url).resolve('wrangler/package.json');
  const args = [join(dirname(manifest), 'bin/wrangler.js'), 'deploy'];
  if (entry) args.push(entry);
  args.push('--dry-run', '--outdir', outDirectory, minify ? '--minify' : '--no-minify');
  const env = { ...process.env, CI: 'true', WRANGLER_SEND_METRICS: 'false' };
  await promisify(execFile)(process.execPath, args, {
    cwd: ROOT,
    env: { ...env, WRANGLER_WRITE_LOGS: 'false' },
    timeout: BUILD_TIMEOUT_MS,
  });
  const name = entry ? entry.replace(/^.*\/|\.ts$/g, '') : 'index';
  const script = join(outDirectory, `${name}.js`);
  return { script, gzipBytes: gzipSync(readFileSync(script)).length };
}
