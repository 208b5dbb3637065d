import {
  CreateTableCommand,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  ResourceInUseException,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import type { TableNames } from '../config.ts';
import { TABLE_SCHEMAS, type TableSchema } from '../store/tables.ts';
import { CALL_TIMEOUT_MS } from './client.ts';
import { addMissingIndexes } from './table-indexes.ts';
import { attributesOf, compareKeys, compareTable, type Key, toKeySchema } from './table-schema.ts';
import { describeTable, waitUntilActive } from './table-status.ts';
import { CliError } from './terminal.ts';

/** Existing tables differ from the schema; one line for each difference. */
export class TablesDifferError extends CliError {
  readonly differences: string[];

  constructor(differences: string[]) {
    super(['The tables are not as the service needs them:', ...differences].join('\n  '));
    this.differences = differences;
  }
}

/** What was done about the tables, by their names. */
export interface Ensured {
  created: string[];
  existing: string[];
  /** The indexes that were added, as `table/index`. */
  indexes: string[];
}

/**
 * Creates the tables that are missing, adds the indexes that the others lack, and waits until all four can be
 * used. Writes nothing when an existing table differs from its schema in anything else.
 *
 * @param tell is called with a line about whatever takes long
 * @throws TablesDifferError listing every difference.
 */
export async function ensureTables(
  client: DynamoDBClient,
  names: TableNames,
  tell: (line: string) => void = () => {},
): Promise<Ensured> {
  const wanted = Object.entries(TABLE_SCHEMAS).map(([key, schema]) => {
    return { name: names[key as keyof TableNames], schema };
  });
  const found = await Promise.all(wanted.map(({ name }) => describeTable(client, name)));
  const isImpossible = wanted.some(({ name, schema }, i) => {
    const table = found[i];
    return table !== undefined && compareKeys(name, schema, table).length > 0;
  });
  if (isImpossible) {
    refuseDifferences(wanted.map(({ name, schema }, i) => compareTable(name, schema, found[i])));
  }

  const done: Ensured = { created: [], existing: [], indexes: [] };
  // One after the other: DynamoDB lets only one table with indexes be in creation at a time.
  for (const [i, { name, schema }] of wanted.entries()) {
    const isNew = found[i] === undefined && (await createTable(client, name, schema));
    (isNew ? done.created : done.existing).push(name);
    const added = await addMissingIndexes(client, name, schema, tell);
    done.indexes.push(...added.map((index) => `${name}/${index}`));
    refuseDifferences([compareTable(name, schema, await waitUntilActive(client, name))]);
    if (schema.ttl) await enableTtl(client, name, schema.ttl);
  }
  return done;
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

function refuseDifferences(differences: string[][]): void {
  if (differences.flat().length > 0) throw new TablesDifferError(differences.flat());
}
