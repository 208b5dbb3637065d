import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  type KeySchemaElement,
  ResourceInUseException,
  ResourceNotFoundException,
  type TableDescription,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import type { TableNames } from '../config.ts';
import { type KeyAttribute, TABLE_SCHEMAS, type TableSchema } from '../store/tables.ts';
import { CALL_TIMEOUT_MS } from './client.ts';
import { CliError } from './terminal.ts';

const ACTIVE_TIMEOUT_MS = 180_000;
const POLL_MS = 500;

type Key = Pick<TableSchema['indexes'][number], 'hash' | 'range'>;

/** Existing tables differ from the schema; one line for each difference. */
export class TablesDifferError extends CliError {
  readonly differences: string[];

  constructor(differences: string[]) {
    super(['The tables are not as the service needs them:', ...differences].join('\n  '));
    this.differences = differences;
  }
}

/**
 * Creates the tables that are missing, and waits until all four can be used. Creates nothing when an existing
 * table differs from its schema.
 *
 * @returns the names of the tables that were created, and of those that existed.
 * @throws TablesDifferError listing every difference.
 */
export async function ensureTables(
  client: DynamoDBClient,
  names: TableNames,
): Promise<{ created: string[]; existing: string[] }> {
  const wanted = Object.entries(TABLE_SCHEMAS).map(([key, schema]) => {
    return { name: names[key as keyof TableNames], schema };
  });
  const found = await Promise.all(wanted.map(({ name }) => describeTable(client, name)));
  refuseDifferences(wanted.map(({ name, schema }, i) => compareTable(name, schema, found[i])));

  const created: string[] = [];
  const existing: string[] = [];
  // One after the other: DynamoDB lets only one table with indexes be in creation at a time.
  for (const [i, { name, schema }] of wanted.entries()) {
    const isNew = found[i] === undefined && (await createTable(client, name, schema));
    (isNew ? created : existing).push(name);
    refuseDifferences([compareTable(name, schema, await waitUntilActive(client, name))]);
    if (schema.ttl) await enableTtl(client, name, schema.ttl);
  }
  return { created, existing };
}

/** Lets DynamoDB delete expired items. The service itself ignores them anyway. */
async function enableTtl(client: DynamoDBClient, name: string, attribute: string): Promise<void> {
  const options = { abortSignal: AbortSignal.timeout(CALL_TIMEOUT_MS) };
  const command = new DescribeTimeToLiveCommand({ TableName: name });
  const { TimeToLiveDescription: ttl } = await client.send(command, options);
  const isOn = ttl?.TimeToLiveStatus === 'ENABLED' || ttl?.TimeToLiveStatus === 'ENABLING';
  if (isOn && ttl.AttributeName === attribute) return;
  if (isOn) {
    const difference = `${name}: items expire by ${ttl.AttributeName}, not ${attribute}`;
    throw new TablesDifferError([difference]);
  }
  const specification = { AttributeName: attribute, Enabled: true };
  await client.send(
    new UpdateTimeToLiveCommand({ TableName: name, TimeToLiveSpecification: specification }),
    options,
  );
}

/** @returns undefined when there is no such table */
export async function describeTable(
  client: DynamoDBClient,
  name: string,
): Promise<TableDescription | undefined> {
  try {
    const abortSignal = AbortSignal.timeout(CALL_TIMEOUT_MS);
    const command = new DescribeTableCommand({ TableName: name });
    return (await client.send(command, { abortSignal })).Table;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
}

/** Creates a table. Returns false if it exists: somebody else may have created it a moment ago. */
async function createTable(
  client: DynamoDBClient,
  name: string,
  schema: TableSchema,
): Promise<boolean> {
  const keys: Key[] = [schema, ...schema.indexes];
  const types = new Map(keys.flatMap(attributesOf).map((a) => [a.name, a.type]));
  const indexes = schema.indexes.map((index) => ({
    IndexName: index.name,
    KeySchema: toKeySchema(index),
    Projection: { ProjectionType: 'ALL' as const },
  }));
  const command = new CreateTableCommand({
    TableName: name,
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: toKeySchema(schema),
    AttributeDefinitions: [...types].map(([AttributeName, AttributeType]) => {
      return { AttributeName, AttributeType };
    }),
    ...(indexes.length > 0 ? { GlobalSecondaryIndexes: indexes } : {}),
  });
  try {
    await client.send(command, { abortSignal: AbortSignal.timeout(CALL_TIMEOUT_MS) });
    return true;
  } catch (error) {
    if (error instanceof ResourceInUseException) return false;
    throw error;
  }
}

async function waitUntilActive(client: DynamoDBClient, name: string): Promise<TableDescription> {
  const deadline = Date.now() + ACTIVE_TIMEOUT_MS;
  for (;;) {
    const table = await describeTable(client, name);
    if (table && isReady(table)) return table;
    if (Date.now() > deadline) {
      const status = table?.TableStatus ?? 'missing';
      throw new CliError(`${name} is ${status} after ${ACTIVE_TIMEOUT_MS / 1_000} s of waiting.`);
    }
    await sleep(POLL_MS);
  }
}

/** Whether a table and its indexes serve calls. They also do while their status is UPDATING. */
function isReady({ TableStatus, GlobalSecondaryIndexes = [] }: TableDescription): boolean {
  const serves = (status: string | undefined) => status === 'ACTIVE' || status === 'UPDATING';
  return serves(TableStatus) && GlobalSecondaryIndexes.every((i) => serves(i.IndexStatus));
}

/**
 * The differences between a table and its schema. Additional indexes and the billing mode are not compared: the
 * service does not depend on them.
 */
export function compareTable(
  name: string,
  schema: TableSchema,
  table: TableDescription | undefined,
): string[] {
  if (!table) return [];
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
    if (!actual) {
      differences.push(`${name}: the index ${index.name} is missing`);
      continue;
    }
    compareKey(`the index ${index.name}`, index, actual.KeySchema);
    const projection = actual.Projection?.ProjectionType;
    if (projection !== 'ALL') {
      differences.push(`${name}: the index ${index.name} projects ${projection}, not ALL`);
    }
  }
  return differences;
}

function refuseDifferences(differences: string[][]): void {
  if (differences.flat().length > 0) throw new TablesDifferError(differences.flat());
}

function attributesOf({ hash, range }: Key): KeyAttribute[] {
  return range ? [hash, range] : [hash];
}

function toKeySchema({ hash, range }: Key): KeySchemaElement[] {
  const element = { AttributeName: hash.name, KeyType: 'HASH' as const };
  return range ? [element, { AttributeName: range.name, KeyType: 'RANGE' }] : [element];
}
