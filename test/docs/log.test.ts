import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { canonicalJson, withoutUser } from '../../src/event/log.ts';
import type { SeenEntry } from '../../src/event/seen-log.ts';
import { logSchema } from '../../src/http/log-answers.ts';
import { faultOf } from '../support/logs.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/log.md'), 'utf8');

/** The code blocks of a language. */
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'))].map(
    ([, text = '']) => text,
  );

const [json = ''] = blocks('json');
const items: SeenEntry[] = JSON.parse(json).items;

describe('the page about the log', () => {
  test('shows a log that the API could answer, and that holds', async () => {
    expect(logSchema.safeParse(JSON.parse(json)).error).toBeUndefined();
    expect(await faultOf(items)).toBeNull();
  });

  test('shows the text that is hashed, and how a shell does it', () => {
    const script = blocks('sh').find((block) => block.includes('sha256sum')) ?? '';
    const [first, second] = items as [SeenEntry, SeenEntry];
    const { version, at, changes } = second;
    const text = canonicalJson({ version, at, changes: changes.map(withoutUser) });
    expect(script).toContain(`before=${first.chain}\nentry='${text}'\n`);
    expect(execFileSync('bash', ['-c', script]).toString()).toContain(second.chain);
  });

  test('shows a program that checks the chain', () => {
    const directory = mkdtempSync(join(tmpdir(), 'registration-desk-'));
    try {
      const file = join(directory, 'check.mjs');
      writeFileSync(file, blocks('js')[0] ?? '');
      const check = (input: string) => execFileSync(process.execPath, [file], { input }).toString();
      expect(check(json)).toBe('1 true\n2 true\n4 true\n');
      expect(check(json.replace('"position":1', '"position":2'))).toBe(
        '1 true\n2 false\n4 false\n',
      );
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test('names every type of change, and what it has beside a user', () => {
    const told = [...page.matchAll(/^\| `([a-z.]+)` \| (.*?) \|/gm)]
      .filter(([, type = '']) => type.includes('.'))
      .map(([, type, fields = '']): [string, string[]] => [
        type ?? '',
        [...fields.matchAll(/`(\w+)`/g)].map(([, field = '']) => field),
      ]);
    const { options } = logSchema.shape.items.element.shape.changes.element;
    const known = options.flatMap(({ shape }) => {
      const { type, ...fields } = shape;
      const types = 'options' in type ? type.options : [...type.values];
      const names = Object.keys(fields).filter((name) => name !== 'userId');
      return types.map((each): [string, string[]] => [each, names]);
    });
    const sorted = (rows: [string, string[]][]) =>
      rows.map(([type, fields]) => [type, fields.toSorted()]).toSorted();
    expect(sorted(told)).toEqual(sorted(known));
  });
});
