import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { Offer, Seat, WaitlistEntry } from '../event/model.ts';
import { idBits } from '../event/state.ts';
import { registrationSchema } from '../http/schemas.ts';
import type { Store } from '../store/client.ts';
import { atVersion, setWhere } from '../store/expressions.ts';
import { type EventItem, type OfferRow, toDigest } from '../store/tables.ts';
import { scanTable } from './scan.ts';
import { CliError } from './terminal.ts';

/** The books that can be counted from the rows. */
export type Books = Pick<
  EventItem,
  'registeredCount' | 'waitlistCount' | 'lastPosition' | 'lastSeq' | 'digest'
> & { offeredCount: number };

/** Whether a row can have this id. It must be a UUID, since the digest is the XOR of UUIDs. */
export const isUuid = (id: unknown) =>
  registrationSchema.shape.registrationId.safeParse(id).success;

/** All rows of an event, read from the table itself instead of an index. */
async function scanRows<Row>(store: Store, table: string, eventId: string): Promise<Row[]> {
  const rows: Row[] = [];
  const filter = {
    FilterExpression: 'eventId = :eventId',
    ExpressionAttributeValues: { ':eventId': eventId },
  };
  for await (const page of scanTable<Row>(store, table, filter)) rows.push(...page);
  return rows;
}

type CountedSeat = Pick<Seat, 'registrationId' | 'userId' | 'seq'>;
type CountedOffer = Pick<Offer, 'offerId' | 'userId' | 'position'>;
type CountedEntry = Pick<WaitlistEntry, 'entryId' | 'userId' | 'position'>;

const isOrder = (order: unknown) => Number.isSafeInteger(order) && Number(order) >= 1;

/**
 * Counts the books of these rows.
 *
 * @throws CliError when a user has two places, or a row was not written by this service
 */
export function countBooks(
  eventId: string,
  seats: CountedSeat[],
  entries: CountedEntry[],
  offers: CountedOffer[] = [],
): Books {
  const placed = new Set<string>();
  const faultOf = (id: string, userId: string, fault: string) =>
    new CliError(
      `The row ${id} of event ${eventId} was not written by this service (${fault}): delete it first, and register user ${userId} again.`,
    );
  /** Checks a row, and returns the bits of its id. */
  const check = (id: string, userId: string, name: string, order: unknown): bigint => {
    if (placed.has(userId)) {
      throw new CliError(
        `User ${userId} has two places in ${eventId}: delete one of the rows first.`,
      );
    }
    placed.add(userId);
    if (!isUuid(id)) throw faultOf(id, userId, 'its id is no UUID');
    if (!isOrder(order)) throw faultOf(id, userId, `its ${name} is ${order ?? 'missing'}`);
    return idBits(id);
  };
  let [digest, lastSeq, lastPosition] = [0n, 0, 0];
  for (const { registrationId, userId, seq } of seats) {
    digest ^= check(registrationId, userId, 'seq', seq);
    lastSeq = Math.max(lastSeq, seq);
  }
  const inLine = [
    ...entries.map(({ entryId, ...entry }) => ({ id: entryId, ...entry })),
    ...offers.map(({ offerId, ...offer }) => ({ id: offerId, ...offer })),
  ];
  for (const { id, userId, position } of inLine) {
    digest ^= check(id, userId, 'position', position);
    lastPosition = Math.max(lastPosition, position);
  }
  const counts = {
    registeredCount: seats.length,
    offeredCount: offers.length,
    waitlistCount: entries.length,
  };
  return { ...counts, lastPosition, lastSeq, digest: toDigest(digest) };
}

/**
 * Compares the books of an event with its rows, as after a restore whose tables are not of the same moment. With
 * `write` it also writes the books that the rows give. `lastPosition` and `lastSeq` never fall, so that no number
 * is given twice. Nobody may use the event meanwhile: if somebody does, the write fails.
 *
 * @returns the books as they were kept, and as the rows give them
 * @throws CliError when the event does not exist, when the event or a row was not written by this service, when a
 *   user has two places, or when the event was written meanwhile
 */
export async function mendBooks(
  store: Store,
  eventId: string,
  { write }: { write: boolean },
): Promise<{ kept: Books; counted: Books }> {
  const Key = { eventId };
  const TableName = store.tables.events;
  const get = new GetCommand({ TableName, Key, ConsistentRead: true });
  const item = (await store.client.send(get)).Item as EventItem | undefined;
  if (!item) throw new CliError(`There is no event ${eventId}.`);
  if (item.version === undefined) {
    throw new CliError(
      `Event ${eventId} was written by the seed system and has no books yet: \`npm run adopt\` gives it some.`,
    );
  }
  const rows = await scanRows<Seat | OfferRow>(store, store.tables.registrations, eventId);
  const isOffer = (row: Seat | OfferRow): row is OfferRow => row.status === 'OFFERED';
  const offers = rows.filter(isOffer).map((row) => ({ ...row, offerId: row.registrationId }));
  const seats = rows.filter((row): row is Seat => !isOffer(row));
  const entries = await scanRows<WaitlistEntry>(store, store.tables.waitlist, eventId);

  const { registeredCount, offeredCount = 0, waitlistCount, lastPosition, digest } = item;
  const { lastSeq = 0 } = item;
  const counts = { registeredCount, offeredCount, waitlistCount };
  const kept: Books = { ...counts, lastPosition, lastSeq, digest };
  const found = countBooks(eventId, seats, entries, offers);
  const counted: Books = {
    ...found,
    lastPosition: Math.max(lastPosition, found.lastPosition),
    lastSeq: Math.max(lastSeq, found.lastSeq),
  };
  if (write) await writeBooks(store, item, counted);
  return { kept, counted };
}

async function writeBooks(store: Store, item: EventItem, books: Books): Promise<void> {
  const command = new UpdateCommand({
    TableName: store.tables.events,
    Key: { eventId: item.eventId },
    ...setWhere({ ...books, version: item.version + 1 }, atVersion(item.version)),
  });
  try {
    await store.client.send(command);
  } catch (error) {
    if ((error as Error).name !== 'ConditionalCheckFailedException') throw error;
    throw new CliError(`Event ${item.eventId} was written meanwhile: keep callers away from it.`);
  }
}
