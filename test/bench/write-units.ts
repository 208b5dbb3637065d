/** The part of a write that determines its price. */
interface Write {
  Put?: { TableName: string; Item: Item };
  Delete?: { TableName: string };
  Update?: { TableName: string };
  ConditionCheck?: { TableName: string };
}

type Item = Record<string, Record<string, unknown>>;

/** Indexes that a row of a table is written to as well, if it is a place in an event. */
const INDEXES: Record<string, number> = { 'registrations-table': 2, 'waitlist-table': 2 };

/** Entries of the log and used keys lie among the registrations, and are in no index. */
const isPlace = (item: Item) => 'eventId' in item;

/** Size of an item as DynamoDB counts it: names and values in UTF-8; numbers take no more. */
function kibOf(item: Item): number {
  let bytes = 0;
  for (const [name, value] of Object.entries(item)) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(String(Object.values(value)[0]));
  }
  return Math.ceil(bytes / 1_024);
}

/**
 * Write units that a call consumes by the published rules: one for each begun KiB of an item, twice
 * that in a transaction, and one for each index that it is in. Rows that are written by key only count as
 * smaller than a KiB, as all rows of the benchmark are.
 */
export function writeUnits(operation: string, body: Buffer): number {
  const price = (table: string, factor: number, item?: Item) => {
    const indexes = item && !isPlace(item) ? 0 : (INDEXES[table] ?? 0);
    return (item ? kibOf(item) : 1) * (factor + indexes);
  };
  switch (operation) {
    case 'TransactWriteItems': {
      const { TransactItems } = JSON.parse(body.toString()) as { TransactItems: Write[] };
      let units = 0;
      for (const { Put, Delete, Update, ConditionCheck } of TransactItems) {
        if (Put) units += price(Put.TableName, 2, Put.Item);
        else if (Delete) units += price(Delete.TableName, 2);
        else if (Update || ConditionCheck) units += 2;
      }
      return units;
    }
    case 'PutItem': {
      const { TableName, Item } = JSON.parse(body.toString()) as { TableName: string; Item: Item };
      return price(TableName, 1, Item);
    }
    case 'DeleteItem': {
      const { TableName } = JSON.parse(body.toString()) as { TableName: string };
      return price(TableName, 1);
    }
    case 'UpdateItem':
      return 1;
    default:
      return 0;
  }
}

/** Rows that a call writes to the index that holds all of an event's rows in one partition. */
export function indexWrites(operation: string, body: Buffer): number {
  if (operation !== 'TransactWriteItems') return 0;
  const { TransactItems } = JSON.parse(body.toString()) as { TransactItems: Write[] };
  return TransactItems.filter(({ Put, Delete }) => {
    const table = (Put ?? Delete)?.TableName;
    return table !== undefined && table in INDEXES && (!Put || isPlace(Put.Item));
  }).length;
}
