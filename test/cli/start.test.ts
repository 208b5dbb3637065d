import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { freePort } from '../../src/cli/ports.ts';
import { findRunning } from '../../src/cli/running.ts';
import { killService, startService } from '../support/service.ts';

const ROOT = resolve(import.meta.dirname, '../..');
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'registration-desk-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

/** Runs an `npm start` that is expected to fail. */
async function startInVain(env: NodeJS.ProcessEnv, root = ROOT, args: string[] = []) {
  return run('start.ts', args, env, root);
}

/** Runs a command to its end. */
async function run(command: string, args: string[], env: NodeJS.ProcessEnv = {}, root = ROOT) {
  const { DYNAMODB_ENDPOINT: _, ...inherited } = process.env;
  const child = spawn(process.execPath, [`src/cli/${command}`, ...args], {
    cwd: root,
    env: { ...inherited, DATA_DIR: join(directory, 'data'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (text) => {
    stdout += text;
  });
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  const [code] = await once(child, 'close');
  return { code, stdout, stderr };
}

const oneLine = (text: RegExp) => ({
  code: 1,
  stdout: '',
  stderr: expect.stringMatching(new RegExp(`^[^\n]*${text.source}[^\n]*\n$`)),
});

/** The process and its descendants that have not ended. A dead process that is not reaped yet has ended. */
function livingBelow(root: number): number[] {
  const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat=']).toString().trim();
  const rows = table.split('\n').map((row) => row.trim().split(/\s+/));
  const found = [root];
  for (const parent of found) {
    for (const [pid, ppid, stat] of rows) {
      if (Number(ppid) === parent && !stat?.startsWith('Z')) found.push(Number(pid));
    }
  }
  return found;
}

function isAlive(pid: number): boolean {
  try {
    return !execFileSync('ps', ['-o', 'stat=', '-p', String(pid)])
      .toString()
      .startsWith('Z');
  } catch {
    return false;
  }
}

test('a port in use is one line and exit code 1', async () => {
  const server = createServer().listen(await freePort(), '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  try {
    expect(await startInVain({ PORT: String(port) })).toEqual(oneLine(/Port \d+ is in use/));
  } finally {
    server.close();
  }
});

test('an invalid port is one line and exit code 1', async () => {
  expect(await startInVain({ PORT: '70000' })).toEqual(oneLine(/PORT is 70000/));
});

test('arguments are refused, with the settings to use instead', async () => {
  for (const args of [['--port', '3000'], ['production']]) {
    expect(await startInVain({}, ROOT, args)).toEqual(
      oneLine(/`npm start` takes no arguments. Set PORT/),
    );
  }
});

test('settings that the service would refuse are refused before anything is started', async () => {
  const PORT = String(await freePort());
  for (const [settings, told] of [
    [{ AUTH_MODE: 'key' }, /API_KEYS is missing.*`npm run key`/],
    [{ AUTH_MODE: 'nobody' }, /AUTH_MODE must be one of/],
    [{ LOCATION_HINT: 'moon' }, /LOCATION_HINT/],
  ] as const) {
    expect(await startInVain({ PORT, ...settings })).toEqual(oneLine(told));
    expect(existsSync(join(directory, 'data'))).toBe(false);
  }
});

test('an unusable data directory is one line and exit code 1', async () => {
  const PORT = String(await freePort());
  writeFileSync(join(directory, 'file'), '');
  for (const DATA_DIR of ['/proc/x/y', join(directory, 'file'), join(directory, 'file/x')]) {
    const ended = await startInVain({ PORT, DATA_DIR });
    expect(ended).toEqual(oneLine(/The data directory \S+ cannot be used/));
  }
});

test('tables that cannot be reached are one line and exit code 1', async () => {
  const nobody = `http://127.0.0.1:${await freePort()}`;
  const PORT = String(await freePort());
  const ended = await startInVain({ PORT, DYNAMODB_ENDPOINT: nobody });
  expect(ended).toEqual(oneLine(/cannot be reached: no answer from http:\/\/127/));
});

test('a missing embedded DynamoDB is one line that says what to install', async () => {
  cpSync(join(ROOT, 'src'), join(directory, 'src'), { recursive: true });
  cpSync(join(ROOT, 'wrangler.toml'), join(directory, 'wrangler.toml'));
  cpSync(join(ROOT, 'package.json'), join(directory, 'package.json'));
  mkdirSync(join(directory, 'node_modules'));
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (name === '@dynoxide') continue;
    symlinkSync(join(ROOT, 'node_modules', name), join(directory, 'node_modules', name));
  }
  const ended = await startInVain({ PORT: String(await freePort()), PATH: '/bin' }, directory);
  expect(ended).toEqual(oneLine(/There is no DynamoDB to start here: run `.*DYNAMODB_ENDPOINT/));
});

test('SIGTERM ends everything, data in use is refused, and the data is there the next time', {
  timeout: 80_000,
}, async () => {
  const first = await startService(directory);
  const everyone = livingBelow(first.pid);
  // At least start.ts, the embedded DynamoDB, wrangler twice, workerd, and the two guards.
  expect(everyone.length).toBeGreaterThanOrEqual(7);
  const PORT = String(await freePort());
  const second = await startInVain({ PORT, DATA_DIR: directory });
  expect(second).toEqual(oneLine(/is in use by another/));
  expect(await run('reset.ts', ['--yes'], { DATA_DIR: directory })).toEqual(
    oneLine(/is in use by another/),
  );
  // Commands that name no database find it; other files in the directory are not changed.
  const doctor = await run('doctor.ts', [], { DATA_DIR: directory });
  expect(doctor).toMatchObject({ stderr: '' });
  expect(doctor.stdout).toContain(`The database of \`npm start\`, ${first.dynamodb}:`);
  expect(doctor.stdout).toContain('ok     table users-table');

  const body = JSON.stringify({ userId: 'ada', name: 'Ada Lovelace' });
  const headers = { 'Content-Type': 'application/json' };
  const users = `${first.url}/registration/users`;
  expect((await fetch(users, { method: 'POST', headers, body })).status).toBe(201);

  process.kill(first.pid, 'SIGTERM');
  await expect.poll(() => everyone.filter(isAlive), { timeout: 8_000 }).toEqual([]);
  expect(existsSync(join(directory, 'running.json'))).toBe(false);

  const third = await startService(directory);
  const again = livingBelow(third.pid);
  expect((await fetch(`${third.url}/registration/users/ada`)).status).toBe(200);
  // Not even `kill -9` leaves a process behind.
  process.kill(third.pid, 'SIGKILL');
  await expect.poll(() => again.filter(isAlive), { timeout: 8_000 }).toEqual([]);
  // What a killed run wrote is ignored.
  expect(existsSync(join(directory, 'running.json'))).toBe(true);
  expect(findRunning(directory)).toBeUndefined();

  const region = { DATA_DIR: directory, AWS_REGION: 'xx-test-1' };
  expect((await run('doctor.ts', [], region)).stdout).toContain(
    'No `npm start` runs here. DynamoDB in xx-test-1:',
  );

  writeFileSync(join(directory, 'mine.txt'), '');
  const asked = await run('reset.ts', [], { DATA_DIR: directory });
  expect(asked).toEqual(oneLine(/Nobody can be asked here: say `npm run reset -- --yes`/));
  expect(existsSync(join(directory, 'dynamodb.db'))).toBe(true);
  expect(await run('reset.ts', ['--yes'], { DATA_DIR: directory })).toMatchObject({ code: 0 });
  const left = readdirSync(directory).filter((name) => !name.startsWith('lock'));
  expect(left).toEqual(['mine.txt']);
});

test('SIGTERM for npm alone ends everything that `npm start` has brought up', {
  timeout: 40_000,
}, async () => {
  const { DYNAMODB_ENDPOINT: _, ...inherited } = process.env;
  const npm = spawn('npm', ['start'], {
    cwd: ROOT,
    env: { ...inherited, PORT: String(await freePort()), DATA_DIR: directory },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  let everyone: number[] = [];
  try {
    await new Promise<void>((up, down) => {
      for (const stream of [npm.stdout, npm.stderr]) {
        stream.on('data', (text) => {
          said += text;
          if (said.includes('Ctrl-C')) up();
        });
      }
      npm.on('error', down);
      npm.on('exit', () => down(new Error(`ended early: ${said}`)));
    });
    everyone = livingBelow(npm.pid ?? 0);
    // npm and perhaps a shell, and what stands in the test above.
    expect(everyone.length).toBeGreaterThanOrEqual(8);
    npm.kill('SIGTERM');
    await expect.poll(() => everyone.filter(isAlive), { timeout: 8_000 }).toEqual([]);
  } finally {
    for (const pid of everyone.filter(isAlive)) process.kill(pid, 'SIGKILL');
    if (everyone.length === 0) npm.kill('SIGKILL');
  }
});

/** The status of a call with another host name, as from a page whose name resolves to this machine. */
function statusFor(url: string, host: string): Promise<number | undefined> {
  return new Promise((done, fail) => {
    request(`${url}/registration/events`, { headers: { Host: host } }, (answer) => {
      answer.resume();
      done(answer.statusCode);
    })
      .on('error', fail)
      .end();
  });
}

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

test('says that authentication is off, answers this machine alone, and keeps its data to its owner', {
  timeout: 40_000,
}, async () => {
  // With the modes that an earlier version left.
  const data = join(directory, 'data');
  mkdirSync(join(data, 'worker'), { recursive: true, mode: 0o755 });
  for (const name of ['dynamodb.db', 'lock']) {
    writeFileSync(join(data, name), '');
    chmodSync(join(data, name), 0o644);
  }
  const service = await startService(data);
  try {
    expect(service.said).toContain(
      'Authentication is off: anyone on this machine may make every call.',
    );
    expect(await statusFor(service.url, new URL(service.url).host)).toBe(200);
    expect(await statusFor(service.url, 'localhost:8787')).toBe(200);
    expect(await statusFor(service.url, 'evil.test')).toBe(421);
    const files = ['dynamodb.db', 'dynamodb.db-wal', 'dynamodb.db-shm'];
    for (const name of files) expect(modeOf(join(data, name)), name).toBe('600');
    expect(modeOf(join(data, 'worker'))).toBe('700');
  } finally {
    killService(service);
  }
  // A new directory.
  const made = join(directory, 'made');
  const printed = execFileSync(process.execPath, ['src/cli/create-key.ts', '--name', 'me'], {
    cwd: ROOT,
  }).toString();
  const [, keys = ''] = /AUTH_MODE=key API_KEYS='(.*)' npm start/.exec(printed) ?? [];
  const [, key = ''] = /^ {2}(rdk_\S+)$/m.exec(printed) ?? [];
  const guarded = { AUTH_MODE: 'key', API_KEYS: keys };
  const other = await startService(made, guarded);
  try {
    expect(other.said).not.toContain('Authentication is off');
    // The other commands know what it runs with, and nothing that is secret is written down.
    const doctor = await run('doctor.ts', [], { DATA_DIR: made });
    expect(doctor).toMatchObject({ code: 0, stderr: '' });
    expect(doctor.stdout).toContain('ok     authentication: by key');
    const told = readFileSync(join(made, 'running.json'), 'utf8');
    expect(JSON.parse(told)).toMatchObject({ AUTH_MODE: 'key', USERS_TABLE: 'users-table' });
    expect(told).not.toMatch(/sha256|ACCESS/);
    expect(modeOf(made)).toBe('700');
    for (const name of readdirSync(made, { recursive: true, withFileTypes: true })) {
      const path = join(name.parentPath, name.name);
      expect(modeOf(path), path).toBe(name.isDirectory() ? '700' : '600');
    }
    expect(await statusFor(other.url, 'evil.test')).toBe(421);
    // The suggested call works with the key.
    const suggested = /^ {2}(curl .*)$/m.exec(other.said)?.[1] ?? '';
    expect(suggested).toContain('KEY');
    const sh = suggested.replace('curl', 'curl -sf').replace('KEY', key);
    expect(execFileSync('bash', ['-c', sh]).toString()).toBe('{"items":[],"nextCursor":null}');
    const docs = /(http\S+\/docs)/.exec(other.said)?.[1] ?? '';
    expect((await fetch(docs)).status).toBe(200);
  } finally {
    killService(other);
  }
});
