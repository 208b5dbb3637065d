import { type DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';

/** Pages of 1 MB that are looked at, some thousand events each: whoever asks does not wait for long. */
const MAX_PAGES = 10;
const CALL_TIMEOUT_MS = 10_000;

/** Events that an older system wrote and this one cannot serve yet. */
export interface Unadopted {
  count: number;
  /** Events that were looked at. */
  seen: number;
  /** Whether these were all. */
  isAll: boolean;
}

/** Counts the events that have no books, in as much of the table as can be read in short. */
export async function countUnadopted(client: DynamoDBClient, table: string): Promise<Unadopted> {
  let [count, seen] = [0, 0];
  let ExclusiveStartKey: ScanCommand['input']['ExclusiveStartKey'];
  for (let page = 0; page < MAX_PAGES; page++) {
    const command = new ScanCommand({
      TableName: table,
      ConsistentRead: true,
      Select: 'COUNT',
      FilterExpression: 'attribute_not_exists(version)',
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
export function tellUnadopted({ count, seen, isAll }: Unadopted): string | null {
  if (count === 0) return null;
  const what = count === 1 ? 'event was' : 'events were';
  const among = isAll ? '' : ` (of the first ${seen})`;
  return `${count} ${what} written by an older system${among}, and ${count === 1 ? 'is' : 'are'} not served yet`;
}
