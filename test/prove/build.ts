import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { OVERDUE_MS } from './bad-alarms.ts';
import { MESSAGE_TIMEOUT_MS } from './endpoints.ts';
import type { Replacement } from './mutations.ts';

/** The project. */
export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');

/** A worker, bundled by wrangler as for a deployment. */
export interface Build {
  /** Folder of `worker.js`. */
  directory: string;
  compatibilityDate: string;
  /** The factor of the product's deadlines. */
  scale: number;
}

/** How a build differs from a deployed one. */
export interface BuildOptions {
  name: string;
  scale: number;
  replacements: Replacement[];
  /** Whether messages are tried again after milliseconds, and offers may last for a second. */
  isHasty?: boolean;
}

/** The deadlines that are cut short, so that more of them pass in one run. */
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

/**
 * How messages are tried again in histories, with any deadlines: a failure and what follows have to fit into a history, and no
 * common factor brings seconds and days into it.
 */
const MESSAGE_TIMES: Record<string, string> = {
  OUTBOX_RETRY_DELAYS_MS: '[40, 80, 150, 250, 400, 600, 800, 1_000, 1_200]',
  OUTBOX_TIMEOUT_MS: String(MESSAGE_TIMEOUT_MS),
  OUTBOX_BEGIN_MS: '3_000',
  DELIVERY_REST_MS: '300',
  ALARM_GRACE_MS: '250',
  ALARM_RETRY_MS: '400',
  OVERDUE_MS: String(OVERDUE_MS),
  OWN_COMMAND_WAIT_MS: '5_000',
};

/** Bundles a copy of the source in a folder of its own, so that a defect can't get into the product's build. */
export async function build(parent: string, options: BuildOptions): Promise<Build> {
  const { name, scale, replacements, isHasty = false } = options;
  const folder = join(parent, name);
  mkdirSync(folder, { recursive: true });
  cpSync(join(ROOT, 'src'), join(folder, 'src'), { recursive: true });
  cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  if (scale !== 1) cutDeadlines(folder, scale);
  if (isHasty) {
    allowShortOffers(folder);
    cutMessageTimes(folder);
  }
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
  for (const name of ['interruptible.mjs', 'alarms.mjs', 'clocked.mjs', 'clocks.mjs']) {
    cpSync(join(ROOT, 'test/prove', name), join(directory, name));
  }
  return { directory, compatibilityDate, scale };
}

/** @throws when the mutated source does not compile: a run that fails for this reason proves nothing */
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

/** Lets an offer last for a second, so that some end within a run. */
function allowShortOffers(folder: string): void {
  const from = 'export const OFFER_MIN_SECONDS = 10;';
  replace(folder, { file: 'limits.ts', from, to: 'export const OFFER_MIN_SECONDS = 1;' });
}

function cutMessageTimes(folder: string): void {
  const path = join(folder, 'src/limits.ts');
  let text = readFileSync(path, 'utf8');
  for (const [name, value] of Object.entries(MESSAGE_TIMES)) {
    const declaration = new RegExp(`export const ${name} = [^;]+;`);
    if (!declaration.test(text)) throw new Error(`limits.ts has no ${name}`);
    text = text.replace(declaration, `export const ${name} = ${value};`);
  }
  writeFileSync(path, text);
}

/** @throws when the text of a replacement does not occur exactly once */
function replace(folder: string, { file, from, to }: Replacement): void {
  const path = join(folder, 'src', file);
  const parts = readFileSync(path, 'utf8').split(from);
  if (parts.length !== 2) {
    throw new Error(`src/${file} has ${parts.length - 1} times, not once: ${from}`);
  }
  writeFileSync(path, parts.join(to));
}
