import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { Offer, Seat, WaitlistEntry } from '../event/model.ts';
import { idBits } from '../event/state.ts';
import { registrationSchema } from '../http/schemas.ts';
import type { Store } from '../store/client.ts';
import { atVersion, setWhere } from '../store/expressions.ts';
import { type EventItem, type OfferRow, toDigest } from '../store/tables.ts';
import { scanTable } from './scan.ts';
import { CliError } from './terminal.ts';

/** What an event item says of its rows. */
export type Books = Pick<
  EventItem,
  'registeredCount' | 'waitlistCount' | 'lastPosition' | 'lastSeq' | 'digest'
> & { offeredCount: number };

/** Whether a row can have this id: the digest of an event is made of UUIDs. */
export const isUuid = (id: unknown) =>
  registrationSchema.shape.registrationId.safeParse(id).success;

/** All rows of an event, read past the indexes. */
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
 * The books that these rows make.
 *
 * @throws CliError when a user has two places, or a row is not as the service writes it
 */
export function countBooks(
  eventId: string,
  seats: CountedSeat[],
  entries: CountedEntry[],
  offers: CountedOffer[] = [],
): Books {
  const placed = new Set<string>();
  const refuse = (id: string, userId: string, fault: string) =>
    new CliError(
      `The row ${id} of event ${eventId} is none of this service (${fault}): delete it first, and register user ${userId} again.`,
    );
  /** Gives back the id's bits. */
  const check = (id: string, userId: string, name: string, order: unknown): bigint => {
    if (placed.has(userId)) {
      throw new CliError(
        `User ${userId} has two places in ${eventId}: delete one of the rows first.`,
      );
    }
    placed.add(userId);
    if (!isUuid(id)) throw refuse(id, userId, 'its id is no UUID');
    if (!isOrder(order)) throw refuse(id, userId, `its ${name} is ${order ?? 'missing'}`);
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
 * Holds an event's books against its rows, as after a restore whose tables are not of one moment, and
 * where asked to writes what the rows say. Numbers that were given once are not given again. Nobody
 * may use the event meanwhile; whoever does loses the fence or makes the write be refused.
 *
 * @returns both versions of the books
 * @throws CliError when there is no such event, when it or a row of it is not of this service, when a user
 *   has two places, or the event was written
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
      `Event ${eventId} was written by an older system and has no books yet: \`npm run adopt\` gives it some.`,
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
