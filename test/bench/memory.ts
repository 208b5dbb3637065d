import { setTimeout as sleep } from 'node:timers/promises';
import { say } from '../../src/cli/terminal.ts';
import { bytesOf } from '../../src/event/state.ts';
import { EVENT_MAX_BYTES, ID_MAX_CHARS, OVERRIDE_REASON_MAX_CHARS } from '../../src/limits.ts';
import { type Bench, newEventId, withServer } from './bench.ts';
import { untilOk } from './http-client.ts';
import { type LargeEvent, startIndexServer } from './index-server.ts';
import { type Inspector, inspect } from './inspector.ts';
import { capacityShot } from './load.ts';
import { memoryMb } from './processes.ts';

const PEOPLE = 100_000;
const SAMPLE_MS = 20;
const COLLECTIONS = 4;
const COLLECTION_MS = 300;
const MB = 1e6;

/** V8's heap, and the memory beside it: the columns are in array buffers. */
const heapMb = async (inspector: Inspector): Promise<number> => {
  const usage = await inspector.call<{ usedSize: number; backingStorageSize?: number }>(
    'Runtime.getHeapUsage',
  );
  return (usage.usedSize + (usage.backingStorageSize ?? 0)) / MB;
};

/**
 * The memory after a garbage collection. The runtime collects when it is told to,
 * but does not answer, and does it with the next request.
 */
export async function liveMb(inspector: Inspector, url: string): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < COLLECTIONS; i++) {
    inspector.notify('HeapProfiler.collectGarbage');
    await untilOk(url, { method: 'GET', path: '/health' });
    await sleep(COLLECTION_MS);
    least = Math.min(least, await heapMb(inspector));
  }
  return least;
}

/**
 * The memory of an object with the greatest number of seats and entries: with usual ids,
 * with the longest ids that fit, and with reasons that use up all bytes.
 */
export async function benchMemory(bench: Bench): Promise<void> {
  // A twentieth shows the slope; the full size is the figure.
  const count = bench.isQuick ? PEOPLE / 20 : PEOPLE;
  say(`Memory: ${count} seated, and ${count} in line`);
  const people = { seats: count, waiting: count, pageMs: 0 };
  const usual = { ...people, eventId: newEventId(), userId: { length: 12, fill: 'u' } };
  await measure(bench, 'memory', usual, count / PEOPLE);
  const longest = {
    ...people,
    eventId: 'e'.padEnd(ID_MAX_CHARS, '\u4f1a'),
    userId: { length: ID_MAX_CHARS, fill: '\u4f1a' },
  };
  say('  the same with the longest ids');
  await measure(bench, 'memory-longest', longest, count / PEOPLE);
  const overrideReason = '\u7531'.repeat(OVERRIDE_REASON_MAX_CHARS);
  const bytes = bytesOf({ userId: longest.eventId, overrideReason });
  const seats = Math.floor((EVENT_MAX_BYTES * count) / PEOPLE / bytes);
  say(`  ${seats} seated with the longest reasons, and nobody in line`);
  const reasoned = { ...longest, seats, waiting: 0, overrideReason };
  await measure(bench, 'memory-reasons', reasoned, count / PEOPLE);
}

/** Loads an event that is this share of a full one, and measures the memory that it takes. */
async function measure(
  bench: Bench,
  prefix: string,
  event: LargeEvent,
  share: number,
): Promise<void> {
  const { figures, isQuick } = bench;
  const { endpoint, stop } = await startIndexServer(event);
  const measuring = withServer(
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
      const ms = await untilOk(url, capacityShot(event.eventId));
      isLoading = false;
      await sampling;
      const rss = memoryMb(pid);
      const live = await liveMb(inspector, url);
      inspector.close();
      say(`    loaded in ${ms.toFixed(0)} ms; the heap was ${empty.toFixed(1)} MB before`);
      const full = empty + (live - empty) / share;
      const note = isQuick ? 'extrapolated from a twentieth' : 'V8 heap after garbage collection';
      figures.add(`${prefix}-mb`, full, 'MB', note);
      figures.add(`${prefix}-peak-mb`, peak, 'MB', 'V8 heap while loading, with garbage');
      figures.add(`${prefix}-rss-mb`, rss.now, 'MB', 'resident, the whole of workerd');
      figures.add(`${prefix}-rss-peak-mb`, rss.peak, 'MB');
    },
    { inspect: true, endpoint },
  );
  await measuring.finally(stop);
}
