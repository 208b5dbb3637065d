import { say } from '../../src/cli/terminal.ts';
import { type Bench, newEventId, withServer } from './bench.ts';
import { seedEvent, userId } from './database.ts';
import { dynamodbHeaders, type HttpClient, openClient } from './http-client.ts';
import { createEvent, fire, registerShot, type Shot, unregisterShot } from './load.ts';
import { startProxy, totalCalls } from './proxy.ts';
import type { Server } from './runtime.ts';
import { medianOf } from './stats.ts';
import type { ReadyCall } from './variants/floor.ts';

/** Users that the object knows before the measurement, and users that it does not. */
const knownIn = ({ isQuick }: Bench): number => (isQuick ? 300 : 1_000);
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

/** The transaction of a single registration: the fenced event item, and the row. */
function toTransaction(eventId: string, user: string, version: number): object {
  const registrationId = crypto.randomUUID();
  const number = (value: number) => ({ N: String(value) });
  return {
    TransactItems: [
      {
        Update: {
          TableName: 'registration-events-table',
          Key: { eventId: { S: eventId } },
          UpdateExpression:
            'SET #version = :version, registeredCount = :registered, waitlistCount = :waitlist, ' +
            'lastPosition = :position, digest = :digest',
          ConditionExpression: '#version = :base',
          ExpressionAttributeNames: { '#version': 'version' },
          ExpressionAttributeValues: {
            ':base': number(version),
            ':version': number(version + 1),
            ':registered': number(version),
            ':waitlist': number(0),
            ':position': number(0),
            ':digest': { S: registrationId.replaceAll('-', '') },
          },
        },
      },
      {
        Put: {
          TableName: 'registrations-table',
          Item: {
            registrationId: { S: registrationId },
            userId: { S: user },
            eventId: { S: eventId },
            status: { S: 'ACTIVE' },
            createdAt: { S: new Date().toISOString() },
          },
        },
      },
    ],
    ClientRequestToken: crypto.randomUUID(),
  };
}

/**
 * A single registration, beside the bare call, and beside the same call through a worker and an
 * object without any of our code; alternating, and over connections of the same kind.
 */
async function benchLatency(bench: Bench): Promise<void> {
  const { figures, isQuick, database } = bench;
  const rounds = isQuick ? 100 : 800;
  const known = knownIn(bench);
  await withServer(bench, 'floor', (floorServer) =>
    withServer(bench, 'ours', async (server) => {
      const eventId = await warmEvent(server, known);
      const bare = newEventId();
      await seedEvent(database, { eventId: bare, registered: 0, waiting: 0, capacity: 100_000 });
      let version = 1;
      const nextTransaction = () => toTransaction(bare, 'u', version++);
      const service = openClient(server.url, 1);
      const direct = openClient(database.endpoint, 1);
      const floor = openClient(floorServer.url, 1);
      const throughFloor = () => {
        const headers = dynamodbHeaders('TransactWriteItems');
        const call: ReadyCall = { headers, body: JSON.stringify(nextTransaction()) };
        return shoot(floor, { method: 'POST', path: '/', body: JSON.stringify(call) });
      };
      for (let i = 0; i < known; i++) await throughFloor();
      const ms: Record<'known' | 'unknown' | 'call' | 'floor', number[]> = {
        known: [],
        unknown: [],
        call: [],
        floor: [],
      };
      for (let i = 0; i < rounds; i++) {
        ms.known.push(await shoot(service, registerShot(userId(i), eventId)));
        ms.call.push((await direct.dynamodb('TransactWriteItems', nextTransaction())).ms);
        ms.floor.push(await throughFloor());
        ms.unknown.push(await shoot(service, registerShot(userId(known + i), eventId)));
      }
      for (const client of [service, direct, floor]) client.close();
      const call = medianOf(ms.call);
      figures.add('warm-call-ms', call, 'ms', 'the bare TransactWriteItems call, median');
      figures.add('warm-ms', medianOf(ms.known), 'ms', 'a user whom the object knows');
      figures.add('warm-unknown-ms', medianOf(ms.unknown), 'ms', 'a new user: one look-up more');
      figures.add('warm-overhead-ms', medianOf(ms.known) - call, 'ms');
      figures.add('warm-unknown-overhead-ms', medianOf(ms.unknown) - call, 'ms');
      const note = 'a worker and an object without code of ours';
      figures.add('warm-floor-overhead-ms', medianOf(ms.floor) - call, 'ms', note);
    }),
  );
}

async function benchCalls(bench: Bench): Promise<void> {
  const known = knownIn(bench);
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
