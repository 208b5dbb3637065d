import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** Where `npm start` keeps its data: `DATA_DIR`, or `.data` in the project. */
export function dataDirectory(root: string, env: NodeJS.ProcessEnv = process.env): string {
  return resolve(env.DATA_DIR || join(root, '.data'));
}

/**
 * Creates a directory and its missing parents, for their owner alone. `mkdirSync` with `recursive` is not used: it
 * never returns where nothing can be created, as below /proc.
 */
export function makeDirectory(directory: string): void {
  const missing: string[] = [];
  for (let each = directory; !existsSync(each); each = dirname(each)) missing.unshift(each);
  for (const each of missing) mkdirSync(each, { mode: 0o700 });
}
