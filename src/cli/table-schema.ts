import type { KeySchemaElement, TableDescription } from '@aws-sdk/client-dynamodb';
import type { IndexSchema, KeyAttribute, TableSchema } from '../store/tables.ts';

/** The key of a table or of an index. */
export type Key = Pick<IndexSchema, 'hash' | 'range'>;

/** The indexes of the schema that the table lacks: `npm run tables` adds them. */
export function missingIndexes({ indexes }: TableSchema, table: TableDescription): IndexSchema[] {
  const there = new Set(table.GlobalSecondaryIndexes?.map(({ IndexName }) => IndexName));
  return indexes.filter(({ name }) => !there.has(name));
}

/**
 * The differences between a table and its schema, missing indexes included. Additional indexes and the billing
 * mode are not compared: the service does not depend on them.
 */
export function compareTable(
  name: string,
  schema: TableSchema,
  table: TableDescription | undefined,
): string[] {
  if (!table) return [];
  const missing = missingIndexes(schema, table).map((index) => tellMissing(name, index));
  return [...compareKeys(name, schema, table), ...missing];
}

const tellMissing = (table: string, { name }: IndexSchema) =>
  `${table}: the index ${name} is missing: npm run tables adds it`;

/** The same without the indexes that are missing: the differences that no added index can mend. */
export function compareKeys(name: string, schema: TableSchema, table: TableDescription): string[] {
  const differences: string[] = [];
  const types = new Map(table.AttributeDefinitions?.map((a) => [a.AttributeName, a.AttributeType]));
  const compareKey = (what: string, key: Key, actual: KeySchemaElement[] | undefined) => {
    const want = attributesOf(key).map((a) => `${a.name} ${a.type}`);
    const have = ['HASH', 'RANGE'].flatMap((kind) => {
      const attribute = actual?.find((element) => element.KeyType === kind)?.AttributeName;
      return attribute === undefined ? [] : `${attribute} ${types.get(attribute)}`;
    });
    if (have.join(', ') === want.join(', ')) return;
    differences.push(`${name}: ${what} is keyed by ${have.join(', ')}, not ${want.join(', ')}`);
  };

  compareKey('the table', schema, table.KeySchema);
  for (const index of schema.indexes) {
    const actual = table.GlobalSecondaryIndexes?.find((i) => i.IndexName === index.name);
    if (!actual) continue;
    compareKey(`the index ${index.name}`, index, actual.KeySchema);
    const projection = actual.Projection?.ProjectionType;
    if (projection !== 'ALL') {
      differences.push(`${name}: the index ${index.name} projects ${projection}, not ALL`);
    }
  }
  return differences;
}

/** The attributes of a key. */
export function attributesOf({ hash, range }: Key): KeyAttribute[] {
  return range ? [hash, range] : [hash];
}

/** A key as DynamoDB has it. */
export function toKeySchema({ hash, range }: Key): KeySchemaElement[] {
  const element = { AttributeName: hash.name, KeyType: 'HASH' as const };
  return range ? [element, { AttributeName: range.name, KeyType: 'RANGE' }] : [element];
}
