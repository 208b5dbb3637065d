import { setTimeout as sleep } from 'node:timers/promises';
import type { EventItem } from '../../src/store/tables.ts';
import { HttpClient, type Reply } from './client.ts';
import type { Endpoints } from './endpoints.ts';
import type { Claim, Replay, Told } from './messages.ts';
import type { Random } from './random.ts';
import { brief } from './report.ts';
import { stalledMs } from './stalls.ts';

/** How long the objects have to send what is left when all faults are over. */
const QUIET_WITHIN_MS = 15_000;
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
    const startedAt = performance.now() - stalledMs();
    for (;;) {
      const items = await this.#deps.readItems();
      const due = items.filter(({ dueAt }) => dueAt !== null);
      if (due.length === 0) return;
      if (performance.now() - stalledMs() - startedAt >= QUIET_WITHIN_MS) {
        for (const { eventId, dueAt, outbox } of due) {
          this.#tell(eventId, `what is due since ${dueAt} is not done: ${outbox}`);
        }
        return;
      }
      await sleep(LOOK_PAUSE_MS);
    }
  }

  /**
   * At the end each endpoint has everything, and the API says so. A worker that another one has outrun may
   * tell what was; one of them knows.
   */
  async lookAtTheEnd(): Promise<void> {
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
