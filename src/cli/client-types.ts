/**
 * `npm pack` runs this: it puts the types of the routes, which `hono/client` makes a client of, into
 * `dist/client`, without anything of the platform that they are served on.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, normalize, resolve } from 'node:path';
import { runCommand } from './terminal.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const TARGET = join(ROOT, 'dist/client');

/** The declarations next to which these are named; those of packages stay where they are. */
const OURS = /(['"])(\.{1,2}\/[^'"]+)\.ts\1/g;

/** Writes a module's declarations and, once each, those that they name. */
function write(from: string, module: string, done: Set<string>): void {
  if (done.has(module)) return;
  done.add(module);
  const text = readFileSync(join(from, `${module}.d.ts`), 'utf8')
    // What the worker is bound to is nothing that a client sees.
    .replaceAll('Bindings: Env;', 'Bindings: object;');
  mkdirSync(dirname(join(TARGET, module)), { recursive: true });
  writeFileSync(join(TARGET, `${module}.d.ts`), text.replace(OURS, '$1$2.js$1'));
  for (const [, , path = ''] of text.matchAll(OURS)) {
    write(from, normalize(join(dirname(module), path)), done);
  }
}

await runCommand(async () => {
  const directory = mkdtempSync(join(tmpdir(), 'registration-desk-'));
  try {
    const emit = ['--noEmit', 'false', '--declaration', '--emitDeclarationOnly'];
    const places = ['--rootDir', ROOT, '--outDir', directory];
    execFileSync('tsc', ['-p', ROOT, ...emit, ...places], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    rmSync(TARGET, { recursive: true, force: true });
    write(join(directory, 'src'), 'client', new Set());
    writeFileSync(join(TARGET, 'client.js'), "export { hc } from 'hono/client';\n");
  } finally {
    rmSync(directory, { recursive: true });
  }
  return 0;
});
