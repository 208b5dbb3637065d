import { type DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { CALL_TIMEOUT_MS } from './client.ts';

/** Pages of 1 MB that are read at most, of some thousand events each, so that counting is quick. */
const MAX_PAGES = 10;

/** The count of events that the seed system wrote, and that are not served yet. */
export interface Unadopted {
  count: number;
  /** Events that were read. */
  seen: number;
  /** Whether all events were read. */
  isAll: boolean;
}

/** Counts the events that have no books, in the first `MAX_PAGES` pages of the table. */
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

/** The count as a sentence for a person; null when there are none. */
export function tellUnadopted({ count, seen, isAll }: Unadopted): string | null {
  if (count === 0) return null;
  const what = count === 1 ? 'event was' : 'events were';
  const among = isAll ? '' : ` (of the first ${seen})`;
  return `${count} ${what} written by the seed system${among}, and ${count === 1 ? 'is' : 'are'} not served yet`;
}
