import { Agent, request } from 'node:http';
import type { Outcome, Reason, Request } from './history.ts';
import { readBody } from './wire.ts';

/** How long a client waits: longer than the service takes at the very worst. */
const CLIENT_TIMEOUT_MS = 15_000;

/** The worker was not there, so that the request was certainly not carried out. */
export class UnreachedError extends Error {}

/** An answer that no promise allows. */
export class UnexpectedAnswerError extends Error {}

/** What came back over HTTP. */
export interface Reply {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Record<string, unknown>;
}

/** Requests over kept connections, as many at a time as there are callers. */
export class HttpClient {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });

  call(port: number, method: string, path: string, content?: unknown): Promise<Reply> {
    const body = content === undefined ? undefined : JSON.stringify(content);
    return this.send(port, method, path, body, {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
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
  request: Exclude<Request, { type: 'tables' }>,
): Promise<Reply> {
  const place = '/registration/registrations';
  switch (request.type) {
    case 'create': {
      const { capacity, hasWaitlist } = request;
      const event = { eventId, name: 'An event', capacity, hasWaitlist };
      return client.call(port, 'POST', '/registration/events', event);
    }
    case 'register':
      return client.call(port, 'POST', place, { userId: request.userId, eventId });
    case 'unregister':
      return client.call(port, 'DELETE', `${place}?userId=${request.userId}&eventId=${eventId}`);
    case 'read':
      return client.call(port, 'GET', `/registration/events/${eventId}/capacity`);
  }
}

const REFUSALS: [status: number, sentence: RegExp, reason: Reason][] = [
  [409, /^Event \S+ exists already\.$/, 'event exists'],
  [404, /^There is no event /, 'no such event'],
  [409, /is already registered for event/, 'already registered'],
  [409, /is already on the waitlist of event/, 'already waitlisted'],
  [409, /is full and has no waitlist/, 'full'],
  [404, /is not registered for event/, 'not registered'],
];

/**
 * What an answer means. Null for one that says that nothing was changed, which then never happened.
 *
 * @throws UnexpectedAnswerError for what the service should never answer
 */
export function toOutcome({ status, body }: Reply): Outcome | null {
  const detail = String(body.detail ?? '');
  if (status === 503) {
    return detail.includes('nothing was changed') ? null : { type: 'unknown', why: detail };
  }
  if (status === 201 && 'registration' in body) {
    const registration = body.registration as { registrationId: string } | null;
    const entry = body.waitlistEntry as { entryId: string; position: number } | null;
    if (registration && !entry) return { type: 'registered', id: registration.registrationId };
    if (entry && !registration) {
      return { type: 'waitlisted', id: entry.entryId, position: entry.position };
    }
  }
  if (status === 201 && 'capacity' in body) {
    return {
      type: 'created',
      capacity: body.capacity as number,
      hasWaitlist: body.hasWaitlist as boolean,
    };
  }
  if (status === 200 && 'promoted' in body) {
    const promoted = body.promoted as { userId: string; registrationId: string } | null;
    return {
      type: 'unregistered',
      promoted: promoted && { userId: promoted.userId, id: promoted.registrationId },
    };
  }
  if (status === 200 && 'availableCapacity' in body) {
    return {
      type: 'read',
      capacity: body.totalCapacity as number,
      available: body.availableCapacity as number,
    };
  }
  for (const [wanted, sentence, reason] of REFUSALS) {
    if (status === wanted && sentence.test(detail)) return { type: 'refused', reason };
  }
  throw new UnexpectedAnswerError(`${status} ${JSON.stringify(body)}`);
}
