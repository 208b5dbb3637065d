import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');

/** The file of each command that takes arguments, and how its usage begins. */
const COMMANDS = [
  ['adopt', 'npm run adopt [-- --dry-run]'],
  ['create-key', 'npm run key -- --name NAME'],
  ['create-tables', 'npm run tables [-- --env NAME]'],
  ['doctor', 'npm run doctor [-- --env NAME]'],
  ['mend', 'npm run mend -- EVENT_ID'],
  ['reset', 'npm run reset [-- --yes]'],
] as const;

const run = (command: string, argument: string) =>
  promisify(execFile)(process.execPath, [`src/cli/${command}.ts`, argument], { cwd: ROOT }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
  );

test.each(COMMANDS)('%s says how it is called', { timeout: 80_000 }, async (command, usage) => {
  const [asked, refused] = await Promise.all([run(command, '--help'), run(command, '--nonsense')]);
  expect(asked).toEqual({ code: 0, stderr: '', stdout: expect.stringMatching(/^Usage: .*\n$/) });
  expect(asked.stdout).toContain(usage);
  expect(refused).toEqual({
    code: 1,
    stdout: '',
    stderr: `Unknown option '--nonsense'. ${asked.stdout}`,
  });
});

test('a deployment that names no environment, or none that there is, is refused before anything is checked', {
  timeout: 80_000,
}, async () => {
  const refused = await Promise.all(
    ['', 'nowhere', '--dry-run'].map((name) => run('deploy', name)),
  );
  const stderr =
    'Say where to: npm run deploy -- NAME [--dry-run], where NAME is one of dev, staging, production.\n';
  expect(refused).toEqual(Array(3).fill({ code: 1, stdout: '', stderr }));
});
