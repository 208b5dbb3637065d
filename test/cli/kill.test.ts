import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient, GetItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, expect, test } from 'vitest';
import { killService, type Service, startService } from '../support/service.ts';

const directory = mkdtempSync(join(tmpdir(), 'registration-desk-'));
let service: Service | undefined;

const post = (path: string, body: object) =>
  fetch(`${service?.url}/registration/${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });

afterAll(() => {
  if (service) killService(service);
  rmSync(directory, { recursive: true, force: true });
});

test('after kill -9 of all processes under load, every acknowledged registration is there', {
  timeout: 60_000,
}, async () => {
  const eventId = 'gala';
  service = await startService(directory);
  expect(
    (await post('events', { eventId, name: 'Gala', capacity: 50, hasWaitlist: true })).status,
  ).toBe(201);

  const acknowledged: string[] = [];
  const load = Array.from({ length: 16 }, async (_, client) => {
    for (let i = 0; ; i++) {
      const userId = `u${client}-${i}`;
      await post('users', { userId, name: userId });
      if ((await post('registrations', { userId, eventId })).status === 201)
        acknowledged.push(userId);
    }
  });
  const cut = Promise.allSettled(load);
  while (acknowledged.length < 150) await new Promise((resolve) => setTimeout(resolve, 20));
  killService(service);
  await cut;

  service = await startService(directory);
  const capacity = await fetch(`${service.url}/registration/events/${eventId}/capacity`);
  expect(await capacity.json()).toMatchObject({ eventId, totalCapacity: 50, availableCapacity: 0 });

  const client = new DynamoDBClient({
    region: 'eu-central-1',
    endpoint: service.dynamodb,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const usersIn = async (TableName: string) => {
    const { Items = [] } = await client.send(new ScanCommand({ TableName, ConsistentRead: true }));
    // Entries of the log are among the registrations, and are nobody's.
    return Items.flatMap(({ userId }) => userId?.S ?? []);
  };
  const registered = await usersIn('registrations-table');
  const waiting = await usersIn('waitlist-table');
  const { Item } = await client.send(
    new GetItemCommand({
      TableName: 'registration-events-table',
      Key: { eventId: { S: eventId } },
    }),
  );
  expect(Number(Item?.registeredCount?.N)).toBe(registered.length);
  expect(Number(Item?.waitlistCount?.N)).toBe(waiting.length);
  expect(registered.length).toBe(50);
  const present = new Set([...registered, ...waiting]);
  expect(present.size).toBe(registered.length + waiting.length);
  expect(acknowledged.filter((userId) => !present.has(userId))).toEqual([]);
});
