/** `npm run reset [-- --yes]`: deletes the data that `npm start` keeps on this machine, after asking. */
import { existsSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import { dataDirectory } from './data-directory.ts';
import { lockDirectory } from './lock.ts';
import { CliError, runCommand, say } from './terminal.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** What `npm start` writes into the data directory. Other files stay: `DATA_DIR` may hold some. */
const DATABASE_FILES = [
  'dynamodb.db',
  'dynamodb.db-wal',
  'dynamodb.db-shm',
  'shared-local-instance.db',
];
const OTHER_FILES = ['worker', 'running.json'];

async function agrees(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new CliError('Nobody can be asked here: say `npm run reset -- --yes`.');
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await terminal.question(question)).trim());
  } finally {
    terminal.close();
  }
}

await runCommand(async () => {
  const { values } = parseArgs({
    options: { yes: { type: 'boolean', short: 'y', default: false } },
  });
  const directory = dataDirectory(ROOT);
  const found = [...DATABASE_FILES, ...OTHER_FILES].filter((name) =>
    existsSync(join(directory, name)),
  );
  if (found.length === 0) {
    say(`There is no data in ${directory}.`);
    return 0;
  }
  // Locked until this command ends, so that no `npm start` opens the data meanwhile.
  lockDirectory(directory);
  if (!values.yes && !(await agrees(`Delete all events and people in ${directory}? [y/N] `))) {
    say('Nothing was deleted.');
    return 1;
  }
  for (const name of found) rmSync(join(directory, name), { recursive: true, force: true });
  say(`${directory} is empty.`);
  return 0;
}, 'npm run reset [-- --yes]');
