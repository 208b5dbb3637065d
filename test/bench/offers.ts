import { setTimeout as sleep } from 'node:timers/promises';
import { say } from '../../src/cli/terminal.ts';
import { OFFER_MIN_SECONDS } from '../../src/limits.ts';
import { type Bench, newEventId, withServer } from './bench.ts';
import { userId } from './database.ts';
import { type HttpClient, openClient } from './http-client.ts';
import { createEvent, fire, registerShot } from './load.ts';
import { medianOf, percentile } from './stats.ts';

/** Offers that end at once, and as many people who wait for their seats. */
const OFFERS = 1_000;
/** Clients that register all the time, one request after the other each. */
const CLIENTS = 8;
/** How long before the ends they begin. */
const AHEAD_MS = 500;
const POLL_MS = 10;
const TIMEOUT_MS = 60_000;

/** The open offer that comes first by position. */
async function firstOffer(client: HttpClient, eventId: string) {
  const { status, body } = await client.send(
    'GET',
    `/registration/events/${eventId}/offers?limit=1`,
  );
  if (status !== 200) return null;
  const { items } = JSON.parse(body) as { items: { position: number; expiresAt: string }[] };
  return items[0] ?? null;
}

/** When the last of the offers ends, in epoch milliseconds, once all are made. */
async function offerAll(client: HttpClient, eventId: string): Promise<number> {
  const path = `/registration/events/${eventId}`;
  const patch = { offerSeconds: OFFER_MIN_SECONDS, capacity: OFFERS + 1 };
  const raised = await client.send('PATCH', path, JSON.stringify(patch));
  if (raised.status !== 200) throw new Error(`PATCH: ${raised.status} ${raised.body}`);
  for (;;) {
    const { body } = await client.send('GET', `${path}/offers?limit=${OFFERS}`);
    const { items } = JSON.parse(body) as { items: { expiresAt: string }[] };
    if (items.length === OFFERS) {
      return Math.max(...items.map(({ expiresAt }) => Date.parse(expiresAt)));
    }
    await sleep(POLL_MS);
  }
}

/** Registers new people one after the other until told to stop; they wait in line. */
async function registerOn(
  client: HttpClient,
  eventId: string,
  next: () => string,
  isOver: () => boolean,
): Promise<{ served: number[]; refused: number }> {
  const served: number[] = [];
  let refused = 0;
  while (!isOver()) {
    const { method, path, body } = registerShot(next(), eventId);
    const { status, ms } = await client.send(method, path, body);
    if (status === 201) served.push(ms);
    else refused++;
  }
  return { served, refused };
}

/** How long it takes until all offers that end together are handed on, and what those who register wait meanwhile. */
async function handOn(bench: Bench): Promise<{ seconds: number; ms: number[]; refused: number }> {
  return await withServer(bench, 'ours', async ({ url }) => {
    const eventId = newEventId();
    await createEvent(url, { eventId, capacity: 1, hasWaitlist: true });
    let user = 0;
    const next = () => userId(user++);
    const amount = 2 * OFFERS + 1;
    await fire({ url, connections: 64, amount, next: () => registerShot(next(), eventId) });
    const client = openClient(url, CLIENTS + 1);
    try {
      const endsAt = await offerAll(client, eventId);
      await sleep(endsAt - AHEAD_MS - Date.now());
      let isOver = false;
      const clients = Array.from({ length: CLIENTS }, () =>
        registerOn(client, eventId, next, () => isOver),
      );
      let handedOnAt = Number.NaN;
      while (Number.isNaN(handedOnAt) && Date.now() < endsAt + TIMEOUT_MS) {
        const first = await firstOffer(client, eventId);
        if (first && first.position > OFFERS) handedOnAt = Date.now();
        else await sleep(POLL_MS);
      }
      isOver = true;
      const results = await Promise.all(clients);
      return {
        seconds: (handedOnAt - endsAt) / 1_000,
        ms: results.flatMap(({ served }) => served),
        refused: results.reduce((sum, { refused }) => sum + refused, 0),
      };
    } finally {
      client.close();
    }
  });
}

/** A thousand offers of one event that end in the same second, while people go on registering for it. */
export async function benchOffers(bench: Bench): Promise<void> {
  say(`${OFFERS} offers that end together`);
  const rounds = [];
  for (let round = 0; round < (bench.isQuick ? 1 : 3); round++) rounds.push(await handOn(bench));
  const { figures } = bench;
  const all = rounds.map(({ seconds }) => seconds);
  const note = `median of ${all.map((each) => each.toFixed(2)).join(', ')}`;
  figures.add('offers-handed-on-seconds', medianOf(all), 's', note);
  const served = rounds.map(({ ms }) => ms.length);
  figures.add('offers-registrations', medianOf(served), 'registrations', 'served meanwhile');
  const p99 = medianOf(rounds.map(({ ms }) => percentile(ms, 0.99)));
  figures.add('offers-registration-p99-ms', p99, 'ms');
  const refused = rounds.reduce((sum, round) => sum + round.refused, 0);
  figures.add('offers-registrations-refused', refused, 'registrations');
}
