import {
  CreateTableCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  type ProjectionType,
  PutItemCommand,
  QueryCommand,
  type TableDescription,
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
  expect(await ensureTables(client, names)).toEqual({ created: all, existing: [], indexes: [] });
  expect(await ensureTables(client, names)).toEqual({ created: [], existing: all, indexes: [] });

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
      `${names.registrations}: the index EventIdIndex is missing: npm run tables adds it`,
      `${names.waitlist}: the index EventIdPositionIndex is keyed by eventId S, position S, not eventId S, position N`,
      `${names.waitlist}: the index UserIdIndex is missing: npm run tables adds it`,
    ],
  });
  const look = client.send(new DescribeTableCommand({ TableName: names.users }));
  await expect(look).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
});

/** The waitlist as a release made it that had no index by user. */
const createOldWaitlist = (name: string) =>
  createTable(
    name,
    [
      ['entryId', 'S'],
      ['eventId', 'S'],
      ['position', 'N'],
    ],
    { EventIdPositionIndex: { keys: ['eventId', 'position'] } },
  );

async function entriesOf(table: string, userId: string): Promise<number | undefined> {
  const command = new QueryCommand({
    TableName: table,
    IndexName: 'UserIdIndex',
    KeyConditionExpression: 'userId = :userId',
    ExpressionAttributeValues: { ':userId': { S: userId } },
  });
  return (await client.send(command)).Count;
}

test('adds an index that a table lacks, filled with the rows that are there, and does so once', async () => {
  const names = freshNames();
  await createOldWaitlist(names.waitlist);
  const Item = { entryId: { S: 'e' }, eventId: { S: 'gala' }, position: { N: '1' } };
  await client.send(
    new PutItemCommand({ TableName: names.waitlist, Item: { ...Item, userId: { S: 'ada' } } }),
  );
  const told: string[] = [];
  const first = await ensureTables(client, names, (line) => told.push(line));
  expect(first.indexes).toEqual([`${names.waitlist}/UserIdIndex`]);
  expect(told).toEqual([`${names.waitlist}: adding the index UserIdIndex`]);
  expect(await entriesOf(names.waitlist, 'ada')).toBe(1);
  expect((await ensureTables(client, names)).indexes).toEqual([]);
});

test('two who add an index at the same time both succeed', async () => {
  const names = freshNames();
  await createOldWaitlist(names.waitlist);
  const both = await Promise.all([ensureTables(client, names), ensureTables(client, names)]);
  expect(new Set(both.flatMap(({ indexes }) => indexes))).toEqual(
    new Set([`${names.waitlist}/UserIdIndex`]),
  );
});

test('waits while an index is being filled, tells of it, and begins none anew', async () => {
  const names = freshNames();
  await createOldWaitlist(names.waitlist);
  const calls: string[] = [];
  let polls = 0;
  // As AWS does it: the index is there at once, and serves only after a while.
  const slow = {
    send: async (command: { constructor: { name: string }; input: { TableName?: string } }) => {
      const answer = await client.send(command as never);
      if (command.input.TableName !== names.waitlist) return answer;
      calls.push(command.constructor.name);
      const { Table } = answer as { Table?: TableDescription };
      for (const index of Table?.GlobalSecondaryIndexes ?? []) {
        if (index.IndexName !== 'UserIdIndex' || polls++ >= 2) continue;
        Object.assign(index, { IndexStatus: 'CREATING', Backfilling: true });
      }
      return answer;
    },
  } as unknown as DynamoDBClient;
  await ensureTables(slow, names);
  expect(polls).toBeGreaterThan(2);
  expect(calls.filter((name) => name === 'UpdateTableCommand')).toHaveLength(1);
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
