import { say } from '../../src/cli/terminal.ts';
import { ID_MAX_CHARS } from '../../src/limits.ts';
import { type Bench, newEventId, withServer } from './bench.ts';
import { seedEvent } from './database.ts';
import { untilOk } from './http-client.ts';
import { type LargeEvent, startIndexServer } from './index-server.ts';
import { capacityShot } from './load.ts';
import { medianOf } from './stats.ts';

/** Rows of the event that warms up the compiler. */
const WARM_UP_ROWS = 3_000;
/** Rows of the event that is compared with the bare query. */
const ROWS = 10_000;
/** A full event, and the latency of its pages. */
const PEOPLE = 100_000;
const PAGE_MS = 60;

/**
 * The time from the first request to a cold object to its answer, beside a bare paginated query of the same
 * rows in the same runtime. Every measurement has a new process, since an object is cold only once.
 */
export async function benchCold(bench: Bench): Promise<void> {
  const { figures, isQuick, database } = bench;
  const seed = async (registered: number): Promise<string> => {
    const eventId = newEventId();
    await seedEvent(database, { eventId, registered, waiting: 0, capacity: 100_000 });
    return eventId;
  };
  const warmUp = await seed(WARM_UP_ROWS);
  say(`A cold object with ${ROWS} people`);
  const eventId = await seed(ROWS);
  const object: number[] = [];
  const query: number[] = [];
  for (let round = 0; round < (isQuick ? 1 : 5); round++) {
    await withServer(bench, 'probe', async ({ url }) => {
      const ask = (id: string) =>
        untilOk(url, { method: 'GET', path: `/query?eventId=${encodeURIComponent(id)}` });
      await ask(warmUp);
      await untilOk(url, capacityShot(warmUp));
      await ask(warmUp);
      const first = async () => object.push(await untilOk(url, capacityShot(eventId)));
      const bare = async () => query.push(await ask(eventId));
      // In alternating order, since the second one finds warm caches.
      for (const step of round % 2 === 0 ? [first, bare] : [bare, first]) await step();
    });
  }
  figures.add('cold-rows-ms', medianOf(object), 'ms', `${ROWS} people`);
  figures.add('cold-query-ms', medianOf(query), 'ms', 'the bare query of the same rows');
  const ratios = object.map((ms, i) => ms / (query[i] ?? Number.NaN));
  figures.add('cold-over-query', medianOf(ratios), 'ratio', 'median of pairs');
  await benchFull(bench);
}

/** Measures a full event whose pages take as long as on the platform. */
async function benchFull(bench: Bench): Promise<void> {
  const people = { seats: PEOPLE, waiting: PEOPLE, pageMs: PAGE_MS };
  const events: Record<string, LargeEvent> = {
    'cold-full-ms': { ...people, eventId: 'full', userId: { length: 12, fill: 'u' } },
    'cold-full-longest-ms': {
      ...people,
      eventId: 'e'.padEnd(ID_MAX_CHARS, '\u4f1a'),
      userId: { length: ID_MAX_CHARS, fill: '\u4f1a' },
    },
    'cold-small-ms': {
      ...people,
      seats: 1_000,
      waiting: 0,
      eventId: 'small',
      userId: { length: 12, fill: 'u' },
    },
    'cold-line-ms': { ...people, seats: 50, eventId: 'line', userId: { length: 12, fill: 'u' } },
  };
  for (const [name, event] of Object.entries(events)) {
    const { seats, waiting, eventId } = event;
    say(`A cold object with ${seats} seated and ${waiting} in line, at ${PAGE_MS} ms a page`);
    const { endpoint, stop } = await startIndexServer(event);
    try {
      const times: number[] = [];
      for (let round = 0; round < (bench.isQuick ? 1 : 3); round++) {
        const first = await withServer(
          bench,
          'ours',
          ({ url }) => untilOk(url, capacityShot(eventId)),
          { endpoint },
        );
        times.push(first);
      }
      bench.figures.add(name, medianOf(times), 'ms');
    } finally {
      await stop();
    }
  }
}
