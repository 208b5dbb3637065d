import autocannon from 'autocannon';
import { percentile } from './stats.ts';

/** A request to send. */
export interface Shot {
  method: 'GET' | 'POST' | 'DELETE';
  path: string;
  body?: string;
  headers?: Record<string, string>;
}

/** The result of a run. */
export interface LoadResult {
  requests: number;
  seconds: number;
  perSecond: number;
  p50: number;
  p99: number;
  /** The number of answers by status. */
  statuses: Record<number, number>;
}

const TIMEOUT_S = 20;

/**
 * Sends a number of requests over keep-alive connections. Each connection sends the next one after an answer.
 *
 * @param next builds the request with this index
 */
export async function fire(options: {
  url: string;
  connections: number;
  amount: number;
  next: (index: number) => Shot;
}): Promise<LoadResult> {
  const { url, connections, amount, next } = options;
  const latencies: number[] = [];
  const statuses: Record<number, number> = {};
  let index = 0;
  const started = performance.now();
  const instance = autocannon({
    url,
    connections,
    amount,
    timeout: TIMEOUT_S,
    requests: [
      {
        // New headers for each request: autocannon writes the length of the body into them.
        setupRequest: (request) => {
          const { headers, ...shot } = next(index++);
          const all = { 'content-type': 'application/json', ...headers };
          return { ...request, ...shot, headers: all };
        },
      },
    ],
  });
  let ended = started;
  instance.on('response', (_client, status, _bytes, ms) => {
    ended = performance.now();
    latencies.push(ms);
    statuses[status] = (statuses[status] ?? 0) + 1;
  });
  await instance;
  const seconds = (ended - started) / 1_000;
  return {
    requests: latencies.length,
    seconds,
    perSecond: latencies.length / seconds,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    statuses,
  };
}

/** A registration. */
export function registerShot(userId: string, eventId: string): Shot {
  const body = JSON.stringify({ userId, eventId });
  return { method: 'POST', path: '/registration/registrations', body };
}

/** Leaving an event. */
export function unregisterShot(userId: string, eventId: string): Shot {
  return {
    method: 'DELETE',
    path: `/registration/registrations?userId=${userId}&eventId=${eventId}`,
  };
}

/** A request for the free seats. */
export function capacityShot(eventId: string): Shot {
  return { method: 'GET', path: `/registration/events/${encodeURIComponent(eventId)}/capacity` };
}

/** The same, which may be answered from near. All isolates of a place are asked by one host, as on the platform. */
export function nearShot(eventId: string): Shot {
  return { ...capacityShot(eventId), headers: { 'cache-control': 'max-age=1', host: 'localhost' } };
}

/** Sends a request that is not measured; throws if it does not succeed. */
export async function send(url: string, shot: Shot): Promise<unknown> {
  const { method, path, body } = shot;
  const response = await fetch(url + path, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return JSON.parse(text);
}

/** Creates an event through the service. */
export async function createEvent(
  url: string,
  event: { eventId: string; capacity: number; hasWaitlist: boolean },
): Promise<void> {
  const body = JSON.stringify({ name: 'A hot event', ...event });
  await send(url, { method: 'POST', path: '/registration/events', body });
}
