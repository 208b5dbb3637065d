import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { freePort } from '../../src/cli/ports.ts';
import { readConfig } from '../../src/config.ts';
import type { LogChange } from '../../src/event/log.ts';
import {
  isMessageType,
  MESSAGE_TYPES,
  messagesOf,
  reminderMessage,
} from '../../src/event/messages.ts';
import { pointerAt } from '../../src/event/outbox.ts';
import { deliver } from '../../src/outbox/deliver.ts';
import { ENDPOINT, entryOf, REMINDER, World } from '../outbox/world.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const page = readFileSync(join(ROOT, 'docs/webhooks.md'), 'utf8');
const section = (heading: string) =>
  page.split(/^##+ /m).find((each) => each.startsWith(heading)) ?? '';
const blocks = (text: string, kind: string) =>
  [...text.matchAll(new RegExp(`\`\`\`${kind}\\n(.*?)\`\`\``, 'gs'))].map(
    ([, block = '']) => block,
  );

const directory = mkdtempSync(join(tmpdir(), 'registration-desk-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** A message of a type, as the product makes it. */
function shownMessage(type: string) {
  if (type === 'offer.expiring') return reminderMessage('recital', REMINDER);
  const entry = entryOf(1, [
    type === 'user.erased' ? 'waitlist.left' : (type as LogChange['type']),
  ]);
  if (type !== 'user.erased') return messagesOf('recital', entry)[0];
  const changes = entry.changes.map((change) => ({ ...change, erased: true }) as LogChange);
  return messagesOf('recital', { ...entry, changes })[1];
}

test('the page shows each type of message, with the fields that it has', () => {
  const marked = /<!-- messages:.*?-->(.*?)<!-- \/messages -->/s.exec(page)?.[1] ?? '';
  const shown = blocks(marked, 'json')
    .flatMap((block) => block.trim().split('\n'))
    .map((line) => JSON.parse(line));
  expect(shown.map(({ type }) => type).sort()).toEqual([...MESSAGE_TYPES].sort());
  for (const { type, timestamp, data, ...rest } of shown) {
    const message = shownMessage(type);
    expect(Object.keys(data).sort(), type).toEqual(Object.keys(message?.data ?? {}).sort());
    if (data.settings) {
      const { settings = {} } = (message?.data ?? {}) as { settings?: object };
      expect(Object.keys(data.settings).sort()).toEqual(Object.keys(settings).sort());
    }
    expect(new Date(timestamp).toISOString()).toBe(timestamp);
    expect(rest).toEqual({});
  }
});

test('the endpoints that the page shows can be configured, and all groups are named', () => {
  const config = (WEBHOOKS: string, ENVIRONMENT: string) =>
    readConfig({
      ...{ AWS_REGION: 'eu-central-1', AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' },
      ...{ ENVIRONMENT, AUTH_MODE: 'none', ALLOW_UNAUTHENTICATED: 'yes', WEBHOOKS },
    }).webhooks;
  const [shown = ''] = blocks(section('Running it'), 'json');
  expect(config(shown, 'production')).toMatchObject([{ name: 'crm' }]);
  const [make = '', start = ''] = blocks(section('A receiver'), 'sh');
  const secret = execFileSync('bash', ['-c', make]).toString().trim();
  const local = /WEBHOOKS='(.*)' npm start/.exec(start)?.[1] ?? '';
  expect(config(local.replace('SECRET', secret), 'development')).toEqual([
    { name: 'me', url: 'http://127.0.0.1:9000', secrets: [secret], types: null },
  ]);
  const groups = new Set([...page.matchAll(/`(\w+\.\*)`/g)].map(([, group = '']) => group));
  expect([...groups].filter((group) => !isMessageType(group))).toEqual([]);
  const needed = MESSAGE_TYPES.map((type) => `${type.split('.')[0]}.*`);
  for (const group of needed) expect(groups).toContain(group);
});

test('the receiver, pasted, takes what is signed, once, and nothing else', async () => {
  const [code = ''] = blocks(section('A receiver'), 'js');
  const file = join(directory, 'receiver.mjs');
  writeFileSync(file, code);
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  const port = await freePort();
  const [WEBHOOK_SECRET = ''] = ENDPOINT.secrets;
  const receiver = spawn(process.execPath, [file], {
    env: { PATH: process.env.PATH, PORT: String(port), WEBHOOK_SECRET },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  createInterface({ input: receiver.stdout }).on('line', (line) => lines.push(line));
  try {
    const url = `http://127.0.0.1:${port}/desk`;
    const tryIt = () => fetch(url, { method: 'POST', body: '{}' }).then(({ status }) => status);
    await expect.poll(() => tryIt().catch(() => 0), { timeout: 10_000 }).toBe(400);

    const world = new World([
      entryOf(1, ['event.created']),
      entryOf(5, ['registration.cancelled', 'registration.promoted']),
    ]);
    const job = { eventId: 'recital', pointer: pointerAt('crm', 0), head: 5 };
    const ports = { ...world.ports, fetch, now: Date.now };
    const to = (secrets: string[]) => deliver(job, { ...ENDPOINT, url, secrets }, ports);
    expect(await to([WEBHOOK_SECRET])).toMatchObject({ delivered: 3, failed: 0 });
    // What came already is taken, and nothing is done; so it is while a secret is rotated.
    const other = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
    expect(await to([other, WEBHOOK_SECRET])).toMatchObject({ delivered: 3, failed: 0 });
    const forged = await to([other]);
    expect(forged).toMatchObject({ delivered: 0, pointer: { lastError: 'HTTP 400' } });
    await sleep(100);
    expect(lines.toSorted()).toEqual([
      'recital 1.0 event.created ',
      'recital 5.0 registration.cancelled user of 5.0',
      'recital 5.1 registration.promoted user of 5.1',
    ]);
  } finally {
    receiver.kill();
  }
});
