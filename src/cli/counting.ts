import { type DynamoDBClient, ScanCommand, type ScanCommandInput } from '@aws-sdk/client-dynamodb';

/** Pages of 1 MB that are read at most, of some thousand events each, so that counting is quick. */
const MAX_PAGES = 10;
const CALL_TIMEOUT_MS = 10_000;

/** Events that something is the matter with. */
export interface Counted {
  count: number;
  /** Events that were read. */
  seen: number;
  /** Whether all events were read. */
  isAll: boolean;
}

/** Counts the events that the seed system wrote: they have no books, and are not served yet. */
export function countUnadopted(client: DynamoDBClient, table: string): Promise<Counted> {
  return countEvents(client, table, { FilterExpression: 'attribute_not_exists(version)' });
}

/** Counts the events that should have done something by themselves before a time, in epoch milliseconds. */
export function countOverdue(
  client: DynamoDBClient,
  table: string,
  before: number,
): Promise<Counted> {
  return countEvents(client, table, {
    FilterExpression: 'dueAt < :before',
    ExpressionAttributeValues: { ':before': { N: String(before) } },
  });
}

/** Counts the events that pass a filter, in as much of the table as can be read in short. */
async function countEvents(
  client: DynamoDBClient,
  table: string,
  filter: Pick<ScanCommandInput, 'FilterExpression' | 'ExpressionAttributeValues'>,
): Promise<Counted> {
  let [count, seen] = [0, 0];
  let ExclusiveStartKey: ScanCommand['input']['ExclusiveStartKey'];
  for (let page = 0; page < MAX_PAGES; page++) {
    const command = new ScanCommand({
      TableName: table,
      ConsistentRead: true,
      Select: 'COUNT',
      ...filter,
      ExclusiveStartKey,
    });
    const abortSignal = AbortSignal.timeout(CALL_TIMEOUT_MS);
    const answer = await client.send(command, { abortSignal });
    count += answer.Count ?? 0;
    seen += answer.ScannedCount ?? 0;
    ExclusiveStartKey = answer.LastEvaluatedKey;
    if (!ExclusiveStartKey) return { count, seen, isAll: true };
  }
  return { count, seen, isAll: false };
}

/** What to tell a person of them; null when there are none among those that were looked at. */
export function tellUnadopted({ count, seen, isAll }: Counted): string | null {
  if (count === 0) return null;
  const what = count === 1 ? 'event was' : 'events were';
  const among = isAll ? '' : ` (of the first ${seen})`;
  return `${count} ${what} written by the seed system${among}, and ${count === 1 ? 'is' : 'are'} not served yet`;
}
