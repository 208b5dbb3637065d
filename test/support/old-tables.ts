import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { BatchWriteCommand, DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb';
import type { TableNames } from '../../src/config.ts';
import type { Store } from '../../src/store/client.ts';

/** An item of any table. */
export type Item = Record<string, unknown>;

/** Opens these tables of a database on this machine. */
export function openTables(endpoint: string, tables: TableNames): Store {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new DynamoDBClient({ region: 'eu-central-1', endpoint, credentials });
  return { client: DynamoDBDocumentClient.from(client), tables };
}

/** Puts items as the seed system would have written them. */
export async function putItems({ client }: Store, table: string, items: Item[]): Promise<void> {
  for (let i = 0; i < items.length; i += 25) {
    const puts = items.slice(i, i + 25).map((Item) => ({ PutRequest: { Item } }));
    await client.send(new BatchWriteCommand({ RequestItems: { [table]: puts } }));
  }
}

/** All items of a table, in no order. */
export async function allItems({ client }: Store, TableName: string): Promise<Item[]> {
  const items: Item[] = [];
  let ExclusiveStartKey: Record<string, unknown> | undefined;
  do {
    const scan = new ScanCommand({ TableName, ConsistentRead: true, ExclusiveStartKey });
    const page = await client.send(scan);
    items.push(...(page.Items ?? []));
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey);
  return items;
}

/** The moment so many seconds into a day. */
export const second = (n: number) => new Date(Date.UTC(2026, 0, 1) + n * 1_000).toISOString();

/** An item of each table, with the attributes of the contract and no more. */
export const old = {
  user: (userId: string): Item => ({ userId, name: `The ${userId}`, createdAt: second(0) }),
  event: (eventId: string, capacity: number, more: Item = {}): Item => ({
    eventId,
    name: `The ${eventId}`,
    capacity,
    hasWaitlist: true,
    createdAt: second(0),
    ...more,
  }),
  seat: (eventId: string, userId: string, n: number, more: Item = {}): Item => ({
    registrationId: crypto.randomUUID(),
    userId,
    eventId,
    status: 'ACTIVE',
    createdAt: second(n),
    ...more,
  }),
  entry: (
    eventId: string,
    userId: string,
    position: number,
    n = position,
    more: Item = {},
  ): Item => ({
    entryId: crypto.randomUUID(),
    userId,
    eventId,
    position,
    createdAt: second(n),
    ...more,
  }),
};
