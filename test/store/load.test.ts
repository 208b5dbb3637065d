import { BatchWriteCommand, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import * as fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Seat, WaitlistEntry } from '../../src/event/model.ts';
import { NotAdoptedError } from '../../src/event/ports.ts';
import { type EventState, idBits } from '../../src/event/state.ts';
import {
  ABSENCE_MEMORY_MS,
  BOTH_ENDS_MIN_SEATS,
  FENCE_MAX_ATTEMPTS,
  LINE_RANGES_MIN_ENTRIES,
  LOAD_DEADLINE_MS,
  LOAD_REST_MS,
} from '../../src/limits.ts';
import { sleep } from '../../src/sleep.ts';
import { StoreUnavailableError } from '../../src/store/client.ts';
import { EventLoader } from '../../src/store/load.ts';
import { toRanges } from '../../src/store/rows.ts';
import {
  type EventItem,
  type OfferRow,
  toAttributes,
  toDigest,
  toOfferRow,
} from '../../src/store/tables.ts';
import { type DynamoCall, onDynamo, store, unique } from '../support/desk.ts';
import { refusal } from '../support/faults.ts';
import { eventOf, NOW } from '../support/model.ts';

type Row = Seat | WaitlistEntry;
const isSeat = (row: Row): row is Seat => 'seq' in row;
const isStored = (row: Row): row is Seat => 'registrationId' in row;
const idOf = (row: Row) => (isSeat(row) ? row.registrationId : row.entryId);
const tableOf = (row: Row) => (isSeat(row) ? store.tables.registrations : store.tables.waitlist);

/** Puts rows into their tables. */
async function put(rows: Row[]): Promise<void> {
  for (let i = 0; i < rows.length; i += 25) {
    const requests: Record<string, { PutRequest: { Item: Row } }[]> = {};
    for (const row of rows.slice(i, i + 25)) {
      const table = tableOf(row);
      requests[table] = [...(requests[table] ?? []), { PutRequest: { Item: row } }];
    }
    await store.client.send(new BatchWriteCommand({ RequestItems: requests }));
  }
}

/** Writes the event item whose books are of these rows. */
async function putItem(eventId: string, rows: Row[], lastPosition: number): Promise<EventItem> {
  const seats = rows.filter(isSeat);
  const item: EventItem = {
    ...{ ...eventOf(1_000), eventId, status: 'OPEN', createdAt: NOW },
    ...{ version: 1, revision: 1, lastPosition, lastSeq: seats.length },
    registeredCount: seats.length,
    waitlistCount: rows.length - seats.length,
    digest: toDigest(rows.reduce((bits, row) => bits ^ idBits(idOf(row)), 0n)),
  };
  await store.client.send(new PutCommand({ TableName: store.tables.events, Item: item }));
  return item;
}

const seatOf = (eventId: string, seq: number, userId = `s${seq}`): Seat => ({
  ...{ registrationId: crypto.randomUUID(), userId, eventId, seq },
  ...{ status: 'ACTIVE', createdAt: NOW },
});
const entryOf = (eventId: string, position: number, userId = `w${position}`): WaitlistEntry => ({
  ...{ entryId: crypto.randomUUID(), userId, eventId, position, createdAt: NOW },
});

/** An event in the tables, with these positions in line. */
async function seeded(seatCount: number, positions: number[]) {
  const eventId = unique('event');
  const seats = Array.from({ length: seatCount }, (_, i) => seatOf(eventId, i + 1));
  const entries = positions.map((position) => entryOf(eventId, position));
  const rows = [...seats, ...entries];
  await put(rows);
  await putItem(eventId, rows, Math.max(0, ...positions));
  return { eventId, seats, entries, loader: new EventLoader(store, eventId) };
}

/** Records calls, and can alter the rows that an index shows. */
function watch(alter?: (rows: Row[], index: string, reads: number) => Row[]) {
  const calls: string[] = [];
  const reads: Record<string, number> = {};
  const watching = onDynamo(async ({ operation, request, send }: DynamoCall) => {
    const { IndexName } = (await request.clone().json()) as { IndexName?: string };
    calls.push(IndexName ?? operation);
    const response = await send();
    if (!IndexName || !alter) return response;
    reads[IndexName] = (reads[IndexName] ?? 0) + 1;
    const page = (await response.json()) as { Items: Record<string, object>[] };
    const rows = page.Items.map((item) => {
      const texts = Object.entries(item).map(([name, value]) => {
        const [kind, text] = Object.entries(value)[0] ?? [];
        return [name, kind === 'N' ? Number(text) : text];
      });
      return Object.fromEntries(texts) as Row;
    });
    const shown = alter(rows, IndexName, reads[IndexName]);
    return Response.json({ ...page, Items: shown.map((row) => toAttributes(row)) });
  });
  return { calls, [Symbol.dispose]: () => watching[Symbol.dispose]() };
}

const SEATS = 'EventIdIndex';
const LINE = 'EventIdPositionIndex';
const QUIET = { fence: false };
/** The calls of the first round trip: the item, and the first page of each index. */
const ONE_ROUND = ['GetItem', SEATS, LINE];

/** The users with a seat or an entry, from memory. */
const inMemory = (state: EventState) => ({
  seated: [...state.seated()],
  waiting: [...state.waiting()],
});

afterEach(() => vi.restoreAllMocks());

describe('a load', () => {
  test('of an event that does not exist is one call for the item, and one for each index', async () => {
    using seen = watch();
    const state = await new EventLoader(store, unique('event')).load(QUIET);
    expect(state.event).toBeNull();
    expect(state.version).toBe(0);
    expect(seen.calls).toEqual(ONE_ROUND);
  });

  test('of a small event is one round trip: nothing is read after the item and a page of each index', async () => {
    const events = [await seeded(3, [2, 5]), await seeded(2, []), await seeded(0, [1])];
    for (const { loader, seats, entries } of events) {
      using seen = watch();
      expect(inMemory(await loader.load(QUIET))).toEqual({ seated: seats, waiting: entries });
      expect(seen.calls).toEqual(ONE_ROUND);
    }
  });

  test('sends the calls of the first round trip at once', async () => {
    const { loader, seats } = await seeded(3, [2, 5]);
    let asked = 0;
    const all = Promise.withResolvers<void>();
    using _ = onDynamo(async ({ send }) => {
      if (++asked === ONE_ROUND.length) all.resolve();
      await all.promise;
      return send();
    });
    expect(inMemory(await loader.load(QUIET)).seated).toEqual(seats);
    expect(asked).toBe(ONE_ROUND.length);
  });

  test('waits for no index where the item counts no rows, or there is no item', async () => {
    const empty = await seeded(0, []);
    let givenUp = 0;
    using _ = onDynamo(({ operation, request, send }) => {
      if (operation !== 'Query') return send();
      return new Promise((_, reject) => {
        request.signal.addEventListener('abort', () => {
          givenUp++;
          reject(request.signal.reason);
        });
      });
    });
    expect((await empty.loader.load(QUIET)).event?.eventId).toBe(empty.eventId);
    expect((await new EventLoader(store, unique('event')).load(QUIET)).event).toBeNull();
    expect(givenUp).toBe(4);
  });

  test('shows no row of an index whose rows the item does not count', async () => {
    const { eventId, loader, seats } = await seeded(3, []);
    await put([entryOf(eventId, 1)]);
    expect(inMemory(await loader.load(QUIET))).toEqual({ seated: seats, waiting: [] });
  });

  test('reads an index again from its beginning where its first page failed', async () => {
    const { loader, seats, entries } = await seeded(3, [2, 5]);
    for (const where of [SEATS, LINE]) {
      const calls: string[] = [];
      using _ = onDynamo(async ({ operation, request, send }) => {
        const { IndexName } = (await request.clone().json()) as { IndexName?: string };
        calls.push(IndexName ?? operation);
        const isFirst = calls.filter((call) => call === where).length === 1;
        return IndexName === where && isFirst ? refusal(400, 'ThrottlingException') : send();
      });
      expect(inMemory(await loader.load(QUIET))).toEqual({ seated: seats, waiting: entries });
      expect(calls).toEqual([...ONE_ROUND, where]);
    }
  });

  test('keeps the reason of an override, and seats without `seq`', async () => {
    const eventId = unique('event');
    const { seq: _, ...old } = seatOf(eventId, 0, 'old');
    const seats = [seatOf(eventId, 2), { ...seatOf(eventId, 1), overrideReason: 'asked' }];
    await put([...seats, { ...old, seq: undefined } as unknown as Seat]);
    await putItem(eventId, [...seats, { ...old, seq: 0 }], 0);
    const state = await new EventLoader(store, eventId).load(QUIET);
    expect([...state.seated()]).toEqual([{ ...old, seq: 0 }, seats[1], seats[0]]);
  });

  test('of a long line reads it in ranges, page by page, with four calls in flight at most', async () => {
    // What the first page leaves is still long enough for ranges.
    const count = LINE_RANGES_MIN_ENTRIES + 97;
    // A third has waited for long, and some of the others have left.
    const positions = Array.from({ length: count }, (_, i) => (i < count / 3 ? i + 1 : i * 2 + 90));
    const { loader, seats, entries } = await seeded(400, positions);
    let inFlight = 0;
    let most = 0;
    let pages = 0;
    const rows: Record<string, number> = {};
    using _ = onDynamo(async ({ operation, request, send }) => {
      most = Math.max(most, ++inFlight);
      try {
        if (operation !== 'Query') return await send();
        pages++;
        const Limit = 97;
        const query = (await request.clone().json()) as { IndexName: string };
        const answer = await send({ ...query, Limit });
        const { Count = 0 } = (await answer.clone().json()) as { Count?: number };
        rows[query.IndexName] = (rows[query.IndexName] ?? 0) + Count;
        return answer;
      } finally {
        inFlight--;
      }
    });
    const state = await loader.load(QUIET);
    expect(inMemory(state)).toEqual({ seated: seats, waiting: entries });
    expect(pages).toBeGreaterThan(count / 97);
    expect(most).toBe(4);
    // No row is read twice.
    expect(rows).toEqual({ [SEATS]: seats.length, [LINE]: count });
  });

  test('of an event that the seed system wrote fails, and names the command that takes it over', async () => {
    const eventId = unique('event');
    const { name, capacity, hasWaitlist } = eventOf(5);
    const Item = { eventId, name, capacity, hasWaitlist, createdAt: NOW };
    await store.client.send(new PutCommand({ TableName: store.tables.events, Item }));
    for (const fence of [false, true]) {
      using seen = watch();
      const load = new EventLoader(store, eventId).load({ fence });
      await expect(load).rejects.toThrow(NotAdoptedError);
      await expect(load).rejects.toThrow('npm run adopt');
      // Where the fence has to be won, the item is read first and alone.
      expect(seen.calls).toEqual(fence ? ['GetItem'] : ONE_ROUND);
    }
  });

  test('of such an event asks the tables once in a second', async () => {
    const eventId = unique('event');
    const { name, capacity, hasWaitlist } = eventOf(5);
    const Item = { eventId, name, capacity, hasWaitlist, createdAt: NOW };
    await store.client.send(new PutCommand({ TableName: store.tables.events, Item }));
    let late = 0;
    const now = Date.now.bind(Date);
    vi.spyOn(Date, 'now').mockImplementation(() => now() + late);
    const loader = new EventLoader(store, eventId);
    using seen = watch();
    for (let i = 0; i < 3; i++) {
      await expect(loader.load(QUIET)).rejects.toThrow(NotAdoptedError);
    }
    expect(seen.calls).toEqual(ONE_ROUND);
    late = ABSENCE_MEMORY_MS;
    await putItem(eventId, [], 0);
    expect((await loader.load(QUIET)).event?.eventId).toBe(eventId);
  });
});

describe('a load of many seats', () => {
  const LIMIT = 500;
  const count = BOTH_ENDS_MIN_SEATS + 1_100;
  type Shown = Record<string, { S?: string; N?: string }>;
  type Query = { IndexName: string; ScanIndexForward?: boolean; ExclusiveStartKey?: Shown };

  /** An event whose seats' index has this order from its end; counts the pages by their direction. */
  async function indexed(toBackward: (rows: Shown[]) => Shown[]) {
    const eventId = unique('event');
    const seats = Array.from({ length: count }, (_, i) => seatOf(eventId, i + 1));
    await putItem(eventId, seats, 0);
    const rows = seats.map((seat) => toAttributes(seat) as Shown);
    const backward = toBackward(rows);
    const pages = { forward: 0, backward: 0 };
    const seen = { inFlight: 0, most: 0 };
    const serving = onDynamo(async ({ operation, request, send }) => {
      if (operation !== 'Query') return send();
      const query = (await request.clone().json()) as Query;
      if (query.IndexName !== SEATS) return send();
      const isBackward = query.ScanIndexForward === false;
      pages[isBackward ? 'backward' : 'forward']++;
      seen.most = Math.max(seen.most, ++seen.inFlight);
      await sleep(2);
      seen.inFlight--;
      const order = isBackward ? backward : rows;
      const start = query.ExclusiveStartKey?.registrationId?.S;
      const from = order.findIndex(({ registrationId }) => registrationId?.S === start) + 1;
      const Items = order.slice(from, from + LIMIT);
      const next = from + LIMIT < order.length ? { LastEvaluatedKey: Items.at(-1) } : {};
      return Response.json({ Items, ...next });
    });
    const dispose = () => serving[Symbol.dispose]();
    return {
      loader: new EventLoader(store, eventId),
      seats,
      pages,
      seen,
      [Symbol.dispose]: dispose,
    };
  }

  test('reads their index from both ends, until these meet', async () => {
    using index = await indexed((rows) => rows.toReversed());
    expect(inMemory(await index.loader.load(QUIET)).seated).toEqual(index.seats);
    const { forward, backward } = index.pages;
    expect(forward).toBeLessThanOrEqual(5);
    expect(backward).toBeLessThanOrEqual(5);
    // One page more than there are: the two may have read the last one at once.
    expect(forward + backward).toBeLessThanOrEqual(Math.ceil(count / LIMIT) + 1);
    expect(index.seen.most).toBe(2);
  });

  test('reads it from its beginning alone where DynamoDB does not turn it round', async () => {
    using index = await indexed((rows) => rows);
    expect(inMemory(await index.loader.load(QUIET)).seated).toEqual(index.seats);
    expect(index.pages).toEqual({ forward: Math.ceil(count / LIMIT), backward: 1 });
  });

  test('misses nothing whatever order it has from its end', async () => {
    const half = count >> 1;
    // The middle comes first: the ends seem to meet where they do not.
    using index = await indexed((rows) => [...rows.slice(half), ...rows.slice(0, half)]);
    expect(inMemory(await index.loader.load(QUIET)).seated).toEqual(index.seats);
    expect(index.pages.backward).toBeGreaterThan(0);
  });
});

describe('a load from an index that lags', () => {
  const without = (row: Row | undefined) => (rows: Row[]) =>
    rows.filter((each) => row === undefined || idOf(each) !== idOf(row));

  test('by one row reads that row alone, past the index', async () => {
    const { loader, seats, entries } = await seeded(5, [1, 2, 3]);
    for (const late of [seats[2], entries[1]]) {
      using seen = watch(without(late));
      expect(inMemory(await loader.load(QUIET))).toEqual({ seated: seats, waiting: entries });
      expect(seen.calls).toEqual(['GetItem', SEATS, LINE, 'GetItem']);
    }
  });

  test('by one stale row reads nothing more', async () => {
    const { eventId, loader, seats, entries } = await seeded(5, [1, 2, 3]);
    const stale: [string, Row][] = [
      [SEATS, seatOf(eventId, 9)],
      [LINE, entryOf(eventId, 9)],
      // Rows of a user who came back, and of one who was promoted.
      [SEATS, seatOf(eventId, 9, seats[1]?.userId)],
      [LINE, entryOf(eventId, 9, entries[1]?.userId)],
      [LINE, entryOf(eventId, 9, seats[1]?.userId)],
    ];
    for (const [where, row] of stale) {
      for (const isFirst of [true, false]) {
        using seen = watch((rows, index) => {
          if (index !== where) return rows;
          return isFirst ? [row, ...rows] : [...rows, row];
        });
        expect(inMemory(await loader.load(QUIET))).toEqual({ seated: seats, waiting: entries });
        expect(seen.calls).toEqual(['GetItem', SEATS, LINE]);
      }
    }
  });

  test('reads only the index again whose number of rows is wrong', async () => {
    const { loader, seats, entries } = await seeded(5, [1, 2, 3]);
    for (const [where, many] of [
      [SEATS, 2],
      [LINE, 3],
    ] as const) {
      using seen = watch((rows, index, reads) => {
        return index === where && reads === 1 ? rows.slice(many) : rows;
      });
      expect(inMemory(await loader.load(QUIET))).toEqual({ seated: seats, waiting: entries });
      expect(seen.calls).toEqual(['GetItem', SEATS, LINE, 'GetItem', where]);
    }
  });

  test('reads both indexes again when one row is missing and one is stale', async () => {
    const { eventId, loader, seats, entries } = await seeded(5, [1, 2, 3]);
    using seen = watch((rows, index, reads) => {
      return index === SEATS && reads === 1 ? [...rows.slice(1), seatOf(eventId, 9)] : rows;
    });
    expect(inMemory(await loader.load(QUIET))).toEqual({ seated: seats, waiting: entries });
    expect(seen.calls).toEqual(['GetItem', SEATS, LINE, 'GetItem', SEATS, LINE]);
  });

  test('reads no index again when only the item was outdated', async () => {
    const { eventId, loader, seats, entries } = await seeded(5, [1, 2, 3]);
    const later = [seatOf(eventId, 6), seatOf(eventId, 7)];
    const reads: string[] = [];
    using _ = onDynamo(async ({ operation, request, send }) => {
      if (operation !== 'Query') return send();
      const { IndexName } = (await request.clone().json()) as { IndexName: string };
      reads.push(IndexName);
      // Another writer adds two seats after the item was read, and before its rows are.
      if (IndexName === SEATS) {
        await put(later);
        await putItem(eventId, [...seats, ...later, ...entries], 3);
      }
      return send();
    });
    expect(inMemory(await loader.load(QUIET)).seated).toEqual([...seats, ...later]);
    expect(reads).toEqual([SEATS, LINE]);
  });

  test('always makes a second pass, however long the first took', async () => {
    const { loader, seats, entries } = await seeded(5, [1, 2, 3]);
    let late = 0;
    const now = Date.now.bind(Date);
    vi.spyOn(Date, 'now').mockImplementation(() => now() + late);
    using seen = watch((rows, index, reads) => {
      if (index !== SEATS || reads > 1) return rows;
      late = LOAD_DEADLINE_MS + 1_000;
      return rows.slice(2);
    });
    expect(inMemory(await loader.load(QUIET))).toEqual({ seated: seats, waiting: entries });
    expect(seen.calls).toEqual(['GetItem', SEATS, LINE, 'GetItem', SEATS]);
  });

  test('that stays behind takes three passes, and then the event rests', async () => {
    const { loader, seats, entries } = await seeded(5, [1, 2, 3]);
    let late = 0;
    const now = Date.now.bind(Date);
    vi.spyOn(Date, 'now').mockImplementation(() => now() + late);
    {
      using seen = watch((rows) => rows.slice(2));
      await expect(loader.load(QUIET)).rejects.toThrow('the indexes lag behind the event item');
      expect(seen.calls).toEqual([
        'GetItem',
        SEATS,
        LINE,
        'GetItem',
        SEATS,
        LINE,
        'GetItem',
        SEATS,
        LINE,
      ]);
      for (const fence of [false, true]) {
        const load = loader.load({ fence });
        await expect(load).rejects.toThrow(StoreUnavailableError);
        await expect(load).rejects.toThrow('rests');
      }
      expect(seen.calls.length).toBe(9);
    }
    late = LOAD_REST_MS;
    expect(inMemory(await loader.load(QUIET))).toEqual({ seated: seats, waiting: entries });
  });

  test('a row that is in no table is looked for at most once a pass', async () => {
    const eventId = unique('event');
    const rows = [seatOf(eventId, 1), seatOf(eventId, 2)];
    await put(rows);
    await putItem(eventId, [...rows, seatOf(eventId, 3)], 0);
    using seen = watch();
    await expect(new EventLoader(store, eventId).load(QUIET)).rejects.toThrow('the indexes lag');
    expect(seen.calls.length).toBeLessThanOrEqual(8);
  });

  test('an event whose rows have a user twice is never loaded', async () => {
    const eventId = unique('event');
    const rows = [seatOf(eventId, 1, 'twice'), entryOf(eventId, 1, 'twice')];
    await put(rows);
    await putItem(eventId, rows, 1);
    await expect(new EventLoader(store, eventId).load(QUIET)).rejects.toThrow('the indexes lag');
  });
});

describe('a load of an event that offers seats', () => {
  const offerOf = (eventId: string, position: number, userId = `o${position}`): OfferRow => ({
    ...toOfferRow({
      ...{ offerId: crypto.randomUUID(), userId, eventId, position, createdAt: NOW },
      expiresAt: '2026-01-01T01:00:00.000Z',
    }),
  });

  /** An event with so many of each in the tables. */
  async function offering() {
    const eventId = unique('event');
    const seats = [seatOf(eventId, 1), seatOf(eventId, 2)];
    const offers = [offerOf(eventId, 1), offerOf(eventId, 2), offerOf(eventId, 3)];
    const entries = [entryOf(eventId, 4), entryOf(eventId, 5)];
    await put([...seats, ...entries]);
    for (const Item of offers) {
      await store.client.send(new PutCommand({ TableName: store.tables.registrations, Item }));
    }
    const ids = [...seats, ...offers].map(({ registrationId }) => registrationId);
    const digest = [...ids, ...entries.map(idOf)].reduce((bits, id) => bits ^ idBits(id), 0n);
    const item = await putItem(eventId, [...seats, ...entries], 5);
    const Item = { ...item, offeredCount: offers.length, digest: toDigest(digest) };
    await store.client.send(new PutCommand({ TableName: store.tables.events, Item }));
    return { eventId, seats, offers, entries, loader: new EventLoader(store, eventId) };
  }

  const toOffer = ({ registrationId, offerEndsAt, status: _, ...row }: OfferRow) => ({
    ...{ ...row, offerId: registrationId, expiresAt: offerEndsAt },
  });

  test('takes them apart from the seats that they are stored with', async () => {
    const { loader, seats, offers, entries } = await offering();
    using seen = watch();
    const state = await loader.load(QUIET);
    expect(inMemory(state)).toEqual({ seated: seats, waiting: entries });
    expect([...state.offered()]).toEqual(offers.map(toOffer));
    expect(state.firstOfferEnd).toBe(Date.parse('2026-01-01T01:00:00.000Z'));
    expect(seen.calls).toEqual(['GetItem', SEATS, LINE]);
  });

  test('reads a single one past an index that lags, and drops a single one that is gone', async () => {
    const { eventId, loader, offers, seats } = await offering();
    const late = offers[1]?.registrationId;
    for (const alter of [
      (rows: Row[]) => rows.filter((row) => !isStored(row) || row.registrationId !== late),
      (rows: Row[]) => [...rows, offerOf(eventId, 9) as unknown as Row],
      // Of somebody who has taken it since.
      (rows: Row[]) => [offerOf(eventId, 9, seats[0]?.userId) as unknown as Row, ...rows],
    ]) {
      using _ = watch((rows, index) => (index === SEATS ? alter(rows) : rows));
      const state = await loader.load(QUIET);
      expect([...state.offered()]).toEqual(offers.map(toOffer));
      expect([...state.seated()]).toEqual(seats);
    }
  });

  test('is none whose item counts a seat for an offer', async () => {
    const { eventId, loader } = await offering();
    const { Item } = await store.client.send(
      new GetCommand({ TableName: store.tables.events, Key: { eventId } }),
    );
    const wrong = { ...Item, offeredCount: 2, registeredCount: 3 };
    await store.client.send(new PutCommand({ TableName: store.tables.events, Item: wrong }));
    await expect(loader.load(QUIET)).rejects.toThrow('the indexes lag');
  });
});

describe('the fence of a load', () => {
  test('is given up after some attempts when others write all the time', async () => {
    const { loader } = await seeded(1, []);
    const calls: string[] = [];
    using _ = onDynamo(async ({ operation, send }) => {
      calls.push(operation);
      if (operation === 'UpdateItem') {
        return Response.json({ __type: 'x#ConditionalCheckFailedException' }, { status: 400 });
      }
      return send();
    });
    await expect(loader.load({ fence: true })).rejects.toThrow('written by others');
    expect(calls.length).toBe(2 * FENCE_MAX_ATTEMPTS);
  });
});

describe('the ranges of a line', () => {
  const inRange = (position: number, [after, upTo]: [number | null, number | null]) =>
    (after === null || position > after) && (upTo === null || position <= upTo);

  test('cover every position after the first page once, and split the latest evenly', () => {
    const count = fc.integer({ min: -100, max: 100_000 });
    const read = fc.option(fc.nat(1_000_000));
    fc.assert(
      fc.property(
        count,
        fc.integer({ min: 0, max: 1_200_000 }),
        read,
        fc.nat(),
        (n, last, after, any) => {
          const ranges = toRanges({ after, count: n, lastPosition: last, most: 3 });
          const left = Math.min(n, last - (after ?? 0));
          expect(ranges.length).toBe(left < LINE_RANGES_MIN_ENTRIES ? 1 : 3);
          const position = (any % 1_300_000) + 1;
          const isNew = after === null || position > after;
          expect(ranges.filter((range) => inRange(position, range)).length).toBe(isNew ? 1 : 0);
          // DynamoDB refuses a range that ends before it begins.
          for (const [low, high] of ranges) expect((low ?? 0) < (high ?? Infinity)).toBe(true);
          if (ranges.length === 1 || left < last - (after ?? 0)) return;
          const sizes = ranges.map(([low, high]) => (high ?? last) - (low ?? 0));
          expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(3);
        },
      ),
    );
  });
});
