import { Agent, request } from 'node:http';
import type { Asked } from './history.ts';
import { writeCursor } from './lists.ts';
import { readBody } from './wire.ts';

/** How long a client waits: longer than the service takes in the worst case. */
const CLIENT_TIMEOUT_MS = 15_000;

/** The worker got the request, but did not answer. */
export class NoAnswerError extends Error {}

/** No worker listened, so the request was certainly not carried out. */
export class UnreachedError extends Error {}

/** An HTTP answer. */
export interface Reply {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Record<string, unknown>;
}

/** Sends requests over kept connections, one for each concurrent request. */
export class HttpClient {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });

  call(
    port: number,
    method: string,
    path: string,
    content?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Reply> {
    const body = content === undefined ? undefined : JSON.stringify(content);
    return this.send(port, method, path, body, {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    });
  }

  /**
   * @throws UnreachedError when nobody listens
   * @throws NoAnswerError when an answer does not come; any other error leaves the outcome open as well
   */
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
      call.on('timeout', () => call.destroy(new NoAnswerError('no answer in time')));
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

/** A call about an event: a request, the registration of many with one call, or a page of the log. */
export type Call =
  | Asked
  | { type: 'registerAll'; userIds: string[] }
  /** `after`: the version that the page begins after; -1 for the beginning. */
  | { type: 'log'; after: number; limit: number };

const RECEIPT = 'registration-receipt';

/** The receipt of an answer; null where it has none. */
export function receiptOf({ headers }: Reply): string | null {
  const receipt = headers[RECEIPT];
  return receipt === undefined ? null : String(receipt);
}

/** Sends a call about an event, as a client of the API would. */
export function send(
  client: HttpClient,
  port: number,
  eventId: string,
  asked: Call,
  key?: string,
): Promise<Reply> {
  const headers: Record<string, string> = key === undefined ? {} : { 'idempotency-key': key };
  if ('ifMatch' in asked) headers['if-match'] = `"${asked.ifMatch}"`;
  const call = (method: string, path: string, content?: unknown) =>
    client.call(port, method, `/registration${path}`, content, headers);
  const event = `/events/${encodeURIComponent(eventId)}`;
  const query = new URLSearchParams({
    ...('userId' in asked ? { userId: asked.userId } : {}),
    eventId,
  });
  switch (asked.type) {
    case 'create': {
      const { capacity, hasWaitlist } = asked;
      return call('POST', '/events', { eventId, name: 'An event', capacity, hasWaitlist });
    }
    case 'register':
      return call('POST', '/registrations', { userId: asked.userId, eventId });
    case 'registerAll':
      return call('POST', `${event}/registrations`, { userIds: asked.userIds });
    case 'override': {
      const override = { reason: 'the campaign wants it' };
      return call('POST', '/registrations', { userId: asked.userId, eventId, override });
    }
    case 'unregister':
      return call('DELETE', `/registrations?${query}`);
    case 'leaveLine':
      return call('DELETE', `/waitlist?${query}`);
    case 'stand':
      return call('GET', `/registrations?${query}`);
    case 'update':
      return call('PATCH', event, asked.patch);
    case 'cancel':
      return call('DELETE', event);
    case 'read':
      return call('GET', `${event}/capacity`);
    case 'look':
      return call('GET', event);
    case 'log': {
      const { after, limit } = asked;
      const page = new URLSearchParams({ limit: String(limit) });
      if (after >= 0) page.set('after', String(after));
      return call('GET', `${event}/log?${page}`);
    }
    case 'list': {
      const { list, format, after, limit } = asked;
      headers.accept = format === 'csv' ? 'text/csv' : 'application/json';
      const page = new URLSearchParams({ limit: String(limit) });
      if (after > 0) page.set('cursor', writeCursor(list, eventId, after));
      return call('GET', `${event}/${list}${format === 'csv' ? '' : `?${page}`}`);
    }
  }
}

/** The answer to each row of a call that registers many, as if it had been asked for alone, with its own receipt. */
export function rowsOf({ status, headers, body }: Reply, userIds: string[]): Reply[] {
  const results = body.results as Record<string, unknown>[] | undefined;
  return userIds.map((_, i) => {
    if (!Array.isArray(results)) return { status, headers, body };
    const row = results[i] ?? {};
    const problem = row.problem as { status: number } | undefined;
    const { receipt, ...told } = row;
    const own = { ...headers, [RECEIPT]: (receipt as string | null | undefined) ?? undefined };
    return { status: problem?.status ?? 201, headers: own, body: { ...told, ...problem } };
  });
}
