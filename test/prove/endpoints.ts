import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { Random } from './random.ts';
import { readBody } from './wire.ts';

/** How long a worker of the campaign waits for the answer of an endpoint, as `build.ts` sets it. */
export const MESSAGE_TIMEOUT_MS = 800;

/** An endpoint that the workers of the campaign send to. */
export interface Endpoint {
  name: string;
  secrets: string[];
  /** Which messages it wants, such as `registration.*`; null for all. */
  types: string[] | null;
}

/** A message as it came to an endpoint, once for each attempt. */
export interface Arrival {
  endpoint: string;
  /** Milliseconds on the performance clock, and the time by which a 2xx had been sent; null where none was. */
  at: number;
  takenAt: number | null;
  /** The header `webhook-id`. */
  id: string;
  /** The body, parsed. */
  message: Message;
  /** Why it is no message by the rules of Standard Webhooks; null where it is one. */
  fault: string | null;
}

/** The body of a message. */
export interface Message {
  type: string;
  timestamp: string;
  data: { eventId: string; version: number; index: number } & Record<string, unknown>;
}

/** What the endpoint that fails does instead of taking a message. */
const FAILURES = [
  'error',
  'busy',
  'reset',
  'half an answer',
  'hang',
  'slow',
  'too late',
  'redirect',
] as const;
type Failure = (typeof FAILURES)[number];

/** A message is failed so often at most: fewer times than the service tries. */
const MAX_FAILURES = 5;
/** An answer that is slow, and one that comes when the sender has given up. */
const SLOW_MAX_MS = 150;
const LATE_MS = 100;

const newSecret = () => `whsec_${randomBytes(32).toString('base64')}`;

/** Draws the endpoints of a world: mostly two of the three, since each takes calls of its own to DynamoDB. */
function drawEndpoints(random: Random): Endpoint[] {
  const all: Endpoint[] = [
    { name: 'steady', secrets: [newSecret()], types: null },
    // As while a secret is rotated.
    { name: 'flaky', secrets: [newSecret(), newSecret()], types: null },
    { name: 'away', secrets: [newSecret()], types: ['registration.*', 'event.updated', 'user.*'] },
  ];
  const left = random.chance(1 / 3) ? null : random.pick(all);
  return all.filter((endpoint) => endpoint !== left);
}

/**
 * The endpoints of a world, on the loopback: `steady` takes everything, `flaky` fails in all ways that there
 * are, and `away` is not there for a while.
 */
export class Endpoints {
  readonly all: readonly Endpoint[];
  /** All that came, in the order in which it came. */
  readonly arrivals: Arrival[] = [];
  /** Requests that are no messages. */
  readonly strays: string[] = [];
  /** How often each failure struck. */
  readonly counts = new Map<string, number>();
  readonly #servers: Server[];
  readonly #webhooks: Map<string, Webhook[]>;
  readonly #random: Random;
  /** How often each message was failed. */
  readonly #failed = new Map<string, number>();
  #failureRate: number;
  #awayUntil = 0;

  private constructor(seed: number, servers: Server[], isUsed: boolean) {
    this.#random = new Random(seed, 'endpoints');
    this.all = isUsed ? drawEndpoints(this.#random) : [];
    this.#failureRate = this.#random.pick([0.1, 0.3, 0.6]);
    this.#servers = servers;
    this.#webhooks = new Map(
      this.all.map(({ name, secrets }) => [name, secrets.map((secret) => new Webhook(secret))]),
    );
    for (const [i, { name }] of this.all.entries()) {
      servers[i]?.on('request', (request, response) => {
        void this.#serve(name, request, response).catch(() => response.destroy());
      });
      servers[i]?.on('connection', (socket) => {
        if (name === 'away' && this.#isAway) socket.destroy();
      });
    }
  }

  /** @param isUsed whether there are any */
  static async open(seed: number, isUsed: boolean): Promise<Endpoints> {
    // Idle connections are never closed from here: a sender that uses one at that moment would fail.
    const servers = Array.from({ length: 3 }, () =>
      createServer({ keepAliveTimeout: 120_000 }).listen(0, '127.0.0.1'),
    );
    await Promise.all(servers.map((server) => once(server, 'listening')));
    return new Endpoints(seed, servers, isUsed);
  }

  /** The secret `WEBHOOKS` of the workers. */
  get setting(): string {
    const endpoints = this.all.map(({ name, secrets, types }, i) => {
      const url = `${this.#originOf(i)}/${name}`;
      return { name, url, secrets, ...(types ? { types } : {}) };
    });
    return JSON.stringify(endpoints);
  }

  /** Takes `away` away for a while. */
  leave(ms: number): void {
    this.#awayUntil = Math.max(this.#awayUntil, performance.now() + ms);
    this.#servers[this.all.findIndex(({ name }) => name === 'away')]?.closeAllConnections();
  }

  /** Ends all faults. */
  calm(): void {
    this.#failureRate = 0;
    this.#awayUntil = 0;
  }

  close(): void {
    for (const server of this.#servers) {
      server.closeAllConnections();
      server.close();
    }
  }

  #originOf(number: number): string {
    const address = this.#servers[number]?.address() as AddressInfo | undefined;
    return `http://127.0.0.1:${address?.port ?? 0}`;
  }

  get #isAway(): boolean {
    return performance.now() < this.#awayUntil;
  }

  async #serve(name: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const at = performance.now();
    const text = (await readBody(request)).toString();
    if (request.method !== 'POST' || request.url !== `/${name}`) {
      this.strays.push(`${name} got ${request.method} ${request.url}`);
      return void response.writeHead(404).end();
    }
    const arrival = this.#note(name, at, text, request.headers as Record<string, string>);
    const failure = name === 'flaky' ? this.#drawFailure(arrival) : null;
    if (failure === null) return this.#take(arrival, response);
    this.counts.set(failure, (this.counts.get(failure) ?? 0) + 1);
    await this.#fail(failure, arrival, response);
  }

  #note(endpoint: string, at: number, text: string, headers: Record<string, string>): Arrival {
    let fault: string | null = null;
    let message: Message = { type: '', timestamp: '', data: { eventId: '', version: 0, index: 0 } };
    try {
      for (const webhook of this.#webhooks.get(endpoint) ?? []) webhook.verify(text, headers);
      message = JSON.parse(text) as Message;
    } catch (error) {
      fault = `${String(error)}: ${text}`;
    }
    const id = String(headers['webhook-id']);
    const arrival: Arrival = { endpoint, at, takenAt: null, id, message, fault };
    this.arrivals.push(arrival);
    return arrival;
  }

  #drawFailure({ id }: Arrival): Failure | null {
    const failed = this.#failed.get(id) ?? 0;
    if (failed >= MAX_FAILURES || !this.#random.chance(this.#failureRate)) return null;
    this.#failed.set(id, failed + 1);
    return this.#random.pick(FAILURES);
  }

  #take(arrival: Arrival, response: ServerResponse): void {
    arrival.takenAt = performance.now();
    response.writeHead(this.#random.pick([200, 202, 204])).end();
  }

  async #fail(failure: Failure, arrival: Arrival, response: ServerResponse): Promise<void> {
    switch (failure) {
      case 'error':
        return void response.writeHead(this.#random.pick([400, 404, 500, 502])).end('no');
      case 'busy': {
        const until = new Date(Date.now() + 1_000).toUTCString();
        const after = this.#random.pick(['0', '1', until]);
        return void response.writeHead(503, { 'Retry-After': after }).end();
      }
      case 'reset':
        return void response.socket?.resetAndDestroy();
      case 'half an answer':
        response.socket?.write('HTTP/1.1 200');
        return void response.socket?.end();
      case 'hang':
        // Until the sender gives up.
        return;
      case 'slow':
        await sleep(this.#random.between(0, SLOW_MAX_MS));
        return this.#take(arrival, response);
      case 'too late':
        await sleep(MESSAGE_TIMEOUT_MS + LATE_MS);
        return void response.writeHead(204).end();
      case 'redirect': {
        // To an endpoint that would take it.
        const to = { Location: `${this.#originOf(0)}/redirected` };
        return void response.writeHead(this.#random.pick([301, 302, 307, 308]), to).end();
      }
    }
  }
}
