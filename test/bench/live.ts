import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { say } from '../../src/cli/terminal.ts';
import { type Bench, newEventId, withServer } from './bench.ts';
import { userId } from './database.ts';
import { measure } from './hot.ts';
import { inspect } from './inspector.ts';
import { createEvent, fire, type LoadResult, registerShot, send } from './load.ts';
import { liveMb } from './memory.ts';
import { memoryMb } from './processes.ts';
import type { Server } from './runtime.ts';
import { medianOf, percentile } from './stats.ts';
import type { Report } from './watchers.ts';

const WATCHERS = 1_000;
const SEATS = 500;
/** Until everybody has been told the last state: the longest round, twice. */
const SETTLE_MS = 2_500;

/** So many sockets that watch an event, in a process of their own. */
class Watchers {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async open(url: string, eventId: string, firstUser: number): Promise<Watchers> {
    const args = [url, eventId, String(WATCHERS), String(firstUser)];
    const watchers = new Watchers(fork(join(import.meta.dirname, 'watchers.ts'), args));
    await watchers.#next('open');
    return watchers;
  }

  /** What each was told so far. */
  report(): Promise<Extract<Report, { type: 'told' }>> {
    const report = this.#next('told');
    this.#child.send('report');
    return report;
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.send('end');
    await ended;
  }

  #next<Type extends Report['type']>(type: Type): Promise<Extract<Report, { type: Type }>> {
    return new Promise((resolve, reject) => {
      const end = () => reject(new Error('the watchers have ended'));
      this.#child.once('exit', end);
      this.#child.once('message', (report: Report) => {
        this.#child.off('exit', end);
        if (report.type === type) resolve(report as Extract<Report, { type: Type }>);
        else reject(new Error(`the watchers say ${report.type}`));
      });
    });
  }
}

/** An entry of the log: what was committed, and when it was decided. */
interface LogEntry {
  version: number;
  at: string;
}

async function readLog(url: string, eventId: string): Promise<LogEntry[]> {
  const entries: LogEntry[] = [];
  for (let after = 0; ; ) {
    const path = `/registration/events/${eventId}/log?limit=1000&after=${after}`;
    const page = (await send(url, { method: 'GET', path })) as {
      items: LogEntry[];
      nextCursor: string | null;
    };
    entries.push(...page.items);
    if (page.nextCursor === null) return entries;
    after = Number(page.nextCursor);
  }
}

/**
 * For each commit of a storm and each watcher: how long it took from the decision, which comes before the
 * commit, until the watcher knew it or a later one.
 */
function delaysOf(log: LogEntry[], { sockets }: Extract<Report, { type: 'told' }>): number[] {
  const delays: number[] = [];
  for (const told of sockets) {
    let next = 0;
    for (const { version, at } of log) {
      while (next < told.length && (told[next]?.[0] ?? 0) < version) next++;
      delays.push((told[next]?.[1] ?? Number.POSITIVE_INFINITY) - Date.parse(at));
    }
  }
  return delays;
}

/** Registrations for one new event. */
async function storm(
  { url }: Server,
  eventId: string,
  amount: number,
  firstUser: number,
): Promise<LoadResult> {
  return fire({
    ...{ url, connections: 64, amount },
    next: (i) => registerShot(userId(firstUser + i), eventId),
  });
}

/** Storms with and without watchers in turn, and how soon the watchers are told. */
async function benchStorms(bench: Bench, rounds: number, amount: number): Promise<void> {
  await withServer(bench, 'ours', async (server) => {
    const { url } = server;
    const rates = { with: [] as number[], without: [] as number[] };
    const cpu = { with: [] as number[], without: [] as number[] };
    const measured = async (kind: keyof typeof rates, eventId: string) => {
      const run = await measure(bench, server, () => storm(server, eventId, amount, 0));
      rates[kind].push(run.perSecond);
      cpu[kind].push((run.workerCpuMs * 1_000) / run.requests);
    };
    const delays: number[] = [];
    const perSecond: number[] = [];
    const warmUp = newEventId();
    await createEvent(url, { eventId: warmUp, capacity: SEATS, hasWaitlist: true });
    await storm(server, warmUp, 2 * amount, 0);
    for (let round = 0; round < rounds; round++) {
      const order =
        round % 2 === 0 ? (['with', 'without'] as const) : (['without', 'with'] as const);
      for (const kind of order) {
        const eventId = newEventId();
        await createEvent(url, { eventId, capacity: SEATS, hasWaitlist: true });
        if (kind === 'without') {
          await measured(kind, eventId);
          continue;
        }
        const watchers = await Watchers.open(url, eventId, 0);
        try {
          const began = Date.now();
          const before = (await watchers.report()).messages;
          await measured(kind, eventId);
          await sleep(SETTLE_MS);
          const report = await watchers.report();
          const log = (await readLog(url, eventId)).filter(({ at }) => Date.parse(at) > began);
          for (const delay of delaysOf(log, report)) delays.push(delay);
          const lastAt = Math.max(...report.sockets.map((told) => told.at(-1)?.[1] ?? 0));
          perSecond.push((report.messages - before) / ((lastAt - began) / 1_000));
        } finally {
          await watchers.close();
        }
      }
      const [one = 0, other = 0] = [rates.with.at(-1), rates.without.at(-1)];
      say(`  with watchers ${one.toFixed(0)}/s, without ${other.toFixed(0)}/s`);
    }
    const { figures } = bench;
    const ratio = medianOf(rates.with.map((rate, i) => rate / (rates.without[i] ?? Number.NaN)));
    figures.add('live-storm-with-over-without', ratio, 'ratio', `${WATCHERS} watchers`);
    figures.add('live-storm-worker-cpu-us', medianOf(cpu.with), 'us/request');
    figures.add('live-storm-worker-cpu-us-without', medianOf(cpu.without), 'us/request');
    figures.add('live-p50-ms', percentile(delays, 0.5), 'ms', 'from the decision to the push');
    figures.add('live-p99-ms', percentile(delays, 0.99), 'ms');
    figures.add('live-messages', medianOf(perSecond), 'messages/s');
  });
}

/** What a watcher takes of memory. */
async function benchMemory(bench: Bench): Promise<void> {
  await withServer(
    bench,
    'ours',
    async ({ url, pid, inspector: address }) => {
      const inspector = await inspect(address ?? '');
      await inspector.call('HeapProfiler.enable');
      const eventId = newEventId();
      await createEvent(url, { eventId, capacity: SEATS, hasWaitlist: true });
      const heap = await liveMb(inspector, url);
      const rss = memoryMb(pid).now;
      const watchers = await Watchers.open(url, eventId, 0);
      try {
        const kb = (mb: number) => (mb * 1_000) / WATCHERS;
        const { figures } = bench;
        const grown = (await liveMb(inspector, url)) - heap;
        figures.add('live-watcher-kb', kb(grown), 'KB/watcher', 'V8 heap, after a collection');
        const resident = memoryMb(pid).now - rss;
        figures.add(
          'live-watcher-rss-kb',
          kb(resident),
          'KB/watcher',
          'resident, connection included',
        );
      } finally {
        await watchers.close();
        inspector.close();
      }
    },
    { inspect: true },
  );
}

/** Those who watch an event: what they cost those who register, and how soon they are told. */
export async function benchLive(bench: Bench): Promise<void> {
  const { isQuick } = bench;
  say(`${WATCHERS} watchers of one event, while many register for it`);
  await benchStorms(bench, isQuick ? 3 : 12, isQuick ? 3_000 : 6_000);
  say('Memory of watchers');
  await benchMemory(bench);
}
