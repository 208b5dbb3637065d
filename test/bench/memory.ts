import { setTimeout as sleep } from 'node:timers/promises';
import { say } from '../../src/cli/terminal.ts';
import { bytesOf } from '../../src/event/state.ts';
import { EVENT_MAX_BYTES, ID_MAX_CHARS, OVERRIDE_REASON_MAX_CHARS } from '../../src/limits.ts';
import { type Bench, newEventId, withServer } from './bench.ts';
import { seedEvent } from './database.ts';
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

/** V8's heap, and what it keeps beside it: the columns are in array buffers. */
const heapMb = async (inspector: Inspector): Promise<number> => {
  const usage = await inspector.call<{ usedSize: number; backingStorageSize?: number }>(
    'Runtime.getHeapUsage',
  );
  return (usage.usedSize + (usage.backingStorageSize ?? 0)) / MB;
};

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

/**
 * The memory of an object with as many seats and as long a line as an event can have: with ids as they
 * usually are, with the longest that fit, and with as many bytes as fit, which are reasons.
 */
export async function benchMemory(bench: Bench): Promise<void> {
  // A twentieth tells the slope; the full size is what counts.
  const count = bench.isQuick ? PEOPLE / 20 : PEOPLE;
  say(`Memory: ${count} seated, and ${count} in line`);
  const eventId = newEventId();
  const people = { registered: count, waiting: count, capacity: count };
  await seedEvent(bench.database, { eventId, ...people });
  await measure(bench, 'memory', { eventId, share: count / PEOPLE });
  const longest = {
    ...{ eventId: 'e'.padEnd(ID_MAX_CHARS, '\u4f1a'), pageMs: 0 },
    userId: { length: ID_MAX_CHARS, fill: '\u4f1a' },
  };
  say('  the same with the longest ids');
  const event = { ...longest, seats: count, waiting: count };
  await measureLarge(bench, 'memory-longest', event, count / PEOPLE);
  const overrideReason = '\u7531'.repeat(OVERRIDE_REASON_MAX_CHARS);
  const bytes = bytesOf({ userId: longest.eventId, overrideReason });
  const seats = Math.floor((EVENT_MAX_BYTES * count) / PEOPLE / bytes);
  say(`  ${seats} seated with the longest reasons, and nobody in line`);
  const reasoned = { ...longest, seats, waiting: 0, overrideReason };
  await measureLarge(bench, 'memory-reasons', reasoned, count / PEOPLE);
}

async function measureLarge(
  bench: Bench,
  prefix: string,
  event: LargeEvent,
  share: number,
): Promise<void> {
  const { endpoint, stop } = await startIndexServer(event);
  try {
    await measure(bench, prefix, { eventId: event.eventId, share, endpoint });
  } finally {
    await stop();
  }
}

/** Loads an event that is this share of a full one, and measures what that takes. */
async function measure(
  bench: Bench,
  prefix: string,
  { eventId, share, endpoint }: { eventId: string; share: number; endpoint?: string },
): Promise<void> {
  const { figures, isQuick } = bench;
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
      const full = empty + (live - empty) / share;
      const note = isQuick ? 'extrapolated from a twentieth' : 'V8 heap after garbage collection';
      figures.add(`${prefix}-mb`, full, 'MB', note);
      figures.add(`${prefix}-peak-mb`, peak, 'MB', 'V8 heap while loading, with garbage');
      figures.add(`${prefix}-rss-mb`, rss.now, 'MB', 'resident, the whole of workerd');
      figures.add(`${prefix}-rss-peak-mb`, rss.peak, 'MB');
    },
    { inspect: true, ...(endpoint ? { endpoint } : {}) },
  );
}
