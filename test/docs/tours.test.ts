import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { killService, type Service, startService } from '../support/service.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const directories: string[] = [];
const services: Service[] = [];

afterAll(() => {
  for (const service of services) killService(service);
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

/** A section of a page, by its heading. */
const section = (page: string, heading: string) =>
  read(page)
    .split(/^## /m)
    .find((each) => each.startsWith(heading)) ?? '';

/** The tours: text with calls in blocks of `sh`, and their answers in blocks of `json`. */
const TOURS = {
  'the six calls of the README': () => section('README.md', 'Six calls'),
  'the full tour': () => read('docs/tour.md'),
};

const blocks = (text: string, kind: string) =>
  [...text.matchAll(new RegExp(`\`\`\`${kind}\\n(.*?)\`\`\``, 'gs'))].map(
    ([, block = '']) => block,
  );

/** Removes what differs from run to run. */
const withoutChance = (text: string) =>
  text
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>')
    .replace(/"actor":[^[]*\[[^\]]*\]/g, '<actor>')
    .replace(/"chain":"[0-9a-f]{64}"/g, '<chain>')
    .replace(/"receipt":"\d+\.[0-9a-f]{64}"/g, '<receipt>')
    // The pages have bare line feeds and no byte order mark.
    .replace(/\r\n/g, '\n')
    .replaceAll('\uFEFF', '')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .trim();

/** Pastes a tour into a shell, against a service with these settings, and compares. */
async function takeTour(
  tour: string,
  settings: Record<string, string>,
  before: string,
): Promise<void> {
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

/** Makes a key as the page about access says: the settings for the service, and the variable for the shell. */
function makeKey(): { settings: Record<string, string>; before: string } {
  const [make = '', call = ''] = blocks(section('docs/access.md', 'Try it here'), 'sh');
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
  return {
    settings: { AUTH_MODE: 'key', API_KEYS: `[${entry}]` },
    before: call.replace('rdk_KEY', key),
  };
}

describe.each(Object.entries(TOURS))('%s', (_, tour) => {
  test('pasted, gives the answers that the page shows', { timeout: 60_000 }, () =>
    takeTour(tour(), {}, ''),
  );

  test('gives the same answers with a key', { timeout: 60_000 }, () => {
    const { settings, before } = makeKey();
    return takeTour(tour(), settings, before);
  });
});
