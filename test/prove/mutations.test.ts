import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { MUTATIONS } from './mutations.ts';

const SOURCE = resolve(import.meta.dirname, '../../src');

test.for(MUTATIONS)('the mutation "$name" finds its place in the source', ({ replacements }) => {
  for (const { file, from, to } of replacements) {
    expect(to).not.toBe(from);
    expect(readFileSync(resolve(SOURCE, file), 'utf8').split(from).length - 1).toBe(1);
  }
});
