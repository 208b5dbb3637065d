import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PRIVILEGED_FIELDS } from '../../src/http/privileged-fields.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const PAGES = [
  ...globSync('*.md', { cwd: ROOT }),
  ...globSync('docs/**/*.md', { cwd: ROOT }),
].sort();

/** The most words of the README, as `wc -w` counts them: a screen and a half. */
const README_MAX_WORDS = 1_500;

/** A heading as a link names it. */
const toAnchor = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/\]\(.*?\)/g, '')
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

/** Text without its blocks of code, in which nothing is a link or a heading. */
const withoutCode = (text: string) => text.replace(/^```.*?^```$/gms, '');

const anchorsOf = (path: string) =>
  [...withoutCode(read(path)).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => toAnchor(heading));

/** What is wrong with the relative links of a page. */
function brokenLinks(page: string): string[] {
  return [
    ...withoutCode(read(page)).matchAll(/\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)]+))?\)/g),
  ].flatMap(([link, path = '', anchor]) => {
    const target = path === '' ? page : normalize(join(dirname(page), path));
    const isThere = !target.startsWith('..') && existsSync(join(ROOT, target));
    const isFound =
      anchor === undefined ||
      (isThere && statSync(join(ROOT, target)).isFile() && anchorsOf(target).includes(anchor));
    return isThere && isFound ? [] : [link];
  });
}

/** Files of ours that a page names and that are not there. */
const missingFiles = (page: string) =>
  [...withoutCode(read(page)).matchAll(/`((?:src|test|infra|docs)\/[\w./-]+)`/g)]
    .map(([, path = '']) => path)
    .filter((path) => !existsSync(join(ROOT, path)));

describe.each(PAGES)('%s', (page) => {
  test('has no relative link that leads nowhere', () => {
    expect(brokenLinks(page)).toEqual([]);
  });

  // What stood where in earlier versions is the changelog's to tell.
  if (page !== 'CHANGELOG.md') {
    test('names no file that is not there', () => {
      expect(missingFiles(page)).toEqual([]);
    });
  }
});

test('every page of docs/ can be reached from the README', () => {
  const reached = new Set(['README.md']);
  for (const page of reached) {
    for (const [, path = ''] of withoutCode(read(page)).matchAll(
      /\]\((?!https?:)([^)#\s]+\.md)/g,
    )) {
      const target = normalize(join(dirname(page), path));
      if (existsSync(join(ROOT, target))) reached.add(target);
    }
  }
  expect([...reached]).toEqual(
    expect.arrayContaining(PAGES.filter((page) => page.startsWith('docs/'))),
  );
});

test('the README is a screen and a half', () => {
  expect(read('README.md').split(/\s+/).filter(Boolean).length).toBeLessThanOrEqual(
    README_MAX_WORDS,
  );
});

test('the runbook has an answer to each of its alarms', () => {
  const runbook = read('docs/runbook.md');
  const alarms = [...runbook.matchAll(/^\| \[.+?\]\(#(.+?)\)/gm)].map(([, anchor]) => anchor);
  const answers = [...runbook.matchAll(/^### (.+)\n\n\*Means:\*(?:.|\n)+?\n\*Do:\*/gm)];
  expect(answers.map(([, heading = '']) => toAnchor(heading))).toEqual(alarms);
});

test('the API names the fields that could be taken for a privilege', () => {
  const told = /<!-- privileged:.*-->\n([\s\S]*?)\n<!-- \/privileged -->/.exec(
    read('docs/api.md'),
  )?.[1];
  expect([...(told ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => name)).toEqual(PRIVILEGED_FIELDS);
});

test('the page about configuration names every variable, secret and binding of the worker', () => {
  const told = new Set(
    [...read('docs/configuration.md').matchAll(/`([A-Z][A-Z_]+)`/g)].map(([, name]) => name),
  );
  const bound = [...read('src/env.d.ts').matchAll(/^ +([A-Z][A-Z_]+)\??:/gm)].map(
    ([, name]) => name,
  );
  expect(bound).toContain('AUTH_MODE');
  expect(bound.filter((name) => !told.has(name))).toEqual([]);
});
