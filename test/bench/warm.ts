import { say } from '../../src/cli/terminal.ts';
import { type Bench, newEventId, withServer } from './bench.ts';
import { userId } from './database.ts';
import { type HttpClient, openClient } from './http-client.ts';
import { createEvent, fire, registerShot, type Shot, unregisterShot } from './load.ts';
import { startProxy, totalCalls } from './proxy.ts';
import type { Server } from './runtime.ts';
import { medianOf } from './stats.ts';

const CALLS = 100;

/** Sends a request to the service, and checks that it succeeded. */
async function shoot(client: HttpClient, { method, path, body }: Shot): Promise<number> {
  const answer = await client.send(method, path, body);
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.body}`);
  return answer.ms;
}

/** A warm event with seats for all. The first users have registered and left, so it knows them. */
async function warmEvent(server: Server, known: number): Promise<string> {
  const eventId = newEventId();
  await createEvent(server.url, { eventId, capacity: 100_000, hasWaitlist: true });
  for (const shot of [registerShot, unregisterShot]) {
    const next = (i: number) => shot(userId(i), eventId);
    await fire({ url: server.url, connections: 8, amount: known, next });
  }
  return eventId;
}

/** A single registration, beside the floor's, in turn. */
async function benchLatency(bench: Bench): Promise<void> {
  const { figures, isQuick } = bench;
  const rounds = isQuick ? 200 : 800;
  const known = isQuick ? 300 : 1_000;
  await withServer(bench, 'floor', (floorServer) =>
    withServer(bench, 'ours', async (server) => {
      const eventId = await warmEvent(server, known);
      const service = openClient(server.url, 1);
      const floor = openClient(floorServer.url, 1);
      const floorEvent = newEventId();
      const shootFloor = (i: number) => shoot(floor, registerShot(userId(i), floorEvent));
      // As many as the service has had to warm up.
      for (let i = 0; i < 2 * known; i++) await shootFloor(i);
      const ms = { known: [] as number[], unknown: [] as number[], floor: [] as number[] };
      for (let i = 0; i < rounds; i++) {
        ms.known.push(await shoot(service, registerShot(userId(i), eventId)));
        ms.floor.push(await shootFloor(2 * known + i));
        ms.unknown.push(await shoot(service, registerShot(userId(known + i), eventId)));
      }
      for (const client of [service, floor]) client.close();
      const floorMs = medianOf(ms.floor);
      figures.add('warm-ms', medianOf(ms.known), 'ms', 'a user whom the isolate knows');
      figures.add('warm-unknown-ms', medianOf(ms.unknown), 'ms', 'a new user: one look-up more');
      const note = 'a worker and an object without our code, the same call';
      figures.add('warm-floor-ms', floorMs, 'ms', note);
      figures.add('warm-over-floor-ms', medianOf(ms.known) - floorMs, 'ms');
      figures.add('warm-over-floor', medianOf(ms.known) / floorMs, 'ratio');
    }),
  );
}

async function benchCalls(bench: Bench): Promise<void> {
  const known = CALLS;
  const proxy = await startProxy(bench.database.endpoint);
  try {
    await withServer(
      bench,
      'ours',
      async (server) => {
        const eventId = await warmEvent(server, known);
        const service = openClient(server.url, 1);
        for (const [name, from] of [
          ['warm-calls', 0],
          ['warm-unknown-calls', known],
        ] as const) {
          await proxy.takeTraffic();
          for (let i = 0; i < CALLS; i++) {
            await shoot(service, registerShot(userId(from + i), eventId));
          }
          const calls = totalCalls(await proxy.takeTraffic()) / CALLS;
          bench.figures.add(name, calls, 'calls');
        }
        service.close();
      },
      { endpoint: proxy.endpoint },
    );
  } finally {
    await proxy.stop();
  }
}

/** A single registration in a warm event. */
export async function benchWarm(bench: Bench): Promise<void> {
  say('One warm registration, alone');
  await benchLatency(bench);
  await benchCalls(bench);
}
