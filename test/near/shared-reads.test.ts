import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  NEAR_LEASE_MS,
  NEAR_MAX_AGE_SECONDS,
  NEAR_MAX_EVENTS,
  NEAR_TURN_MS,
} from '../../src/http-limits.ts';
import { PlaceCache } from '../../src/near/place-cache.ts';
import { type Read, type ReadReply, SharedReads } from '../../src/near/shared-reads.ts';
import { sleep } from '../../src/sleep.ts';

const START = 1_000_000;
const ORIGIN = 'https://desk.test';
const MISSING = { type: 'refused', reason: 'no-such-event' } as const;

/** The cache of a place. It never forgets: how old a note is has to be decided by what it says. */
class FakeCache {
  readonly bodies = new Map<string, string>();
  /** How long each call takes. */
  delayMs = 0;

  async match(url: string): Promise<Response | undefined> {
    if (this.delayMs > 0) await sleep(this.delayMs);
    const body = this.bodies.get(url);
    return body === undefined ? undefined : new Response(body);
  }

  async put(url: string, response: Response): Promise<void> {
    const body = await response.text();
    if (this.delayMs > 0) await sleep(this.delayMs);
    this.bodies.set(url, body);
  }
}

/** The object of every event: counts its calls, and answers how many seats are taken. */
class FakeObject {
  calls: number[] = [];
  registeredCount = 0;
  delayMs = 10;
  failure: unknown = null;
  isMissing = false;

  async answer(eventId: string): Promise<ReadReply | typeof MISSING> {
    this.calls.push(Date.now() - START);
    await sleep(this.delayMs);
    if (this.failure !== null) throw this.failure;
    if (this.isMissing) return MISSING;
    const { registeredCount } = this;
    return { type: 'read', event: { eventId }, registeredCount } as ReadReply;
  }
}

let cache: FakeCache;
let object: FakeObject;
let failures: string[];
let kept: Promise<unknown>[];

beforeEach(() => {
  vi.useFakeTimers({ now: START });
  cache = new FakeCache();
  object = new FakeObject();
  failures = [];
  kept = [];
});
afterEach(() => {
  vi.useRealTimers();
});

/** An isolate; `skewMs`: by how much the clock of its machine is ahead. */
function openIsolate({
  skewMs = 0,
  scope = '',
  open = async () => cache as unknown as Cache,
} = {}) {
  const reads = new SharedReads({
    cache: new PlaceCache(open, scope, (cause) => failures.push(cause)),
    now: () => Date.now() + skewMs,
    sleep,
    random: () => Math.random(),
    keepAlive: (work) => kept.push(work),
  });
  return (maxAgeMs = 1_000, eventId = 'gala', ask = () => object.answer(eventId)) =>
    reads.read({ eventId, origin: ORIGIN, maxAgeMs, ask });
}

/** Lets time pass until it is there. */
async function soon<T>(work: Promise<T>, ms = 10_000): Promise<T> {
  let isDone = false;
  const noted = work.finally(() => {
    isDone = true;
  });
  noted.catch(() => {});
  for (const start = Date.now(); !isDone && Date.now() - start < ms; ) {
    await vi.advanceTimersByTimeAsync(1);
  }
  return await noted;
}

const countOf = ({ reply }: Read) => (reply.type === 'read' ? reply.registeredCount : reply.type);
const seen = (read: Read) => [countOf(read), read.ageMs];

describe('an answer', () => {
  test('is given again until it is as old as asked, from when the object was asked', async () => {
    const read = openIsolate();
    object.delayMs = 300;
    expect(seen(await soon(read()))).toEqual([0, null]);
    object.registeredCount = 1;
    vi.setSystemTime(START + 1_000);
    expect(seen(await soon(read()))).toEqual([0, 1_000]);
    vi.setSystemTime(START + 1_001);
    expect(seen(await soon(read(2_000)))).toEqual([0, 1_001]);
    expect(seen(await soon(read()))).toEqual([1, null]);
  });

  test.each([1, NEAR_MAX_AGE_SECONDS])('is no older than %i s in another isolate', async (s) => {
    const [one, other, third] = [openIsolate(), openIsolate(), openIsolate()];
    await soon(one());
    object.registeredCount = 1;
    vi.setSystemTime(START + s * 1_000);
    expect(seen(await soon(other(s * 1_000)))).toEqual([0, s * 1_000]);
    vi.setSystemTime(START + s * 1_000 + 1);
    expect(seen(await soon(third(s * 1_000)))).toEqual([1, null]);
    expect(object.calls.length).toBe(2);
  });

  test('that came from the cache counts its age on', async () => {
    const [one, other] = [openIsolate(), openIsolate()];
    await soon(one());
    object.registeredCount = 1;
    vi.setSystemTime(START + 700);
    await soon(other());
    vi.setSystemTime(START + 1_001);
    expect(seen(await soon(other()))).toEqual([1, null]);
  });

  test('of the future is not believed: its age is not known', async () => {
    await soon(openIsolate({ skewMs: 500 })());
    object.registeredCount = 1;
    expect(seen(await soon(openIsolate()()))).toEqual([1, null]);
  });

  test('that was asked for earlier does not replace a later one', async () => {
    const read = openIsolate();
    const slow = read(1_000, 'gala', async () => {
      await sleep(5_000);
      return object.answer('gala');
    });
    await vi.advanceTimersByTimeAsync(NEAR_TURN_MS);
    object.registeredCount = 1;
    await soon(read());
    await soon(slow);
    // By now the later one is 1.5 s old, and the earlier one 5 s.
    const { ageMs } = await soon(read(60_000));
    expect(ageMs).toBeLessThan(2_000);
  });
});

describe('an event', () => {
  const IDS = [
    'gala',
    'GALA',
    'gala/1',
    'gala%2F1',
    '../gala',
    'gala?',
    'gala#x',
    '"],"',
    '🎪'.repeat(100),
  ];

  test('is never answered for another', async () => {
    for (const read of [openIsolate(), openIsolate()]) {
      for (const eventId of IDS) {
        const { reply } = await soon(read(60_000, eventId));
        expect(reply).toMatchObject({ event: { eventId } });
      }
    }
    expect(object.calls.length).toBe(IDS.length);
    for (const url of cache.bodies.keys()) {
      expect(url).toMatch(/^https:\/\/desk\.test\/registration\/events\/near\/[0-9a-f]+$/);
    }
  });

  test('is not mixed up with one of other tables, nor by a cache that gives back the wrong note', async () => {
    await soon(openIsolate({ scope: 'staging' })());
    await soon(openIsolate({ scope: 'production' })());
    expect(object.calls.length).toBe(2);
    cache.match = async () => new Response([...cache.bodies.values()][0]);
    const { reply } = await soon(openIsolate()(60_000, 'another'));
    expect(reply).toMatchObject({ event: { eventId: 'another' } });
  });

  test('is forgotten when others need the room', async () => {
    const read = openIsolate({ open: () => Promise.reject(new Error('no cache')) });
    object.delayMs = 0;
    await soon(read(60_000));
    for (let i = 0; i < NEAR_MAX_EVENTS; i++) await soon(read(60_000, `event-${i}`));
    expect(seen(await soon(read(60_000)))).toEqual([0, null]);
  });
});

describe('a crowd', () => {
  /** Readers that come every 10 ms for so long, to each isolate. */
  async function crowd(isolates: ReturnType<typeof openIsolate>[], ms: number): Promise<Read[]> {
    const reads: Promise<Read>[] = [];
    for (let at = 0; at < ms; at += 10) {
      for (const read of isolates) for (let i = 0; i < 10; i++) reads.push(read());
      await vi.advanceTimersByTimeAsync(10);
    }
    return soon(Promise.all(reads));
  }

  test('in one isolate costs the object one call a second', async () => {
    object.delayMs = 250;
    const reads = await crowd([openIsolate()], 5_000);
    expect(object.calls.length).toBe(5);
    for (const { ageMs } of reads) expect(ageMs ?? 0).toBeLessThanOrEqual(1_000);
  });

  test('in many isolates costs it no more, whoever was first', async () => {
    object.delayMs = 250;
    cache.delayMs = 5;
    const reads = await crowd(
      Array.from({ length: 8 }, () => openIsolate()),
      5_000,
    );
    // All come at the same moment and find nothing: each asks once. From then on they take the answer of one.
    expect(object.calls.filter((at) => at <= 20).length).toBe(8);
    expect(object.calls.filter((at) => at > 20).length).toBe(4);
    for (const { ageMs } of reads) expect(ageMs ?? 0).toBeLessThanOrEqual(1_000);
  });

  test('that takes two seconds waits once, and costs less than a call a second', async () => {
    object.delayMs = 250;
    const read = openIsolate();
    await soon(read(2_000));
    const before = Date.now();
    const waits: number[] = [];
    for (let at = 0; at < 6_000; at += 10) {
      const asked = Date.now();
      void read(2_000).then(({ ageMs }) => {
        waits.push(Date.now() - asked);
        expect(ageMs).toBeLessThanOrEqual(2_000);
      });
      await vi.advanceTimersByTimeAsync(10);
    }
    expect(waits.length).toBe(600);
    expect(Math.max(...waits)).toBe(0);
    expect(object.calls.length - 1).toBe(Math.floor((Date.now() - before) / 1_500));
    // While the object cannot answer, what is kept serves to its end.
    await vi.advanceTimersByTimeAsync(300);
    object.failure = new Error('reset');
    const last = START + (object.calls.at(-1) ?? 0);
    vi.setSystemTime(last + 1_900);
    expect((await soon(read(2_000))).ageMs).toBe(1_900);
    expect(START + (object.calls.at(-1) ?? 0)).toBe(last + 1_900);
    vi.setSystemTime(last + 2_500);
    await expect(soon(read(2_000))).rejects.toThrow('reset');
  });

  test('goes on when the isolate that asked last has no readers any more', async () => {
    object.delayMs = 250;
    cache.delayMs = 5;
    await soon(openIsolate()());
    await crowd([openIsolate(), openIsolate(), openIsolate()], 5_000);
    expect(object.calls.length).toBeLessThanOrEqual(8);
  });

  test('that asks for an event that is not there costs one call at a time, and nothing is kept', async () => {
    object.isMissing = true;
    const read = openIsolate();
    const refused = await soon(Promise.all(Array.from({ length: 100 }, () => read())));
    expect(new Set(refused.map(countOf))).toEqual(new Set(['refused']));
    expect(object.calls.length).toBe(1);
    object.isMissing = false;
    expect(seen(await soon(read()))).toEqual([0, null]);
    expect(seen(await soon(openIsolate()()))).toEqual([0, 10]);
  });

  test('is told of a failure together, and the next reader asks again', async () => {
    object.failure = new Error('reset');
    const read = openIsolate();
    const tries = await soon(Promise.allSettled([read(), read(), read()]));
    expect(tries.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(object.calls.length).toBe(1);
    object.failure = null;
    expect(seen(await soon(read()))).toEqual([0, null]);
    // The lease of the one that failed holds up no other isolate.
    expect(object.calls.length).toBe(2);
    await Promise.all(kept.map((work) => work.catch(() => {})));
  });

  test('with an object that takes longer than the answer may be old is answered all the same', async () => {
    object.delayMs = 2_400;
    const reads = await crowd([openIsolate()], 500);
    for (const { ageMs } of reads) expect(ageMs ?? 0).toBeLessThanOrEqual(1_000);
  });
});

describe('who asks for all', () => {
  const never = () => new Promise<never>(() => {});

  test('and is cut off holds the others up for a bounded time', async () => {
    const read = openIsolate();
    void read(1_000, 'gala', never);
    await vi.advanceTimersByTimeAsync(100);
    const before = Date.now();
    expect(seen(await soon(read()))).toEqual([0, null]);
    expect(Date.now() - before).toBeLessThanOrEqual(NEAR_TURN_MS + NEAR_LEASE_MS);
  });

  test('and was cut off long ago holds nobody up', async () => {
    const [read, other] = [openIsolate(), openIsolate()];
    await soon(read());
    await vi.advanceTimersByTimeAsync(1_100);
    void read(1_000, 'gala', never);
    await vi.advanceTimersByTimeAsync(NEAR_TURN_MS);
    for (const isolate of [read, other]) {
      const before = Date.now();
      await soon(isolate());
      expect(Date.now() - before).toBeLessThan(100);
    }
    expect(object.calls.length).toBe(2);
  });

  test('in another isolate and is cut off does so for the time of its lease', async () => {
    void openIsolate()(1_000, 'gala', never);
    await vi.advanceTimersByTimeAsync(100);
    const before = Date.now();
    expect(seen(await soon(openIsolate()()))).toEqual([0, null]);
    expect(Date.now() - before).toBeLessThanOrEqual(NEAR_LEASE_MS + 100);
  });

  test('finishes even if nobody listens any more', async () => {
    void openIsolate()();
    const [work] = kept;
    expect(await soon(Promise.resolve(work))).toMatchObject({ reply: { type: 'read' } });
  });
});

test('without a cache the object is asked once a second for the isolate', async () => {
  const read = openIsolate({ open: () => Promise.reject(new Error('No Cache was configured')) });
  await soon(Promise.all([read(), read(), read()]));
  expect(object.calls.length).toBe(1);
  expect(seen(await soon(read()))).toEqual([0, expect.any(Number)]);
  expect(failures[0]).toContain('No Cache was configured');
});

test('a cache that holds something else is none', async () => {
  cache.match = async () => new Response('<html>');
  expect(seen(await soon(openIsolate()()))).toEqual([0, null]);
  expect(failures[0]).toContain('JSON');
});
