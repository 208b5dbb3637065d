import { paginateScan, type ScanCommandInput } from '@aws-sdk/lib-dynamodb';
import type { Store } from '../store/client.ts';

/**
 * Every item of a table, page by page, read past the indexes: consistent, and as long as the table is.
 *
 * @param filter what else the Scan is asked for, such as a filter
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
