import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isInDoubt } from './answers.ts';
import type { Build } from './build.ts';
import { HttpClient, type Reply, send } from './client.ts';
import { CALM } from './faults.ts';
import type { Asked } from './history.ts';
import { checkRows, rowsOf } from './tables.ts';
import { World } from './world.ts';

/** The measured figures, by name, and the faults. */
export interface Measurement {
  figures: Record<string, number | string>;
  faults: string[];
}

const EVENT = 'the-event';
/** The bound for a refusal "at once", on a busy machine. */
const REFUSAL_MAX_MS = 500;
/** How long an answer may take while DynamoDB does not answer: the deadlines of queue and commit, and some room. */
const HANG_ANSWER_MAX_MS = 8_000;
/** How long the service may take to recover after a hang. */
const RECOVERY_MAX_MS = 8_000;
/** How much larger the process may be afterwards: the heap of a busy isolate fluctuates. */
const GROWTH_MAX_MB = 48;

/** All DynamoDB operations that a worker uses. */
const ALL_OPERATIONS = [
  'TransactWriteItems',
  'UpdateItem',
  'GetItem',
  'BatchGetItem',
  'Query',
  'PutItem',
];

/** Counts answers by status, with their durations. */
export class Answers {
  readonly #byStatus = new Map<number, number[]>();
  readonly all: { status: number; tookMs: number; reply: Reply }[] = [];

  async take(call: Promise<Reply>): Promise<Reply> {
    const startedAt = performance.now();
    const reply = await call;
    const tookMs = performance.now() - startedAt;
    this.#byStatus.set(reply.status, [...(this.#byStatus.get(reply.status) ?? []), tookMs]);
    this.all.push({ status: reply.status, tookMs, reply });
    return reply;
  }

  count(status: number): number {
    return this.#byStatus.get(status)?.length ?? 0;
  }

  /** The duration of the slowest answer, in milliseconds. */
  slowest(status: number): number {
    return Math.round(Math.max(0, ...(this.#byStatus.get(status) ?? [])));
  }

  /** The duration in milliseconds that this share of the answers did not exceed. */
  quantile(share: number): number {
    const sorted = this.all.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
    return Math.round(sorted[Math.ceil(share * sorted.length) - 1] ?? 0);
  }
}

interface Stage {
  world: World;
  client: HttpClient;
  ask(request: Asked, key?: string): Promise<Reply>;
}

/** Runs a play in a world with one event, and ends the world in any case. */
export async function onStage<T>(
  build: Build,
  options: { users: number; capacity: number; hasWaitlist: boolean },
  play: (stage: Stage, userIds: string[]) => Promise<T>,
): Promise<T> {
  const userIds = Array.from({ length: options.users }, (_, i) => `user-${i}`);
  const world = await World.open({
    build,
    weather: CALM,
    seed: 1,
    workers: 1,
    isInterruptible: false,
    isDurable: false,
    userIds,
  });
  const client = new HttpClient();
  const ask: Stage['ask'] = (request, key) =>
    send(client, world.workers[0]?.port ?? 0, EVENT, request, key);
  try {
    const { capacity, hasWaitlist } = options;
    await ask({ type: 'create', capacity, hasWaitlist });
    return await play({ world, client, ask }, userIds);
  } finally {
    client.close();
    await world.close();
  }
}

/**
 * Sends more commands than an event's queue takes, while its commit is slow. The excess must be refused at once,
 * with `Retry-After`, and every command in the queue must be carried out.
 *
 * @param bound how many commands the queue of this build takes
 */
export function measureOverload(build: Build, bound: number): Promise<Measurement> {
  const count = Math.round(bound * 1.2);
  const options = { users: count + 1, capacity: count + 1, hasWaitlist: false };
  return onStage(build, options, async ({ world, ask }, userIds) => {
    const faults: string[] = [];
    const [first = '', ...rest] = userIds;
    // All users have been in the event before. The object knows them, so they reach its queue without a look-up.
    for (const type of ['register', 'unregister'] as const) {
      for (let i = 0; i < userIds.length; i += 100) {
        await Promise.all(userIds.slice(i, i + 100).map((userId) => ask({ type, userId })));
      }
    }
    world.proxy.hold(['TransactWriteItems']);
    const answers = new Answers();
    const held = ask({ type: 'register', userId: first });
    await sleep(100);
    const flood = rest.map((userId) => answers.take(ask({ type: 'register', userId })));
    while (answers.count(503) === 0 && answers.all.length < count) await sleep(10);
    // The service is still reading the flood; answers are timed after that.
    await sleep(200);
    const probes = new Answers();
    for (let i = 0; i < 20; i++) await probes.take(ask({ type: 'register', userId: first }));
    world.proxy.release();
    const firstReply = await held;
    await Promise.all(flood);

    const done = answers.count(201);
    const refused = [...answers.all, ...probes.all].filter(({ status }) => status === 503);
    if (firstReply.status !== 201) faults.push(`the first one was answered ${firstReply.status}`);
    if (probes.count(503) !== 20) faults.push('a request past the bound was not refused');
    if (probes.slowest(503) > REFUSAL_MAX_MS)
      faults.push(`a refusal took ${probes.slowest(503)} ms`);
    if (done < bound) faults.push(`only ${done} of those taken in were carried out`);
    for (const { reply } of refused) {
      if (!reply.headers['retry-after']) faults.push('a refusal has no Retry-After');
      if (isInDoubt(reply)) faults.push(`a refusal leaves doubt: ${reply.body.detail}`);
    }
    const rows = rowsOf(await world.finalTables(), EVENT);
    faults.push(...checkRows(rows, []).filter((fault) => /Count|digest|capacity/.test(fault)));
    if (rows.registrations.length !== done + 1) {
      faults.push(`${done + 1} acknowledged, ${rows.registrations.length} in the table`);
    }
    const figures = {
      'sent at once': count,
      'carried out': done,
      'refused with 503': answers.count(503),
      'slowest of those carried out, ms': answers.slowest(201),
      'slowest refusal while full, ms': probes.slowest(503),
    };
    return { figures, faults: [...new Set(faults)] };
  });
}

/**
 * Lets DynamoDB not answer for a while, under load. Every caller must get an answer in time; afterwards nothing may
 * be stuck, and memory must be as before.
 */
export function measureHang(build: Build, hangMs: number): Promise<Measurement> {
  return onStage(build, { users: 40, capacity: 20, hasWaitlist: true }, async (stage, userIds) => {
    const { world, ask } = stage;
    const faults: string[] = [];
    const pid = world.workers[0]?.pid ?? 0;
    let isOver = false;
    let answers = new Answers();
    const clients = userIds.map(async (userId, i) => {
      for (let turn = i; !isOver; turn++) {
        const type = turn % 2 === 0 ? 'register' : 'unregister';
        await answers.take(ask({ type, userId }));
        // A client that is told to come back later does so, only sooner than told.
        await sleep(20);
      }
    });
    const before = await settledMb(pid);
    answers = new Answers();
    world.proxy.hold(ALL_OPERATIONS);
    await sleep(hangMs);
    const during = answers;
    const peak = residentMb(pid);
    answers = new Answers();
    world.proxy.release();
    const releasedAt = performance.now();
    while (answers.count(200) + answers.count(201) === 0) {
      if (performance.now() - releasedAt > 15_000) break;
      await sleep(5);
    }
    const backMs = Math.round(performance.now() - releasedAt);
    await sleep(2_000);
    isOver = true;
    const isStuck = await Promise.race([
      Promise.all(clients).then(() => false),
      sleep(10_000, true, { ref: false }),
    ]);
    const after = residentMb(pid);

    if (isStuck) faults.push('a request was never answered');
    if (backMs > RECOVERY_MAX_MS) faults.push(`the first success came ${backMs} ms after the hang`);
    if (during.slowest(503) > HANG_ANSWER_MAX_MS)
      faults.push(`a refusal took ${during.slowest(503)} ms`);
    if (during.count(500) + answers.count(500) > 0) faults.push('a request was answered 500');
    if (after > before + GROWTH_MAX_MB) faults.push(`memory went from ${before} MB to ${after} MB`);
    const rows = rowsOf(await world.finalTables(), EVENT);
    faults.push(...checkRows(rows, []).filter((fault) => /Count|digest|over cap/.test(fault)));
    const figures = {
      'hang, s': hangMs / 1_000,
      'refused with 503 meanwhile': during.count(503),
      'slowest of them, ms': during.slowest(503),
      'first success after, ms': backMs,
      'resident before, MB': before,
      'at the end of the hang, MB': peak,
      'after, MB': after,
    };
    return { figures, faults };
  });
}

/** Throttles more and more calls. Fewer registrations must be done, and all of them correctly. */
export function measureThrottling(build: Build, stepMs: number): Promise<Measurement> {
  return onStage(build, { users: 64, capacity: 32, hasWaitlist: true }, async (stage, userIds) => {
    const { world, ask } = stage;
    const faults: string[] = [];
    const figures: Measurement['figures'] = {};
    for (const rate of [0, 0.5, 0.9]) {
      world.proxy.weather = { ...CALM, rate, weights: { throttled: 1 } };
      const answers = new Answers();
      const until = performance.now() + stepMs;
      await Promise.all(
        userIds.map(async (userId, i) => {
          for (let turn = i; performance.now() < until; turn++) {
            const type = turn % 2 === 0 ? 'register' : 'unregister';
            const reply = await answers.take(ask({ type, userId }));
            if (reply.status === 503) await sleep(20);
          }
        }),
      );
      const changes = answers.count(201) + answers.count(200);
      figures[`${rate * 100} % throttled: changes/s`] = Math.round((changes * 1_000) / stepMs);
      figures[`${rate * 100} % throttled: 503s`] = answers.count(503);
      if (answers.count(500) > 0) faults.push(`${answers.count(500)} requests answered 500`);
      const inDoubt = answers.all.filter(({ status, reply }) => status === 503 && isInDoubt(reply));
      figures[`${rate * 100} % throttled: of them in doubt`] = inDoubt.length;
    }
    const rows = rowsOf(await world.finalTables(), EVENT);
    faults.push(...checkRows(rows, []).filter((fault) => /Count|digest|over cap/.test(fault)));
    return { figures, faults };
  });
}

/** How often the memory of a busy process is read, and after how many reads it must have settled. */
const SETTLE_READ_MS = 500;
const SETTLE_MAX_READS = 40;
/** Memory has settled when `SETTLED_READS` readings differ by at most `SETTLED_MB`. */
const SETTLED_MB = 4;
const SETTLED_READS = 4;

/** Resident memory of a process under load, after it has stopped growing: a heap grows for some seconds. */
async function settledMb(pid: number): Promise<number> {
  const readings: number[] = [];
  for (let i = 0; i < SETTLE_MAX_READS; i++) {
    await sleep(SETTLE_READ_MS);
    readings.push(residentMb(pid));
    const last = readings.slice(-SETTLED_READS);
    const isSettled = Math.max(...last) - Math.min(...last) <= SETTLED_MB;
    if (last.length === SETTLED_READS && isSettled) break;
  }
  return readings.at(-1) ?? 0;
}

/** Resident memory of a process. */
function residentMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1_024);
}
