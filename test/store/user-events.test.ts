import { BatchWriteCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, test } from 'vitest';
import { listUserEvents } from '../../src/store/user-events.ts';
import {
  api,
  countDynamo,
  newEvent,
  newUsers,
  onDynamo,
  register,
  store,
  unique,
  unregister,
} from '../support/desk.ts';

const idsOf = async (userId: string) =>
  (await listUserEvents(store, userId)).events.map(({ eventId }) => eventId);

/** Puts seats of a user into the tables, each in an event of its own, and gives the events' ids, oldest seat first. */
async function newSeats(userId: string, count: number): Promise<string[]> {
  const prefix = unique('event');
  const eventIds = Array.from({ length: count }, (_, i) => `${prefix}-${i}`);
  const record = { name: 'An event', capacity: 5, hasWaitlist: false };
  const put = async (table: string, items: object[]) => {
    for (let i = 0; i < items.length; i += 25) {
      const puts = items.slice(i, i + 25).map((Item) => ({ PutRequest: { Item } }));
      await store.client.send(new BatchWriteCommand({ RequestItems: { [table]: puts } }));
    }
  };
  const times = eventIds.map((_, i) => new Date(Date.UTC(2026, 0, 1) + i * 1_000).toISOString());
  await put(
    store.tables.events,
    eventIds.map((eventId, i) => ({ eventId, ...record, createdAt: times[i] })),
  );
  const seats = eventIds.map((eventId, i) => {
    const registrationId = crypto.randomUUID();
    return { registrationId, userId, eventId, status: 'ACTIVE', createdAt: times[i] };
  });
  // Not in the order in which they were taken: nothing promises that the index keeps it.
  await put(store.tables.registrations, seats.toReversed());
  return eventIds;
}

/** The part of a BatchGetItem call that these tests need. */
interface BatchGet {
  RequestItems: Record<string, { Keys: object[]; ConsistentRead?: boolean }>;
}

describe('the events of a user, out of an index that lags', () => {
  test('a seat that was given up is not listed, though the index still shows it', async () => {
    const [userId = ''] = await newUsers(1);
    const [kept, left] = [await newEvent(1, false), await newEvent(1, false)];
    await register(userId, kept);
    await register(userId, left);
    let page = '';
    {
      using _ = onDynamo(async ({ operation, send }) => {
        const response = await send();
        if (operation === 'Query') page = await response.clone().text();
        return response;
      });
      expect((await idsOf(userId)).sort()).toEqual([kept, left].sort());
    }
    await unregister(userId, left);
    using _ = onDynamo(({ operation, send }) =>
      operation === 'Query' ? Promise.resolve(new Response(page)) : send(),
    );
    expect(await idsOf(userId)).toEqual([kept]);
  });

  test('an event that a user left and joined again is listed once', async () => {
    const [userId = ''] = await newUsers(1);
    const eventId = await newEvent(1, false);
    const first = (await register(userId, eventId)).body.registration;
    await unregister(userId, eventId);
    await register(userId, eventId);
    using _ = onDynamo(async ({ operation, send }) => {
      const response = await send();
      if (operation !== 'Query') return response;
      const page = (await response.json()) as { Items: unknown[] };
      const stale = Object.fromEntries(Object.entries(first).map(([key, S]) => [key, { S }]));
      return Response.json({ ...page, Items: [...page.Items, stale] });
    });
    expect(await idsOf(userId)).toEqual([eventId]);
  });

  test('pages are followed to the end, and unprocessed keys are asked for again', async () => {
    const [userId = ''] = await newUsers(1);
    const eventIds = [await newEvent(1, false), await newEvent(1, false), await newEvent(1, false)];
    for (const eventId of eventIds) await register(userId, eventId);
    let pages = 0;
    let hasHeldBack = false;
    using _ = onDynamo(async ({ operation, request, send }) => {
      if (operation === 'Query') {
        pages++;
        return send({ ...((await request.clone().json()) as object), Limit: 1 });
      }
      if (operation !== 'BatchGetItem' || hasHeldBack) return send();
      hasHeldBack = true;
      const { RequestItems } = (await request.clone().json()) as { RequestItems: object };
      return Response.json({ Responses: {}, UnprocessedKeys: RequestItems });
    });
    expect((await idsOf(userId)).sort()).toEqual(eventIds.sort());
    expect(pages).toBeGreaterThanOrEqual(3);
    expect(hasHeldBack).toBe(true);
  });

  test('a row of a missing event is left out, and no error', async () => {
    const [userId = ''] = await newUsers(1);
    await store.client.send(
      new PutCommand({
        TableName: store.tables.registrations,
        Item: {
          registrationId: crypto.randomUUID(),
          userId,
          eventId: 'gone',
          status: 'ACTIVE',
          createdAt: new Date().toISOString(),
        },
      }),
    );
    expect(await idsOf(userId)).toEqual([]);
  });
});

describe('the events of a user, out of copies of the tables that lag', () => {
  test('a seat that was given up is not listed, though a copy of the table still has it', async () => {
    const [userId = ''] = await newUsers(1);
    const [kept, left] = [await newEvent(1, false), await newEvent(1, false)];
    await register(userId, kept);
    await register(userId, left);
    const old: Record<string, string> = {};
    {
      using _ = onDynamo(async ({ operation, send }) => {
        const response = await send();
        old[operation] = await response.clone().text();
        return response;
      });
      expect(await idsOf(userId)).toEqual([kept, left]);
    }
    await unregister(userId, left);
    // Reads that are not consistent get the old data.
    using _ = onDynamo(async ({ operation, request, send }) => {
      if (operation === 'Query') return new Response(old.Query);
      const { RequestItems } = (await request.clone().json()) as BatchGet;
      const before = JSON.parse(old.BatchGetItem ?? '') as { Responses: Record<string, object[]> };
      const now = (await (await send()).json()) as typeof before;
      const Responses = Object.fromEntries(
        Object.entries(RequestItems).map(([table, { ConsistentRead }]) => [
          table,
          (ConsistentRead ? now : before).Responses[table],
        ]),
      );
      return Response.json({ Responses });
    });
    expect(await idsOf(userId)).toEqual([kept]);
  });

  test('an event that was created a moment ago is listed, though a copy of the table lacks it', async () => {
    const [userId = ''] = await newUsers(1);
    const [first, second] = [await newEvent(1, false), await newEvent(1, false)];
    await register(userId, first);
    await register(userId, second);
    const asked: (boolean | undefined)[] = [];
    using _ = onDynamo(async ({ operation, request, send }) => {
      if (operation !== 'BatchGetItem') return send();
      const { RequestItems } = (await request.clone().json()) as BatchGet;
      const events = RequestItems[store.tables.events];
      asked.push(events?.ConsistentRead);
      const answer = (await (await send()).json()) as { Responses: Record<string, object[]> };
      if (events?.ConsistentRead === true) return Response.json(answer);
      return Response.json({ Responses: { ...answer.Responses, [store.tables.events]: [] } });
    });
    expect(await idsOf(userId)).toEqual([first, second]);
    expect(asked).toEqual([false, true]);
  });
});

describe('what reading the events of a user costs', () => {
  test('a user who does not exist is one read', async () => {
    using calls = countDynamo();
    expect((await api('GET', `/registration/users/${unique('nobody')}/events`)).status).toBe(404);
    expect(calls.operations.splice(0)).toEqual(['GetItem']);
    expect((await api('GET', `/registration/users/${unique('nobody')}`)).status).toBe(404);
    expect(calls.operations).toEqual(['GetItem']);
  });

  test('each seat is one unit and a half, and the index next to nothing', async () => {
    const [userId = ''] = await newUsers(1);
    const eventIds = await newSeats(userId, 162);
    let units = 0;
    {
      using _ = onDynamo(async ({ request, send }) => {
        const body = (await request.clone().json()) as object;
        const response = await send({ ...body, ReturnConsumedCapacity: 'TOTAL' });
        const { ConsumedCapacity } = (await response.clone().json()) as {
          ConsumedCapacity: { CapacityUnits: number } | { CapacityUnits: number }[];
        };
        for (const each of [ConsumedCapacity].flat()) units += each.CapacityUnits;
        return response;
      });
      const { body } = await api('GET', `/registration/users/${userId}/events`);
      expect(body.map(({ eventId }: { eventId: string }) => eventId)).toEqual(eventIds);
    }
    // The user, the seats, their events, and the index by the 4 KB.
    expect(units).toBeGreaterThanOrEqual(1 + 162 + 81);
    expect(units).toBeLessThanOrEqual(1 + 162 + 81 + 6);
  });
});

describe('the events of a user, in pages', () => {
  /** All pages from a path on: the ids of each. */
  async function pagesFrom(path: string): Promise<string[][]> {
    const pages: string[][] = [];
    for (let next: string | undefined = path; next !== undefined; ) {
      const { status, headers, body } = await api('GET', next);
      expect(status).toBe(200);
      pages.push(body.map(({ eventId }: { eventId: string }) => eventId));
      next = /^<(.*)>; rel="next"$/.exec(headers.get('Link') ?? '')?.[1];
    }
    return pages;
  }

  test('come oldest seat first, each once, and the last has no next', async () => {
    const [userId = ''] = await newUsers(1);
    const eventIds = await newSeats(userId, 5);
    const path = `/registration/users/${userId}/events`;
    expect(await pagesFrom(path)).toEqual([eventIds]);
    expect(await pagesFrom(`${path}?limit=5`)).toEqual([eventIds]);
    const pages = [eventIds.slice(0, 2), eventIds.slice(2, 4), eventIds.slice(4)];
    expect(await pagesFrom(`${path}?limit=2`)).toEqual(pages);
  });

  test('have 1 000 events by default, however many seats there are', async () => {
    const [userId = ''] = await newUsers(1);
    const eventIds = await newSeats(userId, 2_001);
    using calls = countDynamo();
    const pages = await pagesFrom(`/registration/users/${userId}/events`);
    expect(pages.map(({ length }) => length)).toEqual([1_000, 1_000, 1]);
    expect(pages.flat()).toEqual(eventIds);
    // Only the listed seats are confirmed.
    expect(calls.operations.filter((each) => each === 'BatchGetItem').length).toBe(41);
  });

  test('are filled up when seats turn out to be given up', async () => {
    const [userId = ''] = await newUsers(1);
    const eventIds = await newSeats(userId, 4);
    using _ = onDynamo(async ({ operation, send }) => {
      const response = await send();
      if (operation !== 'Query') return response;
      const page = (await response.json()) as { Items: { createdAt: object }[] };
      const stale = page.Items.map((row) => ({
        ...row,
        registrationId: { S: crypto.randomUUID() },
        createdAt: { S: '2025-12-31T00:00:00.000Z' },
      }));
      return Response.json({ ...page, Items: [...stale, ...page.Items] });
    });
    const pages = await pagesFrom(`/registration/users/${userId}/events?limit=3`);
    expect(pages).toEqual([eventIds.slice(0, 3), eventIds.slice(3)]);
  });

  test('are refused past a cursor that this list never gave', async () => {
    const [userId = '', other = ''] = await newUsers(2);
    await newSeats(userId, 2);
    const linked = await api('GET', `/registration/users/${userId}/events?limit=1`);
    const cursor = new URL(
      /<(.*)>/.exec(linked.headers.get('Link') ?? '')?.[1] ?? '',
      'http://desk.test',
    ).searchParams.get('cursor');
    expect(cursor).not.toBeNull();
    const ask = async (of: string, query: string) =>
      (await api('GET', `/registration/users/${of}/events?${query}`)).status;
    expect(await ask(userId, `cursor=${cursor}`)).toBe(200);
    expect(await ask(other, `cursor=${cursor}`)).toBe(400);
    for (const place of ['', 'nonsense', '#', 7, null]) {
      const forged = btoa(JSON.stringify(['events', userId, place])).replaceAll('=', '');
      expect(await ask(userId, `cursor=${forged}`)).toBe(400);
    }
    expect(await ask(userId, 'cursor=nonsense')).toBe(400);
    expect(await ask(userId, 'limit=1001')).toBe(400);
    expect((await api('GET', `/registration/events?cursor=${cursor}`)).status).toBe(400);
  });
});

describe('the list of events', () => {
  test('is read at half the price, without asking for the very latest', async () => {
    const scans: { ConsistentRead?: boolean }[] = [];
    using _ = onDynamo(async ({ operation, request, send }) => {
      if (operation === 'Scan') scans.push(await request.clone().json());
      return send();
    });
    expect((await api('GET', '/registration/events?limit=1')).status).toBe(200);
    expect(scans.length).toBe(1);
    expect(scans[0]?.ConsistentRead ?? false).toBe(false);
  });
});
