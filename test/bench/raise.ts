import { setTimeout as sleep } from 'node:timers/promises';
import { say } from '../../src/cli/terminal.ts';
import { type Bench, newEventId, withServer } from './bench.ts';
import { userId } from './database.ts';
import { failures } from './hot.ts';
import { type HttpClient, openClient } from './http-client.ts';
import { capacityShot, createEvent, fire, registerShot, send, unregisterShot } from './load.ts';
import { medianOf, percentile } from './stats.ts';
import { startStub } from './stub.ts';

/** How long a transaction and a read take. */
const DISTANCE = { readMs: 5, writeMs: 25 };
/** Others ask so often, one after the other: a read, a registration, a read, a leave. */
const OTHERS_EVERY_MS = 20;
const OTHERS_CONNECTIONS = 64;
/** People who have a seat before the raise, and leave while it lasts. */
const SEATED = 2_000;
const TIMEOUT_MS = 120_000;

interface Other {
  status: number;
  ms: number;
}

/** Others ask for something at a fixed rate until told to stop. */
async function askOn(
  client: HttpClient,
  eventId: string,
  { firstNew, firstSeated }: { firstNew: number; firstSeated: number },
  isOver: () => boolean,
) {
  const asked: Promise<Other>[] = [];
  const began = performance.now();
  for (let i = 0; !isOver(); i++) {
    const turn = Math.floor(i / 4);
    const shots = [
      capacityShot(eventId),
      registerShot(userId(firstNew + turn), eventId),
      capacityShot(eventId),
      unregisterShot(userId(firstSeated + turn), eventId),
    ];
    const { method, path, body } = shots[i % 4] ?? capacityShot(eventId);
    asked.push(client.send(method, path, body));
    // By the clock, so that a late answer does not slow them down.
    await sleep(Math.max(0, began + (i + 1) * OTHERS_EVERY_MS - performance.now()));
  }
  return Promise.all(asked);
}

/** Makes an event with people in line. It is run without and then with a raise that gives all of them a seat, with others who ask meanwhile. */
async function fillEvent(url: string, waiting: number) {
  const eventId = newEventId();
  await createEvent(url, { eventId, capacity: SEATED, hasWaitlist: true });
  const amount = SEATED + waiting;
  const next = (i: number) => registerShot(userId(i), eventId);
  const filled = await fire({ url, connections: 64, amount, next });
  if (failures(filled) > 0) throw new Error(`raise: ${JSON.stringify(filled.statuses)}`);
  return {
    async run(isRaised: boolean) {
      const client = openClient(url, OTHERS_CONNECTIONS);
      let isOver = false;
      const who = isRaised
        ? { firstNew: amount, firstSeated: SEATED / 2 }
        : { firstNew: amount + waiting, firstSeated: 0 };
      const others = askOn(client, eventId, who, () => isOver);
      const began = performance.now();
      if (isRaised) {
        const path = `/registration/events/${eventId}`;
        // More than all who wait and come meanwhile.
        const body = JSON.stringify({ capacity: SEATED + 2 * waiting });
        // The answer may be that the outcome is not known yet: what counts is when nobody waits any more.
        const raise = client.send('PATCH', path, body);
        while (!(await isDone(url, eventId)) && performance.now() - began < TIMEOUT_MS) {
          await sleep(50);
        }
        await raise;
      } else {
        await sleep(3_000);
      }
      const seconds = (performance.now() - began) / 1_000;
      isOver = true;
      const answers = await others;
      client.close();
      const served = answers.filter(({ status }) => status < 500);
      const ms = served.map((answer) => answer.ms);
      return { seconds, refused: answers.length - served.length, asked: answers.length, ms };
    },
  };
}

/** Whether nobody waits any more. */
async function isDone(url: string, eventId: string): Promise<boolean> {
  const { path } = capacityShot(eventId);
  try {
    const answer = await send(url, { method: 'GET', path });
    return (answer as { waitlistCount: number }).waitlistCount === 0;
  } catch {
    // An event that is too busy to be read is not done. Others who are refused are counted elsewhere.
    return false;
  }
}

/** A raise of the capacity that promotes ten thousand, and how long others wait for their answers meanwhile. */
export async function benchRaise(bench: Bench): Promise<void> {
  const { figures, isQuick } = bench;
  const waiting = isQuick ? 1_000 : 10_000;
  say(`A raise that promotes ${waiting}, at ${DISTANCE.writeMs} ms a transaction`);
  const stub = await startStub();
  try {
    await withServer(
      bench,
      'ours',
      async ({ url }) => {
        const seconds: number[] = [];
        const idle: number[] = [];
        const meanwhile: number[] = [];
        let refused = 0;
        let asked = 0;
        for (let round = 0; round < (isQuick ? 1 : 3); round++) {
          stub.set({ readMs: 0, writeMs: 0 });
          const event = await fillEvent(url, waiting);
          stub.set(DISTANCE);
          for (const ms of (await event.run(false)).ms) idle.push(ms);
          const raise = await event.run(true);
          seconds.push(raise.seconds);
          for (const ms of raise.ms) meanwhile.push(ms);
          refused += raise.refused;
          asked += raise.asked;
        }
        figures.add('raise-seconds', medianOf(seconds), 's', `${waiting} promoted`);
        figures.add('raise-others-p50-ms', percentile(meanwhile, 0.5), 'ms');
        const note = `of ${asked} who read, register and leave meanwhile`;
        figures.add('raise-others-p99-ms', percentile(meanwhile, 0.99), 'ms', note);
        figures.add('raise-idle-p99-ms', percentile(idle, 0.99), 'ms', 'the same without a raise');
        figures.add('raise-refused', refused, 'requests', 'answered with 5xx');
      },
      { endpoint: stub.endpoint },
    );
  } finally {
    await stub.stop();
  }
}
