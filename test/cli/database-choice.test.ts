import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { chooseDatabase, containerArguments, IMAGES } from '../../src/cli/database-choice.ts';
import { killTreeArguments } from '../../src/cli/processes.ts';

const [DYNOXIDE, AMAZON] = IMAGES;
const HERE = { platform: 'linux', arch: 'x64' };
const directory = mkdtempSync(join(tmpdir(), 'registration-desk-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const choose = (program: string | undefined, ...engines: { name: string; images: string[] }[]) =>
  chooseDatabase({ program, engines }, HERE);

test('a program comes first, then an image that is there, then one to fetch', () => {
  const docker = { name: 'docker', images: [] };
  const podman = { name: 'podman', images: [AMAZON] };
  expect(choose('/bin/dynoxide', docker)).toEqual({ kind: 'program', file: '/bin/dynoxide' });
  const amazon = { kind: 'container', engine: 'podman', image: AMAZON };
  expect(choose(undefined, docker, podman)).toEqual(amazon);
  const fetched = { kind: 'container', engine: 'docker', image: DYNOXIDE };
  expect(choose(undefined, docker)).toEqual(fetched);
  expect(choose(undefined, { name: 'docker', images: [AMAZON, DYNOXIDE] })).toEqual(fetched);
});

test('without a database, one message has the command for the platform', () => {
  const told = (platform: string, arch: string) => () =>
    chooseDatabase({ program: undefined, engines: [] }, { platform, arch });
  expect(told('linux', 'x64')).toThrow('npm install --no-save @dynoxide/linux-x64');
  expect(told('linux', 'arm64')).toThrow('brew install nubo-db/tap/dynoxide');
  expect(told('darwin', 'arm64')).toThrow('brew install nubo-db/tap/dynoxide');
  expect(told('win32', 'x64')).toThrow('docker pull ghcr.io/nubo-db/dynoxide');
  for (const platform of ['linux', 'darwin', 'win32']) {
    expect(told(platform, 'x64')).toThrow(/start Docker or Podman, or set DYNAMODB_ENDPOINT\.$/);
  }
});

test('a container listens on loopback alone, and keeps its data where it is told', () => {
  const common = { port: 4000, name: 'desk', user: '1:2' };
  const kept = containerArguments({ ...common, image: DYNOXIDE, dbPath: '/d/dynamodb.db' });
  expect(kept.join(' ')).toBe(
    `run --rm --name desk --publish 127.0.0.1:4000:8000 --user 1:2 --volume /d:/data ${DYNOXIDE} serve --host 0.0.0.0 --port 8000 --db-path /data/dynamodb.db`,
  );
  const inMemory = containerArguments({ ...common, image: AMAZON, dbPath: null });
  expect(inMemory.join(' ')).toBe(
    `run --rm --name desk --publish 127.0.0.1:4000:8000 ${AMAZON} -jar DynamoDBLocal.jar -sharedDb -inMemory`,
  );
});

test('a tree of processes is ended on Windows', () => {
  expect(killTreeArguments(7)).toEqual(['/PID', '7', '/T', '/F']);
});

/** The program in the platform's package, if that is installed. */
function binary(): string | null {
  const name = `@dynoxide/${process.platform}-${process.arch}`;
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
    return join(dirname(manifest), 'dynoxide');
  } catch {
    return null;
  }
}

test.skipIf(!binary())(
  'an engine that runs is used where there is no program, and its container is taken away',
  () => {
    // The sources without node_modules, and a fake docker that has Amazon's image and runs the local program.
    cpSync(resolve(import.meta.dirname, '../../src'), join(directory, 'src'), { recursive: true });
    writeFileSync(join(directory, 'package.json'), '{"type":"module"}');
    const calls = join(directory, 'calls');
    const docker = `#!/bin/sh
echo "$*" >> '${calls}'
case "$1 $2 $3" in
  "version "*|"image inspect ${AMAZON}"|"rm --force "*) exit 0 ;;
  "run --rm --name") port=\${6#127.0.0.1:}; exec '${binary()}' serve --host 127.0.0.1 --port "\${port%:8000}" ;;
esac
exit 1
`;
    writeFileSync(join(directory, 'docker'), docker);
    chmodSync(join(directory, 'docker'), 0o755);
    const script = `
    const { startDynamoDB } = await import('./src/cli/dynamodb.ts');
    const { freePort } = await import('./src/cli/ports.ts');
    const database = await startDynamoDB({ port: await freePort() });
    console.log((await fetch(database.endpoint)).status);
    await database.stop();`;
    const env = { PATH: `${directory}:/bin` };
    const args = ['--input-type=module', '-e', script];
    const said = execFileSync(process.execPath, args, { cwd: directory, env }).toString();
    expect(said).toBe('200\n');
    const made = readFileSync(calls, 'utf8').trim().split('\n');
    expect(made.map((call) => call.split(' ', 1)[0])).toEqual([
      'version',
      'image',
      'image',
      'rm',
      'run',
      'rm',
    ]);
    expect(made[4]).toContain(`${AMAZON} -jar DynamoDBLocal.jar -sharedDb -inMemory`);
  },
);
