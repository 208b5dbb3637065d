import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { freePort } from '../../src/cli/ports.ts';
import { say } from '../../src/cli/terminal.ts';
import { type Bench, newEventId, withServer } from './bench.ts';
import { type Bundle, build } from './build.ts';
import { failures } from './hot.ts';
import { capacityShot, createEvent, fire, type LoadResult, nearShot, send } from './load.ts';
import { fireAtRate } from './open-loop.ts';
import { medianOf } from './stats.ts';

const READERS = 1_000;
/** At which it is measured how long they wait. */
const READS_PER_SECOND = 400;
/** How far the object is, one way and back: from here, and from another continent. */
const DISTANCES = [
  { prefix: 'cached', farMs: 0 },
  { prefix: 'cached-far', farMs: 150 },
];

/** The module of a cache, as workerd asks one. It forgets nothing: what is too old is for the worker to tell. */
const CACHE = `const kept = new Map();
export default {
  async fetch(request) {
    const key = request.headers.get('cf-cache-namespace') + ' ' + request.url;
    if (request.method === 'PUT') {
      const message = await request.text();
      kept.set(key, message.slice(message.indexOf('\\r\\n\\r\\n') + 4));
      return new Response(null, { status: 204 });
    }
    const body = kept.get(key) ?? null;
    const status = body === null ? 504 : 200;
    return new Response(body, { status, headers: { 'CF-Cache-Status': body === null ? 'MISS' : 'HIT' } });
  },
};
`;

/** What a crowd got, and what it cost the object. */
interface Crowd {
  /** Answers a second, of all readers as fast as they can. */
  perSecond: number;
  /** At a fixed rate. */
  p50: number;
  p99: number;
  failed: number;
  /** Calls that reached the object, a second. */
  calls: number;
}

/** Half of the readers at each of the two isolates. */
async function crowd(
  urls: string[],
  {
    kind,
    eventId,
    amount,
    seconds,
  }: { kind: 'read' | 'near'; eventId: string; amount: number; seconds: number },
): Promise<Crowd> {
  const shot = kind === 'near' ? nearShot : capacityShot;
  const path = `/reads?eventId=${eventId}`;
  const reads = async () =>
    ((await send(urls[0] ?? '', { method: 'GET', path })) as { reads: number }).reads;
  const before = await reads();
  const began = performance.now();
  const fast: LoadResult[] = await Promise.all(
    urls.map((url) =>
      fire({
        url,
        connections: READERS / urls.length,
        amount: amount / urls.length,
        next: () => shot(eventId),
      }),
    ),
  );
  const calls = ((await reads()) - before) / ((performance.now() - began) / 1_000);
  const load = { kind, eventId, seconds, perSecond: READS_PER_SECOND / urls.length };
  const slow = await Promise.all(
    urls.map((url) => fireAtRate({ ...load, url, connections: READERS / urls.length })),
  );
  return {
    perSecond: fast.reduce((sum, { perSecond }) => sum + perSecond, 0),
    p50: Math.max(...slow.map(({ p50 }) => p50)),
    p99: Math.max(...slow.map(({ p99 }) => p99)),
    failed: [...fast, ...slow].reduce((sum, result) => sum + failures(result), 0),
    calls,
  };
}

/** A thousand readers of one event in one place, which has two isolates and a cache, with and without `max-age=1`. */
export async function benchCached(bench: Bench): Promise<void> {
  const { figures, isQuick, bundles } = bench;
  const directory = join(dirname(dirname(bundles.ours.script)), 'counted');
  const bundle: Bundle = await build(directory, 'test/bench/variants/counted.ts');
  writeFileSync(join(directory, 'cache.js'), CACHE);
  const seconds = isQuick ? 2 : 5;
  const calls: number[] = [];
  let failed = 0;
  for (const { prefix, farMs } of DISTANCES) {
    say(`${READERS} readers of one event in one place, with an object ${farMs} ms away`);
    const port = await freePort();
    await withServer(
      bench,
      bundle,
      async ({ url }) => {
        const urls = [url, `http://127.0.0.1:${port}`];
        const rounds: { read: Crowd; near: Crowd }[] = [];
        for (let round = 0; round < (isQuick ? 2 : 3); round++) {
          const eventId = newEventId();
          await createEvent(url, { eventId, capacity: 1_000, hasWaitlist: true });
          const read = await crowd(urls, { kind: 'read', eventId, amount: 4_000, seconds });
          const amount = isQuick ? 15_000 : 25_000;
          const near = await crowd(urls, { kind: 'near', eventId, amount, seconds });
          failed += read.failed + near.failed;
          // The first is for the compiler.
          if (round > 0) rounds.push({ read, near });
        }
        for (const kind of ['read', 'near'] as const) {
          const median = (of: (crowd: Crowd) => number) =>
            medianOf(rounds.map((round) => of(round[kind])));
          const name = kind === 'near' ? prefix : `${prefix}-plain`;
          figures.add(
            `${name}-throughput`,
            median(({ perSecond }) => perSecond),
            'reads/s',
          );
          figures.add(
            `${name}-p50-ms`,
            median(({ p50 }) => p50),
            'ms',
          );
          figures.add(
            `${name}-p99-ms`,
            median(({ p99 }) => p99),
            'ms',
          );
          figures.add(
            `${name}-calls`,
            median((crowd) => crowd.calls),
            'calls/s',
          );
        }
        calls.push(...rounds.map(({ near }) => near.calls));
      },
      { vars: { FAR_MS: String(farMs) }, neighbour: { port, cache: 'cache.js' } },
    );
  }
  const note = 'calls of the object, the most of any round';
  figures.add('cached-reads', failed > 0 ? Number.NaN : Math.max(...calls), 'calls/s', note);
}
