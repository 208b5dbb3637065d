import { setTimeout as sleep } from 'node:timers/promises';
import type { EventItem } from '../../src/store/tables.ts';
import { HttpClient, type Reply } from './client.ts';
import type { Endpoints } from './endpoints.ts';
import { idleFrom, type Quiet } from './idleness.ts';
import type { LogEntry } from './log.ts';
import type { Claim, Replay, Told } from './messages.ts';
import type { Random } from './random.ts';
import { LoggedEvent } from './replay.ts';
import { brief } from './report.ts';
import { stalledMs } from './stalls.ts';

/** How long the objects have to send what is left when all faults are over. */
const QUIET_WITHIN_MS = 15_000;
/** What is due later is the end of an offer, and is not waited for: messages are tried again sooner. */
const SOON_MS = 2_500;
/** So many steps may follow each other, each of which an alarm is needed for. */
const STEPS_MAX = 10;
/** How long a seat may be idle though alarms are punctual: a busy machine, and an event that has to be loaded. */
const IDLE_MAX_MS = 5_000;
const LOOK_PAUSE_MS = 25;
/** Pause between two calls about webhooks, at most, and the share of replays among them. */
const CALLS_PAUSE_MS = 400;
const REPLAY_SHARE = 0.25;

/** How long an endpoint is away: not as long as the ten attempts of a message take. */
const AWAY_MIN_MS = 300;
const AWAY_MAX_MS = 1_500;

/** An endpoint of an event, as the API tells it. */
interface Standing {
  name: string;
  pending: number;
  deliveredVersion: number;
}

/** What the helper needs of the world. */
export interface WebhooksDeps {
  endpoints: Endpoints;
  eventIds: readonly string[];
  random: Random;
  /** The port of each worker; null while it is down. */
  ports(): (number | null)[];
  /** The event items, read past the service. */
  readItems(): Promise<EventItem[]>;
  /** The log of each event, read past the service. */
  readLogs(): Promise<LogEntry[][]>;
  /** How much later than it is due something may be done because of alarms, in milliseconds. */
  latenessMs: number;
  onViolation(what: string): void;
}

/** Asks how far the endpoints are, asks for replays, and waits until every message is sent. */
export class Webhooks {
  readonly #deps: WebhooksDeps;
  readonly #client = new HttpClient();
  readonly #claims = new Map<string, Claim[]>();
  readonly #replays = new Map<string, Replay[]>();
  #isOver = false;
  replays = 0;
  /** When nobody called, and all that was due had to be done. */
  readonly quiets: Quiet[] = [];

  constructor(deps: WebhooksDeps) {
    this.#deps = deps;
  }

  /** What is to be held against the log of an event. */
  of(eventId: string): Told {
    const { arrivals } = this.#deps.endpoints;
    return {
      arrivals: arrivals.filter(({ message }) => message.data.eventId === eventId),
      claims: this.#claims.get(eventId) ?? [],
      replays: this.#replays.get(eventId) ?? [],
    };
  }

  /** Calls the routes of webhooks until it is told to stop, while one endpoint is away for a time. */
  async play(): Promise<void> {
    const { random, eventIds, ports, endpoints } = this.#deps;
    if (endpoints.all.length === 0) return;
    const leavesAt = random.int(0, 3);
    for (let turn = 0; !this.#isOver; turn++) {
      if (turn === leavesAt) endpoints.leave(random.between(AWAY_MIN_MS, AWAY_MAX_MS));
      await sleep(random.between(0, CALLS_PAUSE_MS));
      const port = random.pick(ports());
      const eventId = random.pick(eventIds);
      const { name } = random.pick(endpoints.all);
      const after = random.int(0, 30);
      const isReplay = random.chance(REPLAY_SHARE);
      if (port === null || this.#isOver) continue;
      await (isReplay ? this.#replay(port, eventId, name, after) : this.#look(port, eventId));
    }
  }

  stop(): void {
    this.#isOver = true;
  }

  close(): void {
    this.#client.close();
  }

  /**
   * Waits until the tables say that nothing is left to do for any event. Nobody is asked, and nobody is woken:
   * what is still due in the end would be due for ever.
   */
  async untilQuiet(): Promise<void> {
    const from = Date.now();
    const stalledBefore = stalledMs();
    await this.#untilNothingIsDue();
    const idleMaxMs = IDLE_MAX_MS + this.#deps.latenessMs + stalledMs() - stalledBefore;
    this.quiets.push({ from, until: Date.now(), idleMaxMs });
  }

  async #untilNothingIsDue(): Promise<void> {
    const startedAt = performance.now() - stalledMs();
    const withinMs = QUIET_WITHIN_MS + STEPS_MAX * this.#deps.latenessMs;
    for (;;) {
      const items = await this.#deps.readItems();
      const soon = Date.now() + SOON_MS;
      const due = items.filter(({ dueAt }) => typeof dueAt === 'number' && dueAt <= soon);
      const isQuiet = due.length === 0 && !(await this.#isIdleSoon(soon));
      if (isQuiet) return;
      if (performance.now() - stalledMs() - startedAt >= withinMs) {
        for (const { eventId, dueAt, outbox } of due) {
          this.#tell(eventId, `what is due since ${dueAt} is not done: ${outbox}`);
        }
        return;
      }
      await sleep(LOOK_PAUSE_MS);
    }
  }

  /** Whether a seat of any event is idle by then if nothing happens, whatever the service takes to be due. */
  async #isIdleSoon(soon: number): Promise<boolean> {
    const logs = await this.#deps.readLogs();
    return logs.some((entries) => {
      const at = idleFrom(new LoggedEvent(entries), Date.now());
      return at !== null && at <= soon;
    });
  }

  /**
   * At the end each endpoint has everything, and the API says so. A worker that another one has outrun may
   * tell what was; one of them knows.
   */
  async lookAtTheEnd(): Promise<void> {
    if (this.#deps.endpoints.all.length === 0) return;
    const existing = await this.#deps.readItems();
    for (const { eventId } of existing) {
      const seen = await Promise.all(
        this.#deps.ports().flatMap((port) => (port === null ? [] : this.#insist(port, eventId))),
      );
      const isDone = seen.some((all) => all?.every(({ pending }) => pending === 0));
      if (!isDone) this.#tell(eventId, `messages are still pending: ${JSON.stringify(seen)}`);
    }
  }

  #tell(eventId: string, what: string): void {
    this.#deps.onViolation(`event ${brief(eventId)}: webhooks: ${what}`);
  }

  async #insist(port: number, eventId: string): Promise<Standing[] | null> {
    for (let attempt = 0; attempt < 30; attempt++) {
      const all = await this.#look(port, eventId);
      if (all) return all;
      await sleep(LOOK_PAUSE_MS);
    }
    return null;
  }

  /** Asks how far the endpoints of an event are; null where nothing was told. */
  async #look(port: number, eventId: string): Promise<Standing[] | null> {
    const reply = await this.#call(port, 'GET', eventId, '');
    if (reply?.status !== 200) return null;
    const all = reply.body as unknown as Standing[];
    const { endpoints } = this.#deps;
    if (all.map(({ name }) => name).join() !== endpoints.all.map(({ name }) => name).join()) {
      this.#tell(eventId, `other endpoints than there are: ${JSON.stringify(all)}`);
    }
    const at = performance.now();
    for (const { name: endpoint, deliveredVersion } of all) {
      keep(this.#claims, eventId, { endpoint, deliveredVersion, at });
    }
    return all;
  }

  async #replay(port: number, eventId: string, endpoint: string, after: number): Promise<void> {
    const at = performance.now();
    const reply = await this.#call(port, 'POST', eventId, `/${endpoint}/replay`, { after });
    if (reply?.status !== 202) return;
    this.replays++;
    keep(this.#replays, eventId, { endpoint, after, at });
  }

  /** Calls a route of webhooks; null where nothing was told. */
  async #call(
    port: number,
    method: string,
    eventId: string,
    path: string,
    content?: object,
  ): Promise<Reply | null> {
    const url = `/registration/events/${encodeURIComponent(eventId)}/webhooks${path}`;
    let reply: Reply;
    try {
      reply = await this.#client.call(port, method, url, content);
    } catch {
      // Nothing was told: the worker is down, or was killed meanwhile.
      return null;
    }
    if (![200, 202, 404, 503].includes(reply.status)) {
      this.#tell(eventId, `an answer that is never given: ${method} ${JSON.stringify(reply)}`);
    }
    return reply;
  }
}

function keep<One>(kept: Map<string, One[]>, eventId: string, one: One): void {
  kept.set(eventId, [...(kept.get(eventId) ?? []), one]);
}
