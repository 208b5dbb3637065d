import { setTimeout as sleep } from 'node:timers/promises';
import { say } from '../../src/cli/terminal.ts';
import { type Bench, newEventId, withServer } from './bench.ts';
import { seedEvent } from './database.ts';
import { untilOk } from './http-client.ts';
import { type Inspector, inspect } from './inspector.ts';
import { capacityShot } from './load.ts';
import { memoryMb } from './processes.ts';

const PEOPLE = 100_000;
const SAMPLE_MS = 20;
const COLLECTIONS = 4;
const COLLECTION_MS = 300;
const MB = 1e6;

const heapMb = async (inspector: Inspector): Promise<number> =>
  (await inspector.call<{ usedSize: number }>('Runtime.getHeapUsage')).usedSize / MB;

/**
 * What is left after everything that nobody holds is gone. The runtime collects when it is asked to,
 * but never answers that it has, and gets to it with the next request.
 */
async function liveMb(inspector: Inspector, url: string): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < COLLECTIONS; i++) {
    inspector.notify('HeapProfiler.collectGarbage');
    await untilOk(url, { method: 'GET', path: '/health' });
    await sleep(COLLECTION_MS);
    least = Math.min(least, await heapMb(inspector));
  }
  return least;
}

/** The memory of an object with as many seats and as long a line as an event can have. */
export async function benchMemory(bench: Bench): Promise<void> {
  const { figures, isQuick, database } = bench;
  // A tenth tells the slope; the full size is what counts.
  const count = isQuick ? PEOPLE / 20 : PEOPLE;
  const eventId = newEventId();
  say(`Memory: seating ${count} people, and ${count} in line`);
  await seedEvent(database, { eventId, registered: count, waiting: count, capacity: count });
  await withServer(
    bench,
    'ours',
    async ({ url, pid, inspector: address }) => {
      const inspector = await inspect(address ?? '');
      await inspector.call('HeapProfiler.enable');
      const empty = await liveMb(inspector, url);
      let peak = 0;
      let isLoading = true;
      const sampling = (async () => {
        while (isLoading) {
          peak = Math.max(peak, await heapMb(inspector));
          await sleep(SAMPLE_MS);
        }
      })();
      const ms = await untilOk(url, capacityShot(eventId));
      isLoading = false;
      await sampling;
      const rss = memoryMb(pid);
      const live = await liveMb(inspector, url);
      inspector.close();
      say(`    loaded in ${ms.toFixed(0)} ms; the heap was ${empty.toFixed(1)} MB before`);
      const full = empty + (live - empty) * (PEOPLE / count);
      const note = isQuick ? 'extrapolated from a twentieth' : 'V8 heap after garbage collection';
      figures.add('memory-mb', full, 'MB', note);
      figures.add('memory-peak-mb', peak, 'MB', 'V8 heap while loading, with garbage');
      figures.add('memory-rss-mb', rss.now, 'MB', 'resident, the whole of workerd');
      figures.add('memory-rss-peak-mb', rss.peak, 'MB');
    },
    { inspect: true },
  );
}
