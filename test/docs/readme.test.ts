import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PRIVILEGED_FIELDS } from '../../src/privileged-fields.ts';

const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');

test('the README names the fields that could be taken for a privilege', () => {
  const told = /^- \*\*Unknown fields\*\*.*?\.\n- /ms.exec(readme)?.[0] ?? '';
  expect([...told.matchAll(/`(\w+)`/g)].map(([, name]) => name)).toEqual(PRIVILEGED_FIELDS);
});
