import { paginateScan, type ScanCommandInput } from '@aws-sdk/lib-dynamodb';
import type { Store } from '../store/client.ts';

/**
 * Reads every item of a table, page by page and consistently. It takes longer the larger the table is.
 *
 * @param filter other parameters of the Scan, such as a filter
 */
export async function* scanTable<Item>(
  store: Store,
  TableName: string,
  filter: Omit<ScanCommandInput, 'TableName'> = {},
): AsyncGenerator<Item[]> {
  const pages = paginateScan(
    { client: store.client },
    { ...filter, TableName, ConsistentRead: true },
  );
  for await (const { Items = [] } of pages) yield Items as Item[];
}
