import { describe, expect, test } from 'vitest';
import { fromAttributes, toAttributes } from '../../src/store/tables.ts';

describe('an item as DynamoDB has it', () => {
  const item = { text: 'Zoë', empty: '', number: 2, zero: 0, yes: true, no: false, nothing: null };

  test('comes back as it was', () => {
    expect(fromAttributes(toAttributes(item))).toEqual(item);
    expect(toAttributes({ text: 'a', number: 2, nothing: null })).toEqual({
      text: { S: 'a' },
      number: { N: '2' },
      nothing: { NULL: true },
    });
  });

  test("lacks undefined attributes, and can't have nested values", () => {
    expect(toAttributes({ gone: undefined })).toEqual({});
    expect(() => toAttributes({ nested: {} })).toThrow('nested');
  });
});
