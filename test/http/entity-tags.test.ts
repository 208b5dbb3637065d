import { expect, test } from 'vitest';
import { hasTag, readIfMatch } from '../../src/http/entity-tags.ts';

test.for([
  ['"1"', [1]],
  [' "1" ,\t"2" , ,', [1, 2]],
  ['W/"1", "2"', [2]],
  ['"a,b", "3"', [3]],
  ['"1" "2"', []],
  ['"1', []],
  ['', []],
  ['*', null],
] as const)('%s names these revisions', ([header, revisions]) => {
  expect(readIfMatch(header)).toEqual(revisions);
});

test.each([' ', '\t', ',', ' ,', '"', '""', '"",', 'W/', 'W/"a" ', 'a'])(
  'a long header of %j takes no time',
  (part) => {
    const header = `"1",${part.repeat(100_000)}`.slice(0, 100_000);
    const before = performance.now();
    for (const text of [header, `${header}x`, `${header}"`]) {
      readIfMatch(text);
      hasTag(text, '"2"');
    }
    expect(performance.now() - before).toBeLessThan(2_000);
  },
);
