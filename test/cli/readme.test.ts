import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { killService, type Service, startService } from '../support/service.ts';

const directory = mkdtempSync(join(tmpdir(), 'registration-desk-'));
let service: Service | undefined;

afterAll(() => {
  if (service) killService(service);
  rmSync(directory, { recursive: true, force: true });
});

/** Takes out what differs from run to run. */
const withoutChance = (text: string) =>
  text
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>')
    // The README is text with bare line feeds and no mark.
    .replace(/\r\n/g, '\n')
    .replaceAll('\uFEFF', '')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .trim();

test('the tour of the README, pasted, answers what the README shows', {
  timeout: 60_000,
}, async () => {
  const readme = readFileSync(resolve(import.meta.dirname, '../../README.md'), 'utf8');
  const tour = readme.split(/^## /m).find((section) => section.startsWith('A tour')) ?? '';
  const blocks = (kind: string) =>
    [...tour.matchAll(new RegExp(`\`\`\`${kind}\\n(.*?)\`\`\``, 'gs'))].map(([, text]) => text);
  const script = blocks('sh').join('\n');
  const shown = blocks('json').join('');
  expect(script).toContain('http://localhost:8787');
  service = await startService(directory);
  const pasted = script.replace('http://localhost:8787', service.url);
  const answered = execFileSync('bash', ['-c', pasted]).toString();
  expect(withoutChance(answered)).toBe(withoutChance(shown));
});
