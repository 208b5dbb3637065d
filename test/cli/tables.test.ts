import {
  CreateTableCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  type ProjectionType,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type EmbeddedDynamoDB, startDynamoDB } from '../../src/cli/dynamodb.ts';
import { freePort } from '../../src/cli/ports.ts';
import { ensureTables } from '../../src/cli/tables.ts';

let database: EmbeddedDynamoDB;
let client: DynamoDBClient;
let run = 0;

beforeAll(async () => {
  database = await startDynamoDB({ port: await freePort() });
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  client = new DynamoDBClient({ region: 'eu-central-1', endpoint: database.endpoint, credentials });
});

afterAll(async () => {
  client?.destroy();
  await database?.stop();
});

/** Names that no other test uses. */
function freshNames() {
  run += 1;
  return {
    users: `users-${run}`,
    events: `events-${run}`,
    registrations: `registrations-${run}`,
    waitlist: `waitlist-${run}`,
  };
}

type Attribute = [name: string, type: 'S' | 'N'];

/** Creates a table that is keyed by its first attribute, with indexes keyed by the attributes that they name. */
async function createTable(
  name: string,
  attributes: Attribute[],
  indexes: Record<string, { keys: string[]; projection?: ProjectionType }> = {},
) {
  const keySchema = (keys: string[]) =>
    keys.map((AttributeName, i) => ({ AttributeName, KeyType: i ? 'RANGE' : 'HASH' }) as const);
  const created = Object.entries(indexes).map(([IndexName, { keys, projection = 'ALL' }]) => ({
    IndexName,
    KeySchema: keySchema(keys),
    Projection: { ProjectionType: projection },
  }));
  await client.send(
    new CreateTableCommand({
      TableName: name,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: keySchema(attributes.slice(0, 1).map(([attribute]) => attribute)),
      AttributeDefinitions: attributes.map(([AttributeName, AttributeType]) => ({
        AttributeName,
        AttributeType,
      })),
      ...(created.length > 0 ? { GlobalSecondaryIndexes: created } : {}),
    }),
  );
}

test('creates missing tables, and finds all of them the second time', async () => {
  const names = freshNames();
  const all = Object.values(names);
  expect(await ensureTables(client, names)).toEqual({ created: all, existing: [] });
  expect(await ensureTables(client, names)).toEqual({ created: [], existing: all });

  await client.send(new DeleteTableCommand({ TableName: names.waitlist }));
  const again = await ensureTables(client, names);
  expect(again.created).toEqual([names.waitlist]);
  expect(again.existing).toHaveLength(3);
});

test('two runs at the same time both succeed, and each table is created once', async () => {
  const names = freshNames();
  const outcomes = await Promise.all([ensureTables(client, names), ensureTables(client, names)]);
  const created = outcomes.flatMap((outcome) => outcome.created);
  expect(created.sort()).toEqual(Object.values(names).sort());
});

test('names every difference, and creates nothing', async () => {
  const names = freshNames();
  await createTable(names.events, [['id', 'S']]);
  await createTable(
    names.registrations,
    [
      ['registrationId', 'S'],
      ['userId', 'S'],
    ],
    { UserIdIndex: { keys: ['userId'], projection: 'KEYS_ONLY' } },
  );
  await createTable(
    names.waitlist,
    [
      ['entryId', 'S'],
      ['eventId', 'S'],
      ['position', 'S'],
    ],
    { EventIdPositionIndex: { keys: ['eventId', 'position'] } },
  );
  await expect(ensureTables(client, names)).rejects.toMatchObject({
    differences: [
      `${names.events}: the table is keyed by id S, not eventId S`,
      `${names.registrations}: the index UserIdIndex projects KEYS_ONLY, not ALL`,
      `${names.registrations}: the index EventIdIndex is missing`,
      `${names.waitlist}: the index EventIdPositionIndex is keyed by eventId S, position S, not eventId S, position N`,
    ],
  });
  const look = client.send(new DescribeTableCommand({ TableName: names.users }));
  await expect(look).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
});

test('ignores an additional index', async () => {
  const names = freshNames();
  const attributes: Attribute[] = [
    ['userId', 'S'],
    ['name', 'S'],
  ];
  await createTable(names.users, attributes, { NameIndex: { keys: ['name'] } });
  expect((await ensureTables(client, names)).existing).toEqual([names.users]);
});

test('a second embedded DynamoDB on the same port is refused', async () => {
  const port = Number(new URL(database.endpoint).port);
  await expect(startDynamoDB({ port })).rejects.toThrow(`port ${port} is in use`);
});
