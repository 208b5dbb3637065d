import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Replacement } from './mutations.ts';

/** The project. */
export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');

/** A worker, bundled by wrangler as for a deployment. */
export interface Build {
  /** Folder of `worker.js`. */
  directory: string;
  compatibilityDate: string;
  /** What the deadlines of the product are multiplied with. */
  scale: number;
}

/** How a build differs from what is deployed. */
export interface BuildOptions {
  name: string;
  scale: number;
  replacements: Replacement[];
}

/** The deadlines that are cut short, so that a run sees more of them in its time. */
const SCALED = [
  'QUEUE_WAIT_MS',
  'QUEUE_SWEEP_MS',
  'COMMIT_DEADLINE_MS',
  'ATTEMPT_TIMEOUT_MS',
  'READ_DEADLINE_MS',
  'PAGE_TIMEOUT_MS',
  'LOAD_DEADLINE_MS',
  'LOAD_SECOND_PASS_PAUSE_MS',
  'LOAD_THIRD_PASS_PAUSE_MS',
  'LOAD_REST_MS',
  'BACKOFF_FIRST_MS',
  'BACKOFF_MAX_MS',
  'ERASURE_PAUSE_MS',
];

/** Those that are cut shorter still: an erasure takes a minute, and a run some seconds. */
const SCALED_MORE = ['KNOWN_USERS_MS', 'ERASURE_WAIT_MS'];
const MORE = 1 / 3;

/** Bundles a copy of the source in a folder of its own: nothing of it can reach the product's build. */
export async function build(parent: string, options: BuildOptions): Promise<Build> {
  const { name, scale, replacements } = options;
  const folder = join(parent, name);
  mkdirSync(folder, { recursive: true });
  cpSync(join(ROOT, 'src'), join(folder, 'src'), { recursive: true });
  cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  if (scale !== 1) cutDeadlines(folder, scale);
  for (const replacement of replacements) replace(folder, replacement);
  if (replacements.length > 0) await checkTypes(folder);

  const settings = readFileSync(join(ROOT, 'wrangler.toml'), 'utf8');
  const compatibilityDate = /^compatibility_date = "([\d-]+)"$/m.exec(settings)?.[1];
  if (!compatibilityDate) throw new Error('wrangler.toml has no compatibility_date');
  writeFileSync(join(folder, 'wrangler.toml'), settings);

  const wrangler = createRequire(import.meta.url).resolve('wrangler/package.json');
  const args = [join(dirname(wrangler), 'bin/wrangler.js'), 'deploy', '--dry-run'];
  const directory = join(folder, 'out');
  await promisify(execFile)(process.execPath, [...args, '--outdir', directory], {
    cwd: folder,
    timeout: 120_000,
    env: {
      ...process.env,
      CI: 'true',
      WRANGLER_SEND_METRICS: 'false',
      WRANGLER_WRITE_LOGS: 'false',
    },
  });
  renameSync(join(directory, 'index.js'), join(directory, 'worker.js'));
  cpSync(join(ROOT, 'test/prove/interruptible.mjs'), join(directory, 'interruptible.mjs'));
  return { directory, compatibilityDate, scale };
}

/** @throws when what was replaced cannot run: such a defect is found by failing, and proves nothing */
async function checkTypes(folder: string): Promise<void> {
  cpSync(join(ROOT, 'tsconfig.json'), join(folder, 'tsconfig.json'));
  const args = ['-p', folder, '--noUnusedLocals', 'false', '--noUnusedParameters', 'false'];
  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  await promisify(execFile)(tsc, args, { cwd: folder, timeout: 120_000 }).catch((error) => {
    throw new Error(`what was replaced does not fit the source: ${error.stdout}`);
  });
}

function cutDeadlines(folder: string, scale: number): void {
  const path = join(folder, 'src/limits.ts');
  let text = readFileSync(path, 'utf8');
  for (const name of [...SCALED, ...SCALED_MORE]) {
    const factor = SCALED_MORE.includes(name) ? scale * MORE : scale;
    const declaration = new RegExp(`export const ${name} = [\\d_, [\\]]+;`);
    if (!declaration.test(text))
      throw new Error(`limits.ts has no ${name} that could be cut short`);
    const scaled = (ms: string) => String(Math.ceil(Number(ms.replaceAll('_', '')) * factor));
    text = text.replace(declaration, (found) => found.replaceAll(/(?<!\w)\d[\d_]*/g, scaled));
  }
  writeFileSync(path, text);
}

/** @throws when the source is not what the replacement was written for */
function replace(folder: string, { file, from, to }: Replacement): void {
  const path = join(folder, 'src', file);
  const parts = readFileSync(path, 'utf8').split(from);
  if (parts.length !== 2) {
    throw new Error(`src/${file} has ${parts.length - 1} times, not once: ${from}`);
  }
  writeFileSync(path, parts.join(to));
}
