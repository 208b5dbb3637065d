import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { hexDigestOf } from '../../src/digest.ts';
import type { Place } from '../../src/event/shown.ts';
import { type LiveState, type SeenOccupancy, watch } from '../../src/page/live-client.ts';
import { killService, type Service, startService } from '../support/service.ts';

const KEY = 'rdk_desk';
const directory = mkdtempSync(join(tmpdir(), 'registration-desk-'));
let service: Service;

beforeAll(async () => {
  service = await startService(directory, {
    AUTH_MODE: 'key,link',
    LINK_SECRET: 'a secret of links that has 32 bytes',
    API_KEYS: JSON.stringify([
      { name: 'desk', roles: ['organiser', 'service'], sha256: await hexDigestOf(KEY) },
    ]),
  });
}, 90_000);

afterAll(() => {
  if (service) killService(service);
  rmSync(directory, { recursive: true, force: true });
});

async function post(path: string, body: object, bearer = KEY) {
  const response = await fetch(`${service.url}/registration/${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${bearer}` },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(201);
  return response.json() as Promise<{ url: string }>;
}

test('somebody with a link sees the event and their place over a real socket', async () => {
  await post('users', { userId: 'mia', name: 'Mia' });
  await post('events', { eventId: 'recital', name: 'Recital', capacity: 1, hasWaitlist: true });
  const { url } = await post('links', { userId: 'mia', eventId: 'recital' });
  const page = new URL(url);
  expect(page.origin + page.pathname).toBe(`${service.url}/e/recital`);
  const token = page.hash.replace('#token=', '');
  const states: LiveState[] = [];
  const occupancies: SeenOccupancy[] = [];
  const places: Place[] = [];
  const watching = watch({
    ...{ url, eventId: 'recital', userId: 'mia', token: () => token },
    onState: (state) => states.push(state),
    onOccupancy: (occupancy) => occupancies.push(occupancy),
    onPlace: (place) => places.push(place),
  });
  const soon = { timeout: 10_000, interval: 20 };
  await vi.waitFor(() => expect(places.length).toBe(1), soon);
  expect(places[0]).toMatchObject({ status: 'NONE' });
  await post('registrations', { userId: 'mia', eventId: 'recital' }, token);
  await vi.waitFor(() => expect(places.at(-1)).toMatchObject({ status: 'ACTIVE' }), soon);
  expect(occupancies.at(-1)).toMatchObject({ availableCapacity: 0, version: expect.any(Number) });
  expect(states).toEqual(['connecting', 'live']);
  watching.close();
  expect(states.at(-1)).toBe('closed');
}, 60_000);

test('somebody whose token is for another event is told that it is refused', async () => {
  await post('events', { eventId: 'gala', name: 'Gala', capacity: 1 });
  const { url } = await post('links', { userId: 'mia', eventId: 'gala' });
  const token = new URL(url).hash.replace('#token=', '');
  const states: LiveState[] = [];
  const problems: number[] = [];
  const watching = watch({
    ...{ url, eventId: 'recital', token: () => token },
    onState: (state) => states.push(state),
    onOccupancy: () => expect.unreachable(),
    onProblem: ({ status }) => problems.push(status),
  });
  await vi.waitFor(() => expect(problems).toEqual([403]), { timeout: 10_000, interval: 20 });
  expect(states).toEqual(['connecting', 'refused']);
  watching.close();
}, 60_000);
