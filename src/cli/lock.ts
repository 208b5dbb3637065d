import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makeDirectory } from './directory.ts';
import { CliError, explain } from './terminal.ts';

const SQLITE_BUSY = 5;

/** Kept for as long as the process lives: a lock that is garbage collected is a lock let go. */
const held: DatabaseSync[] = [];

/**
 * Creates the directory if it is missing and locks it against a second `npm start`: the embedded
 * DynamoDB would open a file that another one has open without a word.
 *
 * The lock is SQLite's on a file of its own, so the kernel drops it however the process ends. A
 * file with a process id would outlive a `kill -9`, and in a container the id soon means somebody else.
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

/** Whether an `npm start` has the directory locked at the moment. */
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
