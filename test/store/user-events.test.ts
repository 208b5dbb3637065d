import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, test } from 'vitest';
import { listUserEvents } from '../../src/store/user-events.ts';
import { newEvent, newUsers, onDynamo, register, store, unregister } from '../support/desk.ts';

const idsOf = async (userId: string) =>
  (await listUserEvents(store, userId)).map(({ eventId }) => eventId);

describe('the events of a user, out of an index that lags', () => {
  test('a registration that was given up is not shown, though the index still has it', async () => {
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

  test('somebody who left and came back is in the event once', async () => {
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

  test('a row of an event that is not there is left out, not an error', async () => {
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
