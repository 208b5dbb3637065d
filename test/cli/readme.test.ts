import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { killService, type Service, startService } from '../support/service.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
const directories: string[] = [];
const services: Service[] = [];

afterAll(() => {
  for (const service of services) killService(service);
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

/** A section of the README, by its heading. */
const section = (heading: string) =>
  readme.split(/^## /m).find((each) => each.startsWith(heading)) ?? '';

const blocks = (text: string, kind: string) =>
  [...text.matchAll(new RegExp(`\`\`\`${kind}\\n(.*?)\`\`\``, 'gs'))].map(
    ([, block = '']) => block,
  );

/** Takes out what differs from run to run. */
const withoutChance = (text: string) =>
  text
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>')
    // The README is text with bare line feeds and no mark.
    .replace(/\r\n/g, '\n')
    .replaceAll('\uFEFF', '')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .trim();

/** Pastes the tour into a shell, against a service with these settings, and compares. */
async function takeTour(settings: Record<string, string>, before: string): Promise<void> {
  const tour = section('A tour');
  const script = blocks(tour, 'sh').join('\n');
  expect(script).toContain('http://localhost:8787');
  const directory = mkdtempSync(join(tmpdir(), 'registration-desk-'));
  directories.push(directory);
  const service = await startService(directory, settings);
  services.push(service);
  const pasted = before + script.replace('http://localhost:8787', service.url);
  const answered = execFileSync('bash', ['-c', pasted]).toString();
  expect(withoutChance(answered)).toBe(withoutChance(blocks(tour, 'json').join('')));
}

test('the tour of the README, pasted, answers what the README shows', { timeout: 60_000 }, () =>
  takeTour({}, ''),
);

test('the tour answers the same to whoever calls with a key, as the README says to try it', {
  timeout: 60_000,
}, async () => {
  const [make = '', call = ''] = blocks(section('Who may call'), 'sh');
  const command = /^npm run key -- (.*)$/m.exec(make)?.[1]?.split(' ') ?? [];
  const said = execFileSync(process.execPath, ['src/cli/create-key.ts', ...command], {
    cwd: ROOT,
  }).toString();
  const [key = '', entry = ''] = said
    .split('\n')
    .flatMap((line) => /^ {2}(.+)$/.exec(line)?.[1] ?? []);
  const start = /^AUTH_MODE=(\w+) API_KEYS='\[ENTRY\]' npm start$/m.exec(make);
  expect(start?.[1]).toBe('key');
  expect(call).toContain('rdk_KEY');
  await takeTour({ AUTH_MODE: 'key', API_KEYS: `[${entry}]` }, call.replace('rdk_KEY', key));
});
