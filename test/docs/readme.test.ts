import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { PRIVILEGED_FIELDS } from '../../src/http/privileged-fields.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const readme = read('README.md');
const PAGES = ['README.md', 'SECURITY.md', 'docs/runbook.md', 'docs/dashboard.md'];

/** A heading as a link names it. */
const toAnchor = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

test.each(PAGES)('every link of %s to a page of ours leads somewhere', (page) => {
  for (const [, path = '', anchor] of read(page).matchAll(
    /\]\((?!https?:)([^)#\s]*)(?:#([^)]+))?\)/g,
  )) {
    const target = path === '' ? page : join(dirname(page), path);
    const headings = [...read(target).matchAll(/^#+ (.+)$/gm)].map(([, each = '']) =>
      toAnchor(each),
    );
    if (anchor !== undefined) expect(headings, `${target}#${anchor}`).toContain(anchor);
  }
});

test('the runbook has an answer to each of its alarms', () => {
  const runbook = read('docs/runbook.md');
  const alarms = [...runbook.matchAll(/^\| \[.+?\]\(#(.+?)\)/gm)].map(([, anchor]) => anchor);
  const answers = [...runbook.matchAll(/^### (.+)\n\n\*Means:\*(?:.|\n)+?\n\*Do:\*/gm)];
  expect(answers.map(([, heading = '']) => toAnchor(heading))).toEqual(alarms);
});

test('the README names the fields that could be taken for a privilege', () => {
  const told = /^- \*\*Unknown fields\*\*.*?\.\n- /ms.exec(readme)?.[0] ?? '';
  expect([...told.matchAll(/`(\w+)`/g)].map(([, name]) => name)).toEqual(PRIVILEGED_FIELDS);
});
