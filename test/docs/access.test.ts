import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ACCESS, ROLES } from '../../src/auth/access.ts';

const WORDS = { any: 'yes', self: 'for themselves', no: 'no' };

test('the page about access has the same rights for each route as the code', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/access.md'), 'utf8');
  const told = /<!-- access:.*-->\n([\s\S]*?)\n<!-- \/access -->/.exec(page)?.[1];
  const rows = Object.entries(ACCESS).map(([route, rule]) => {
    const cells = ROLES.map((role) => (rule === 'public' ? 'everybody' : WORDS[rule[role]]));
    return `| \`${route}\` | ${cells.join(' | ')} |`;
  });
  expect(told).toBe(
    ['| call | attendee | organiser | service |', '|---|---|---|---|', ...rows].join('\n'),
  );
});
