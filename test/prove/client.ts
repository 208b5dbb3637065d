import { Agent, request } from 'node:http';
import type { Asked } from './history.ts';
import { readBody } from './wire.ts';

/** How long a client waits: longer than the service takes at the very worst. */
const CLIENT_TIMEOUT_MS = 15_000;

/** The worker was not there, so that the request was certainly not carried out. */
export class UnreachedError extends Error {}

/** What came back over HTTP. */
export interface Reply {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Record<string, unknown>;
}

/** Requests over kept connections, as many at a time as there are callers. */
export class HttpClient {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });

  call(
    port: number,
    method: string,
    path: string,
    content?: unknown,
    idempotencyKey?: string,
  ): Promise<Reply> {
    const body = content === undefined ? undefined : JSON.stringify(content);
    return this.send(port, method, path, body, {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
    });
  }

  /** @throws UnreachedError when nobody listens; any other error leaves the outcome open */
  send(
    port: number,
    method: string,
    path: string,
    body: string | Buffer | undefined,
    headers: Record<string, string>,
  ): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const options = {
        host: '127.0.0.1',
        port,
        method,
        path,
        agent: this.#agent,
        timeout: CLIENT_TIMEOUT_MS,
        headers: {
          ...headers,
          ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
        },
      };
      const call = request(options, (response) => {
        readBody(response).then((text) => {
          const status = response.statusCode ?? 0;
          try {
            const parsed = text.length > 0 ? JSON.parse(text.toString()) : {};
            resolve({ status, headers: response.headers, body: parsed });
          } catch {
            resolve({ status, headers: response.headers, body: { text: text.toString() } });
          }
        }, reject);
      });
      call.on('timeout', () => call.destroy(new Error('no answer in time')));
      call.on('error', (error) => {
        const isRefused = 'code' in error && error.code === 'ECONNREFUSED';
        reject(isRefused ? new UnreachedError(error.message) : error);
      });
      call.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** Sends a request about an event, as a client of the API would. */
export function send(
  client: HttpClient,
  port: number,
  eventId: string,
  request: Asked,
  key?: string,
): Promise<Reply> {
  const call = (method: string, path: string, content?: unknown) =>
    client.call(port, method, `/registration${path}`, content, key);
  const query = 'userId' in request ? `?userId=${request.userId}&eventId=${eventId}` : '';
  switch (request.type) {
    case 'create': {
      const { capacity, hasWaitlist } = request;
      return call('POST', '/events', { eventId, name: 'An event', capacity, hasWaitlist });
    }
    case 'register':
      return call('POST', '/registrations', { userId: request.userId, eventId });
    case 'override': {
      const override = { reason: 'the campaign wants it' };
      return call('POST', '/registrations', { userId: request.userId, eventId, override });
    }
    case 'unregister':
      return call('DELETE', `/registrations${query}`);
    case 'leaveLine':
      return call('DELETE', `/waitlist${query}`);
    case 'stand':
      return call('GET', `/registrations${query}`);
    case 'update':
      return call('PATCH', `/events/${eventId}`, request.patch);
    case 'cancel':
      return call('DELETE', `/events/${eventId}`);
    case 'read':
      return call('GET', `/events/${eventId}/capacity`);
  }
}

/** Registers many users with one call: the answer to each as if it had been asked for alone. */
export async function sendAll(
  client: HttpClient,
  port: number,
  eventId: string,
  userIds: string[],
): Promise<Reply[]> {
  const path = `/registration/events/${eventId}/registrations`;
  const { status, headers, body } = await client.call(port, 'POST', path, { userIds });
  if (!Array.isArray(body.results)) return userIds.map(() => ({ status, headers, body }));
  return (body.results as Record<string, unknown>[]).map((row) => {
    const problem = row.problem as { status: number } | undefined;
    return { status: problem?.status ?? 201, headers, body: { ...row, ...problem } };
  });
}
