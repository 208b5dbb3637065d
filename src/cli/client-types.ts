/**
 * `npm pack` runs this. It writes what programs that call the service get into `dist/client`: the types of the
 * routes, from which `hono/client` makes a client, without types of the platform; and the module that watches an event.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, normalize, resolve } from 'node:path';
import { runCommand } from './terminal.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const TARGET = join(ROOT, 'dist/client');

/** The module that watches an event. */
const LIVE = 'page/live-client';

/** An import of one of our own modules, as opposed to a package. */
const RELATIVE_IMPORT = /(['"])(\.{1,2}\/[^'"]+)\.ts\1/g;

/** Writes the declarations of a module and of all modules that it imports. */
function write(from: string, module: string, done: Set<string>): void {
  if (done.has(module)) return;
  done.add(module);
  const text = readFileSync(join(from, `${module}.d.ts`), 'utf8')
    // The worker's bindings don't concern a client.
    .replaceAll('Bindings: Env;', 'Bindings: object;');
  mkdirSync(dirname(join(TARGET, module)), { recursive: true });
  writeFileSync(join(TARGET, `${module}.d.ts`), text.replace(RELATIVE_IMPORT, '$1$2.js$1'));
  for (const [, , path = ''] of text.matchAll(RELATIVE_IMPORT)) {
    write(from, normalize(join(dirname(module), path)), done);
  }
}

await runCommand(async () => {
  const directory = mkdtempSync(join(tmpdir(), 'registration-desk-'));
  try {
    const emit = ['--noEmit', 'false', '--declaration', '--rewriteRelativeImportExtensions'];
    const folders = ['--rootDir', ROOT, '--outDir', directory];
    for (const project of [ROOT, join(ROOT, 'src/page')]) {
      execFileSync('tsc', ['-p', project, ...emit, ...folders], {
        stdio: ['ignore', 'inherit', 'inherit'],
      });
    }
    rmSync(TARGET, { recursive: true, force: true });
    const done = new Set<string>();
    for (const module of ['client', LIVE]) write(join(directory, 'src'), module, done);
    writeFileSync(join(TARGET, 'client.js'), "export { hc } from 'hono/client';\n");
    // It imports types only, so it is whole.
    copyFileSync(join(directory, 'src', `${LIVE}.js`), join(TARGET, `${LIVE}.js`));
  } finally {
    rmSync(directory, { recursive: true });
  }
  return 0;
});
