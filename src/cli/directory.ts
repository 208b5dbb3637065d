import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** Where `npm start` keeps its data: what `DATA_DIR` says, else `.data` in the project. */
export function dataDirectory(root: string, env: NodeJS.ProcessEnv = process.env): string {
  return resolve(env.DATA_DIR || join(root, '.data'));
}

/**
 * Creates a directory and those above it, for their owner alone. Not by `mkdirSync`'s own `recursive`: where
 * nothing can be created, as below /proc, that one never returns.
 */
export function makeDirectory(directory: string): void {
  const missing: string[] = [];
  for (let each = directory; !existsSync(each); each = dirname(each)) missing.unshift(each);
  for (const each of missing) mkdirSync(each, { mode: 0o700 });
}
