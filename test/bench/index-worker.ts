import { createServer } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';
import { idBits } from '../../src/event/state.ts';
import { type EventItem, fromAttributes, toAttributes, toDigest } from '../../src/store/tables.ts';

/** An event of a given size. */
export interface LargeEvent {
  eventId: string;
  seats: number;
  waiting: number;
  /** The form of user ids: a number, padded on the left with this character to this length. */
  userId: { length: number; fill: string };
  /** The override reason of all seats, if any. */
  overrideReason?: string;
  /** How long a page takes, and the event item. */
  pageMs: number;
}

/** The size of a page of an index: DynamoDB's own limit. */
const PAGE_MAX_BYTES = 1024 * 1024;
/** A step that has no factor in common with the numbers of seats, so that every seat comes once. */
const STRIDE = 7_919;
const CREATED_AT = '2026-01-01T00:00:00.000Z';

const { port, event } = workerData as { port: number; event: LargeEvent };
const { eventId, seats, waiting, overrideReason, pageMs } = event;

type Item = Record<string, string | number>;
type Attributes = ReturnType<typeof toAttributes>;

const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0');
const toId = (table: number, index: number) => `${hex(index, 8)}-0000-4000-8000-${hex(table, 12)}`;
const userIdOf = (index: number) => `${index}`.padStart(event.userId.length, event.userId.fill);

/** The row at an offset of an index. The index of the seats is in no order. */
function rowAt(isSeat: boolean, index: number): Item {
  if (!isSeat) {
    const entryId = toId(1, index);
    const position = index + 1;
    return { entryId, userId: userIdOf(seats + index), eventId, position, createdAt: CREATED_AT };
  }
  return {
    ...{ registrationId: toId(0, index), userId: userIdOf(index), eventId, status: 'ACTIVE' },
    ...{ createdAt: CREATED_AT, seq: ((index * STRIDE) % seats) + 1 },
    ...(overrideReason === undefined ? {} : { overrideReason }),
  };
}

/** The books of the event item. */
const sizeOf = (item: Item) =>
  Object.entries(item).reduce((bytes, [name, value]) => {
    const number = () => 1 + Math.ceil(String(value).length / 2);
    return bytes + name.length + (typeof value === 'string' ? Buffer.byteLength(value) : number());
  }, 0);

function toItem(): EventItem {
  let digest = 0n;
  for (let i = 0; i < seats; i++) digest ^= idBits(toId(0, i));
  for (let i = 0; i < waiting; i++) digest ^= idBits(toId(1, i));
  return {
    ...{ eventId, name: 'A large event', capacity: seats, hasWaitlist: true, status: 'OPEN' },
    ...{ waitlistCapacity: null, registrationOpensAt: null, registrationClosesAt: null },
    ...{ startsAt: null, timeZone: 'UTC', promotesUntil: null, offerSeconds: null },
    ...{ createdAt: CREATED_AT, version: 1, revision: 1, lastSeq: seats, lastPosition: waiting },
    ...{ registeredCount: seats, waitlistCount: waiting, digest: toDigest(digest) },
  };
}

interface Query {
  IndexName: string;
  KeyConditionExpression: string;
  ExpressionAttributeNames?: Record<string, string>;
  ExpressionAttributeValues: Attributes;
  ProjectionExpression?: string;
  ExclusiveStartKey?: Attributes;
  ScanIndexForward?: boolean;
}

/** A page as DynamoDB would answer it. */
function answer(query: Query): object {
  const isSeat = query.IndexName === 'EventIdIndex';
  const idName = isSeat ? 'registrationId' : 'entryId';
  const values = fromAttributes(query.ExpressionAttributeValues) as Record<string, number>;
  const { ':first': first = 1, ':after': after = 0 } = values;
  const last = Math.min(values[':last'] ?? Number.POSITIVE_INFINITY, isSeat ? seats : waiting);
  const startId = query.ExclusiveStartKey?.[idName]?.S;
  const begin = Math.max(first - 1, after);
  const from = startId === undefined ? begin : Number.parseInt(startId.slice(0, 8), 16) + 1;
  const names = query.ProjectionExpression?.split(', ').map(
    (name) => query.ExpressionAttributeNames?.[name] ?? name,
  );
  const Items: Attributes[] = [];
  let bytes = 0;
  // The index of the seats is turned round: whether DynamoDB does so is not documented.
  const turn = (i: number) => (isSeat && query.ScanIndexForward === false ? seats - 1 - i : i);
  for (let i = startId === undefined ? from : turn(from - 1) + 1; i < last; i++) {
    const row = rowAt(isSeat, turn(i));
    bytes += sizeOf(row);
    const shown = names ? Object.entries(row).filter(([name]) => names.includes(name)) : null;
    Items.push(toAttributes(shown ? Object.fromEntries(shown) : row));
    if (bytes < PAGE_MAX_BYTES) continue;
    const key = isSeat ? { eventId } : { eventId, position: i + 1 };
    return {
      Items,
      LastEvaluatedKey: toAttributes({ ...key, [idName]: toId(isSeat ? 0 : 1, turn(i)) }),
    };
  }
  return { Items };
}

const item = JSON.stringify({ Item: toAttributes(toItem()) });

/** Pages that were made, by their query: to make one takes longer than to read it. */
const pages = new Map<string, Buffer>();

function pageOf(query: string): Buffer {
  const page = pages.get(query) ?? Buffer.from(JSON.stringify(answer(JSON.parse(query) as Query)));
  pages.set(query, page);
  return page;
}

const server = createServer((incoming, outgoing) => {
  const chunks: Buffer[] = [];
  incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
  incoming.on('end', () => {
    const began = performance.now();
    const operation = String(incoming.headers['x-amz-target']).split('.')[1];
    const isQuery = operation === 'Query';
    // A load writes nothing, and looks up no users.
    const isKnown = isQuery || operation === 'GetItem';
    const body = isQuery ? pageOf(Buffer.concat(chunks).toString()) : item;
    const left = isKnown ? pageMs - (performance.now() - began) : 0;
    setTimeout(
      () => {
        outgoing.writeHead(isKnown ? 200 : 500, { 'content-type': 'application/x-amz-json-1.0' });
        outgoing.end(isKnown ? body : '{}');
      },
      Math.max(0, left),
    );
  });
});
server.keepAliveTimeout = 60_000;
server.listen(port, '127.0.0.1', () => parentPort?.postMessage(null));
