import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LogChange, LogEntry } from '../../src/event/log.ts';
import { type Pointer, pointerAt } from '../../src/event/outbox.ts';
import { OUTBOX_MAX_OPEN, OUTBOX_RETRY_DELAYS_MS } from '../../src/limits.ts';
import { deliver } from '../../src/outbox/deliver.ts';
import { ENDPOINT, entryOf, nextDue, World } from './world.ts';

const TYPES: LogChange['type'][] = ['event.updated', 'registration.created', 'waitlist.left'];
const MAX_ATTEMPTS = OUTBOX_RETRY_DELAYS_MS.length + 1;

/** Entries with 1 to 4 changes each, and versions between them that have none. */
const anyLog = fc
  .array(
    fc.record({
      gap: fc.oneof({ weight: 4, arbitrary: fc.constant(1) }, fc.integer({ min: 1, max: 30 })),
      types: fc.array(fc.constantFrom(...TYPES), { minLength: 1, maxLength: 4 }),
    }),
    { minLength: 1, maxLength: 40 },
  )
  .map((rows) => {
    let version = 0;
    return rows.map(({ gap, types }): LogEntry => {
      version += gap;
      return entryOf(version, types);
    });
  });

/** What an attempt meets; `down`: nobody is there for a while. */
const anyAnswer = fc.record({
  kind: fc.oneof(
    { weight: 12, arbitrary: fc.constant('taken' as const) },
    { weight: 4, arbitrary: fc.constant('failed' as const) },
    { weight: 1, arbitrary: fc.constantFrom('refused' as const, 'down' as const) },
  ),
  status: fc.constantFrom(301, 400, 404, 422, 429, 500, 503),
  retryAfter: fc.option(fc.integer({ min: 0, max: 200_000 }), { nil: null }),
  ticks: fc.integer({ min: 0, max: 8 }),
  ms: fc.oneof({ weight: 9, arbitrary: fc.constant(20) }, fc.constant(15_000)),
});

const anyWorld = fc.record({
  log: anyLog,
  types: fc.constantFrom<string[] | null>(
    ...[null, ['event.*'], ['waitlist.left', 'registration.*'], ['offer.*']],
  ),
  answers: fc.array(anyAnswer, { minLength: 1, maxLength: 60 }),
  /** Messages that never are taken, by their place among all. */
  poison: fc.array(fc.nat(100), { maxLength: 12 }),
  /** Deliveries whose report gets lost, as when the object crashes. */
  lost: fc.array(fc.nat(30), { maxLength: 5 }),
  /** How much of the log there is at the first deliveries. */
  heads: fc.array(fc.nat(), { maxLength: 4 }),
  pageEntries: fc.integer({ min: 1, max: 20 }),
  pageVersions: fc.integer({ min: 1, max: 40 }),
  chance: fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 1, maxLength: 9 }),
});
type Given = typeof anyWorld extends fc.Arbitrary<infer T> ? T : never;

/** The keys of the wanted messages that a pointer has passed. */
function passed(world: World, { version, index }: Pointer, types: string[] | null): string[] {
  return world.wanted(types).filter((key) => {
    const [v = 0, i = 0] = key.split('.').map(Number);
    return v <= version || (v === version + 1 && i < index);
  });
}

async function run(given: Given): Promise<void> {
  const world = new World(given.log);
  Object.assign(world, { pageEntries: given.pageEntries, pageVersions: given.pageVersions });
  const endpoint = { ...ENDPOINT, types: given.types };
  const wanted = world.wanted(given.types);
  const poison = new Set(given.poison.map((place) => wanted[place % Math.max(1, wanted.length)]));
  const taken = new Set<string>();
  const givenUp = new Set<string>();
  let downUntil = 0;
  let calls = 0;
  world.answer = async ({ key }) => {
    const answer = given.answers[calls++ % given.answers.length];
    if (!answer) throw new Error('no answer');
    for (let tick = 0; tick < answer.ticks; tick++) await null;
    world.now += answer.ms;
    if (answer.kind === 'down' && calls < 200) downUntil = world.now + 3 * 3_600_000;
    if (answer.kind === 'refused' || world.now < downUntil) throw new TypeError('refused');
    if (answer.kind === 'taken' && !poison.has(key)) {
      taken.add(key);
      return new Response();
    }
    const headers: Record<string, string> =
      answer.retryAfter === null ? {} : { 'Retry-After': String(answer.retryAfter) };
    return new Response(null, { status: answer.status, headers });
  };

  let pointer = pointerAt('crm', 0);
  for (let count = 0; ; count++) {
    expect(count, 'it ends').toBeLessThan(3_000);
    const place = given.heads[count];
    const head =
      place === undefined
        ? world.head
        : (given.log[place % given.log.length]?.version ?? world.head);
    const due = nextDue(pointer, head);
    if (due === null && place === undefined) break;
    world.now = Math.max(world.now, due ?? 0);
    world.random = given.chance[count % given.chance.length] ?? 0;
    const before = world.sent.length;
    const early = pointer.open.filter(({ nextAt }) => nextAt > world.now);
    const startedAt = world.now;
    const report = await deliver({ eventId: 'recital', pointer, head }, endpoint, world.ports);
    expect(world.inFlight).toBe(0);
    const attempts = world.sent.slice(before);
    // No message comes twice in a delivery, or before its time.
    expect(new Set(attempts.map(({ key }) => key)).size).toBe(attempts.length);
    for (const { version, index } of early) {
      expect(attempts.map(({ key }) => key)).not.toContain(`${version}.${index}`);
    }
    expect(report.delivered + report.failed + report.gaveUp).toBe(attempts.length);
    if (given.lost.includes(count)) continue;

    for (const { version, index } of world.told.splice(0)) givenUp.add(`${version}.${index}`);
    const isOnward =
      report.pointer.version > pointer.version ||
      (report.pointer.version === pointer.version && report.pointer.index >= pointer.index);
    expect(isOnward).toBe(true);
    expect(report.pointer.version).toBeLessThanOrEqual(Math.max(head, pointer.version));
    pointer = report.pointer;
    const open = pointer.open.map(({ version, index }) => `${version}.${index}`);
    expect(open.length).toBeLessThanOrEqual(OUTBOX_MAX_OPEN);
    expect(new Set(open).size).toBe(open.length);
    for (const each of pointer.open) {
      expect(each.attempts).toBeGreaterThanOrEqual(1);
      expect(each.attempts).toBeLessThan(MAX_ATTEMPTS);
      const isTried = attempts.some(({ key }) => key === `${each.version}.${each.index}`);
      if (isTried) expect(each.nextAt).toBeGreaterThan(startedAt);
    }
    // What the pointer has passed was sent, and is taken, open or given up.
    for (const key of passed(world, pointer, given.types)) {
      expect(world.keys).toContain(key);
      expect(taken.has(key) || open.includes(key) || givenUp.has(key), key).toBe(true);
    }
    if (open.length > 0) expect(pointer.lastError).not.toBeNull();
  }

  expect(pointer).toMatchObject({ version: world.head, index: 0, open: [] });
  for (const key of wanted) expect(taken.has(key) || givenUp.has(key), key).toBe(true);
  for (const key of givenUp) {
    const { length } = world.sent.filter((each) => each.key === key);
    expect(length).toBeGreaterThanOrEqual(MAX_ATTEMPTS);
  }
  // First attempts begin in the order of the log, and only of what is wanted.
  expect([...new Set(world.keys)]).toEqual(wanted);
  expect(world.mostInFlight).toBeLessThanOrEqual(6);
  const ids = new Map(world.sent.map(({ key, headers }) => [key, headers['webhook-id']]));
  for (const { key, headers } of world.sent) expect(headers['webhook-id']).toBe(ids.get(key));
  expect(new Set(ids.values()).size).toBe(ids.size);
}

test('whatever the answers are, everything is sent, and taken or given up', {
  timeout: 120_000,
}, async () => {
  await fc.assert(fc.asyncProperty(anyWorld, run), { numRuns: 100 });
});
