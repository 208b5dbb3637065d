import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DynamoDBClient, GetItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, expect, test } from 'vitest';
import { freePort } from '../../src/cli/ports.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const directory = mkdtempSync(join(tmpdir(), 'registration-desk-'));
let running: Running | undefined;

interface Running {
  pid: number;
  url: string;
  dynamodb: string;
}

/** `npm start`, until it says that it listens. */
async function start(): Promise<Running> {
  const port = await freePort();
  const { DYNAMODB_ENDPOINT: _, ...env } = process.env;
  const child = spawn(process.execPath, ['src/cli/start.ts'], {
    cwd: ROOT,
    env: { ...env, PORT: String(port), DATA_DIR: directory },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (text) => {
    said += text;
  });
  await new Promise<void>((up, down) => {
    child.stdout.on('data', (text) => {
      said += text;
      if (said.includes('Ctrl-C')) up();
    });
    child.on('exit', () => down(new Error(`ended early: ${said}`)));
  });
  const dynamodb = /served at (\S+)/.exec(said)?.[1] ?? '';
  return { pid: child.pid ?? 0, url: `http://127.0.0.1:${port}`, dynamodb };
}

/** The process and all below it, gone at once, without a chance to finish anything. */
function killAll(root: number): void {
  const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid=']).toString().trim().split('\n');
  const children = new Map<number, number[]>();
  for (const row of rows) {
    const [pid = 0, parent = 0] = row.trim().split(/\s+/).map(Number);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const all = [root];
  for (const pid of all) all.push(...(children.get(pid) ?? []));
  execFileSync('kill', ['-9', ...all.map(String)]);
}

const post = (path: string, body: object) =>
  fetch(`${running?.url}/registration/${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });

afterAll(() => {
  if (running) killAll(running.pid);
  rmSync(directory, { recursive: true, force: true });
});

test('after kill -9 of everything under load, every acknowledged registration is there', {
  timeout: 60_000,
}, async () => {
  const eventId = 'gala';
  running = await start();
  expect(
    (await post('events', { eventId, name: 'Gala', capacity: 50, hasWaitlist: true })).status,
  ).toBe(201);

  const acknowledged: string[] = [];
  const load = Array.from({ length: 16 }, async (_, client) => {
    for (let i = 0; ; i++) {
      const userId = `u${client}-${i}`;
      await post('users', { userId, name: userId });
      if ((await post('registrations', { userId, eventId })).status === 201)
        acknowledged.push(userId);
    }
  });
  const cut = Promise.allSettled(load);
  while (acknowledged.length < 150) await new Promise((resolve) => setTimeout(resolve, 20));
  killAll(running.pid);
  await cut;

  running = await start();
  const capacity = await fetch(`${running.url}/registration/events/${eventId}/capacity`);
  expect(await capacity.json()).toEqual({ eventId, totalCapacity: 50, availableCapacity: 0 });

  const client = new DynamoDBClient({
    region: 'eu-central-1',
    endpoint: running.dynamodb,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const usersIn = async (TableName: string) => {
    const { Items = [] } = await client.send(new ScanCommand({ TableName, ConsistentRead: true }));
    return Items.map(({ userId }) => userId?.S ?? '');
  };
  const registered = await usersIn('registrations-table');
  const waiting = await usersIn('waitlist-table');
  const { Item } = await client.send(
    new GetItemCommand({
      TableName: 'registration-events-table',
      Key: { eventId: { S: eventId } },
    }),
  );
  expect(Number(Item?.registeredCount?.N)).toBe(registered.length);
  expect(Number(Item?.waitlistCount?.N)).toBe(waiting.length);
  expect(registered.length).toBe(50);
  const present = new Set([...registered, ...waiting]);
  expect(present.size).toBe(registered.length + waiting.length);
  expect(acknowledged.filter((userId) => !present.has(userId))).toEqual([]);
});
