import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makeDirectory } from './data-directory.ts';
import { CliError, explain } from './terminal.ts';

const SQLITE_BUSY = 5;

/** Locks that this process holds. The list keeps them from garbage collection, which would release them. */
const held: DatabaseSync[] = [];

/**
 * Creates the directory if it is missing, and locks it against a second `npm start`: the embedded DynamoDB would
 * open the same file twice without an error.
 *
 * The lock is SQLite's, on a file of its own. The kernel releases it however the process ends. A file with a
 * process id would outlive a `kill -9`, and the id can soon belong to another process.
 *
 * @throws CliError when the directory is in use, or can't be used
 */
export function lockDirectory(directory: string): void {
  try {
    makeDirectory(directory);
    const lock = new DatabaseSync(join(directory, 'lock'));
    lock.exec('BEGIN EXCLUSIVE');
    held.push(lock);
  } catch (error) {
    if (isBusy(error)) {
      throw new CliError(
        `The data in ${directory} is in use by another \`npm start\`: end that one, or set DATA_DIR.`,
      );
    }
    throw new CliError(`The data directory ${directory} cannot be used (${explain(error)}).`);
  }
}

/** Whether an `npm start` has locked the directory. */
export function isDirectoryInUse(directory: string): boolean {
  const file = join(directory, 'lock');
  if (!existsSync(file)) return false;
  const lock = new DatabaseSync(file, { readOnly: true });
  try {
    lock.prepare('SELECT count(*) FROM sqlite_master').get();
    return false;
  } catch (error) {
    if (isBusy(error)) return true;
    throw error;
  } finally {
    lock.close();
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY;
}
