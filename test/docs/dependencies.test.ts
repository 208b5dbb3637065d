import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import about from '../../package.json' with { type: 'json' };
import { findWrangler } from '../../src/cli/worker.ts';

const ROOT = join(import.meta.dirname, '../..');
const page = readFileSync(join(ROOT, 'docs/dependencies.md'), 'utf8');

/** The rows of the table: the package, what it is for, what else was considered, whether the worker has it. */
const rows = [...page.matchAll(/^\| `([\w@/.-]+)` \| (.+) \| (.+) \| (.+) \|$/gm)].map(
  ([, name = '', purpose = '', instead = '', isBundled = '']) => ({
    name,
    purpose,
    instead,
    isBundled,
  }),
);

const DEPENDENCIES: Record<string, string> = {
  ...about.dependencies,
  ...about.devDependencies,
  ...about.optionalDependencies,
};

/** What is installed, by its path. */
const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
  packages: Record<string, { optionalDependencies?: Record<string, string> }>;
};

/** The packages that wrangler puts into the worker. */
function bundledPackages(): Set<string> {
  const directory = mkdtempSync(join(tmpdir(), 'registration-desk-'));
  try {
    const meta = join(directory, 'meta.json');
    const args = ['deploy', '--env', 'production', '--dry-run', '--outdir', directory];
    execFileSync(process.execPath, [findWrangler(), ...args, '--metafile', meta], {
      cwd: ROOT,
      env: {
        ...process.env,
        CI: 'true',
        WRANGLER_SEND_METRICS: 'false',
        WRANGLER_WRITE_LOGS: 'false',
      },
      stdio: 'pipe',
    });
    const { outputs } = JSON.parse(readFileSync(meta, 'utf8')) as {
      outputs: Record<string, { inputs: Record<string, { bytesInOutput: number }> }>;
    };
    return new Set(
      Object.values(outputs).flatMap(({ inputs }) =>
        Object.entries(inputs)
          .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
          .flatMap(([path]) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []),
      ),
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test('every dependency has a row, and no row is without a dependency', () => {
  expect(rows.map(({ name }) => name).sort()).toEqual(Object.keys(DEPENDENCIES).sort());
});

test('the last column says what the worker has in it', { timeout: 80_000 }, () => {
  const bundled = bundledPackages();
  expect(Object.fromEntries(rows.map(({ name, isBundled }) => [name, isBundled]))).toEqual(
    Object.fromEntries(rows.map(({ name }) => [name, bundled.has(name) ? 'yes' : 'no'])),
  );
});

test('every version is pinned exactly', () => {
  const loose = Object.entries(DEPENDENCIES).filter(
    ([, version]) => !/^(npm:@?[\w/-]+@)?\d+\.\d+\.\d+$/.test(version),
  );
  expect(loose).toEqual([]);
});

test('there is one workerd, for tests and for deployments', () => {
  const found = Object.keys(packages).filter((path) => path.endsWith('node_modules/workerd'));
  expect(found).toEqual(['node_modules/workerd']);
});

test('the lock file has every optional package of every platform: without one `npm ci` refuses it', () => {
  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) => !packages[`node_modules/${name}`] && !packages[`${path}/node_modules/${name}`],
    ),
  );
  expect(missing).toEqual([]);
});
