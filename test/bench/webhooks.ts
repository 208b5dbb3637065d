import { randomBytes } from 'node:crypto';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { say } from '../../src/cli/terminal.ts';
import { type Bench, newEventId, withServer } from './bench.ts';
import { userId } from './database.ts';
import { registerMany } from './hot.ts';
import { openClient } from './http-client.ts';
import { createEvent, fire, registerShot, unregisterShot } from './load.ts';
import { medianOf, percentile } from './stats.ts';

const DRAIN_TIMEOUT_MS = 60_000;
const POLL_MS = 5;

/** An endpoint on this machine. */
interface Receiver {
  url: string;
  /** When each message came first, by its type and user. */
  arrivals: Map<string, number>;
  stop(): void;
}

/** Receives messages; one that is dead takes a connection and never answers. */
async function receive(isDead: boolean): Promise<Receiver> {
  const arrivals = new Map<string, number>();
  const server: HttpServer = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => {
      text += chunk;
    });
    request.on('end', () => {
      const at = performance.now();
      if (isDead) return;
      const { type, data } = JSON.parse(text) as { type: string; data: { userId?: string } };
      const what = `${type} ${data.userId ?? ''}`;
      if (!arrivals.has(what)) arrivals.set(what, at);
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((up) => server.listen(0, '127.0.0.1', up));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    arrivals,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** The variables of a worker that sends everything to a receiver. */
const webhooksOf = ({ url }: Receiver) => ({
  WEBHOOKS: JSON.stringify([
    { name: 'bench', url, secrets: [`whsec_${randomBytes(32).toString('base64')}`] },
  ]),
});

/** Waits until so many messages have come, and tells how many there are. */
async function drained({ arrivals }: Receiver, count: number): Promise<number> {
  const deadline = performance.now() + DRAIN_TIMEOUT_MS;
  while (arrivals.size < count && performance.now() < deadline) await sleep(POLL_MS);
  return arrivals.size;
}

/** How long it takes until somebody who was promoted is heard of, when nothing else goes on. */
async function benchLatency(bench: Bench, rounds: number): Promise<void> {
  const receiver = await receive(false);
  try {
    await withServer(
      bench,
      'ours',
      async ({ url }) => {
        const eventId = newEventId();
        await createEvent(url, { eventId, capacity: 1, hasWaitlist: true });
        await fire({
          ...{ url, connections: 1, amount: rounds + 1 },
          next: (i) => registerShot(userId(i), eventId),
        });
        await drained(receiver, rounds + 2);
        const client = openClient(url, 1);
        const ms: number[] = [];
        for (let i = 0; i < rounds; i++) {
          const { method, path } = unregisterShot(userId(i), eventId);
          const what = `registration.promoted ${userId(i + 1)}`;
          const sent = performance.now();
          await client.send(method, path);
          while (!receiver.arrivals.has(what) && performance.now() - sent < DRAIN_TIMEOUT_MS) {
            await sleep(1);
          }
          ms.push((receiver.arrivals.get(what) ?? Number.NaN) - sent);
        }
        client.close();
        const note = 'from the request that freed the seat to the message';
        bench.figures.add('webhook-p50-ms', medianOf(ms), 'ms', note);
        bench.figures.add('webhook-p99-ms', percentile(ms, 0.99), 'ms');
      },
      { vars: webhooksOf(receiver) },
    );
  } finally {
    receiver.stop();
  }
}

/** How long it takes until everybody is heard of who registers at once. */
async function benchStorm(bench: Bench, amount: number): Promise<void> {
  const receiver = await receive(false);
  try {
    await withServer(
      bench,
      'ours',
      async (server) => {
        await registerMany(server, { connections: 64, amount: 2_000, firstUser: amount });
        await drained(receiver, 2_000 + 1);
        receiver.arrivals.clear();
        const began = performance.now();
        const { seconds } = await registerMany(server, { connections: 64, amount });
        const count = await drained(receiver, amount + 1);
        const took = (performance.now() - began) / 1_000;
        const { figures } = bench;
        figures.add('webhook-storm-seconds', seconds, 's', `${amount} registrations`);
        figures.add('webhook-drain-seconds', took, 's', 'until all were delivered');
        figures.add('webhook-undelivered', amount + 1 - count, 'messages');
      },
      { vars: webhooksOf(receiver) },
    );
  } finally {
    receiver.stop();
  }
}

/** A storm beside an endpoint that takes everything, and one that never answers, over one without any. */
async function benchEndpoints(bench: Bench, rounds: number, amount: number): Promise<void> {
  const [alive, dead] = [await receive(false), await receive(true)];
  try {
    await withServer(bench, 'ours', (none) =>
      withServer(
        bench,
        'ours',
        (withAlive) =>
          withServer(
            bench,
            'ours',
            async (withDead) => {
              const servers = [none, withAlive, withDead];
              const rates: number[][] = [[], [], []];
              for (let round = -1; round < rounds; round++) {
                for (const [i, server] of servers.entries()) {
                  const { perSecond } = await registerMany(server, { connections: 64, amount });
                  await sleep(500);
                  // The first round warms up.
                  if (round >= 0) rates[i]?.push(perSecond);
                }
              }
              const [without = [], living = [], hanging = []] = rates;
              const over = (some: number[]) =>
                medianOf(some.map((rate, i) => rate / (without[i] ?? Number.NaN)));
              const { figures } = bench;
              figures.add('webhook-alive-over-none', over(living), 'ratio', 'throughput');
              figures.add('webhook-dead-over-none', over(hanging), 'ratio', 'throughput');
            },
            { vars: webhooksOf(dead) },
          ),
        { vars: webhooksOf(alive) },
      ),
    );
  } finally {
    alive.stop();
    dead.stop();
  }
}

/** Messages to endpoints: how soon they come, and what they cost those who register. */
export async function benchWebhooks(bench: Bench): Promise<void> {
  const { isQuick } = bench;
  say('Webhooks of an idle event');
  await benchLatency(bench, isQuick ? 100 : 1_000);
  say('Webhooks of a storm');
  await benchStorm(bench, 3_000);
  await benchEndpoints(bench, isQuick ? 3 : 7, 3_000);
}
