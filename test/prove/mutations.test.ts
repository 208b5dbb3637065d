import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from './build.ts';
import { MUTATIONS } from './mutations.ts';

/** The campaign takes long, so that a defect which has lost its place in the source is told here. */
test.each(MUTATIONS)('$name: its place in the source is there once', ({ replacements }) => {
  for (const { file, from } of replacements) {
    const source = readFileSync(join(ROOT, 'src', file), 'utf8');
    expect(source.split(from), `src/${file}: ${from}`).toHaveLength(2);
  }
});
