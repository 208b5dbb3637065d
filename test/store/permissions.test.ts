import { evictDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { expect, test } from 'vitest';
import type { TableNames } from '../../src/config.ts';
import { PERMISSIONS } from '../../src/store/permissions.ts';
import {
  api,
  newEvent,
  newUsers,
  onDynamo,
  register,
  store,
  unique,
  unregister,
} from '../support/desk.ts';

/** What a call needs, as `table action` and `table/index Query`. */
function needsOf(operation: string, body: Record<string, never>): string[] {
  const name = new Map(Object.entries(store.tables).map(([key, table]) => [table, key]));
  const of = (table: string, action: string) => `${name.get(table)} ${action}`;
  if (operation === 'BatchGetItem') {
    return Object.keys(body.RequestItems ?? {}).map((table) => of(table, operation));
  }
  if (operation === 'TransactWriteItems') {
    const items = (body.TransactItems ?? []) as Record<string, { TableName: string }>[];
    return items.flatMap((item) =>
      Object.entries(item).map(([kind, { TableName }]) => of(TableName, `${kind}Item`)),
    );
  }
  const { TableName = '', IndexName } = body as { TableName?: string; IndexName?: string };
  return [
    IndexName ? `${name.get(TableName)}/${IndexName} ${operation}` : of(TableName, operation),
  ];
}

/** Lets the time pass after which an erasure can be finished. */
const passTime = (userId: string) =>
  store.client.send(
    new UpdateCommand({
      TableName: store.tables.users,
      Key: { userId },
      UpdateExpression: 'SET erasedAt = :at',
      ExpressionAttributeValues: { ':at': '2026-01-01T00:00:00.000Z' },
    }),
  );

test('the service needs the permissions that are listed, and no others', async () => {
  const needed = new Set<string>();
  {
    using _ = onDynamo(async ({ operation, request, send }) => {
      const body = JSON.parse(await request.clone().text());
      for (const need of needsOf(operation, body)) needed.add(need);
      return send();
    });
    // A new event, and one that is loaded; every kind of change, and every list.
    const [a = '', b = '', c = ''] = await newUsers(3);
    const eventId = await newEvent(1, true);
    await api('POST', '/registration/users', { userId: unique('user'), name: 'Somebody' });
    await api('GET', `/registration/users/${a}`);
    for (const userId of [a, b, c]) await register(userId, eventId);
    await unregister(a, eventId);
    await api('DELETE', `/registration/waitlist?userId=${c}&eventId=${eventId}`);
    await api('GET', `/registration/users/${b}/events`);
    await api('PATCH', `/registration/events/${eventId}`, { name: 'Another name' });
    await api('GET', `/registration/events/${eventId}/registrations`);
    await register(c, eventId);
    await evictDurableObject(env.EVENTS.getByName(eventId));
    await api('GET', `/registration/events/${eventId}/capacity`);
    await api('GET', '/registration/events?limit=1');
    await api('PATCH', `/registration/users/${b}`, { name: 'Another name' });
    await api('GET', `/registration/users/${b}/places`);
    await api('GET', `/registration/users/${c}/export`);
    await api('DELETE', `/registration/users/${c}`);
    await passTime(c);
    await api('DELETE', `/registration/users/${c}`);
    await api('GET', '/health/ready');
  }
  // `newUsers` writes to the table directly.
  needed.delete('undefined BatchWriteItem');
  const listed = (Object.keys(PERMISSIONS) as (keyof TableNames)[]).flatMap((table) => [
    ...PERMISSIONS[table].actions.map((action) => `${table} ${action}`),
    ...PERMISSIONS[table].indexes.map((index) => `${table}/${index} Query`),
  ]);
  expect([...needed].sort()).toEqual(listed.sort());
});
