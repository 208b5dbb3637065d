import { say } from '../../src/cli/terminal.ts';
import { type Bench, newEventId, withServer } from './bench.ts';
import { seedEvent } from './database.ts';
import { untilOk } from './http-client.ts';
import { capacityShot } from './load.ts';
import { medianOf } from './stats.ts';

/** Rows of the event that shows the compiler every path first. */
const WARM_UP_ROWS = 3_000;

/**
 * From the first request to a cold object to its answer, beside the bare paginated query of the same
 * rows in the same runtime. Every measurement has a new process, for an object is cold only once.
 */
export async function benchCold(bench: Bench): Promise<void> {
  const { figures, isQuick, database } = bench;
  const sizes = isQuick ? [10_000] : [100, 10_000, 100_000];
  const seed = async (registered: number): Promise<string> => {
    const eventId = newEventId();
    await seedEvent(database, { eventId, registered, waiting: 0, capacity: 100_000 });
    return eventId;
  };
  const warmUp = await seed(WARM_UP_ROWS);
  for (const size of sizes) {
    say(`A cold object with ${size} people`);
    const eventId = await seed(size);
    const rounds = isQuick ? 1 : size > 10_000 ? 3 : 7;
    const object: number[] = [];
    const query: number[] = [];
    for (let round = 0; round < rounds; round++) {
      await withServer(bench, 'probe', async ({ url }) => {
        const ask = (id: string) =>
          untilOk(url, { method: 'GET', path: `/query?eventId=${encodeURIComponent(id)}` });
        await ask(warmUp);
        await untilOk(url, capacityShot(warmUp));
        await ask(warmUp);
        const first = async () => object.push(await untilOk(url, capacityShot(eventId)));
        const bare = async () => query.push(await ask(eventId));
        // In changing order: whoever comes second finds the caches of the machine filled.
        for (const step of round % 2 === 0 ? [first, bare] : [bare, first]) await step();
      });
    }
    figures.add(`cold${size}-ms`, medianOf(object), 'ms');
    figures.add(`cold${size}-query-ms`, medianOf(query), 'ms');
    const ratios = object.map((ms, i) => ms / (query[i] ?? Number.NaN));
    const name = size === 10_000 ? 'cold-over-query' : `cold${size}-over-query`;
    figures.add(name, medianOf(ratios), 'ratio', 'median of pairs');
  }
}
