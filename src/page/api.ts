/** Calls the API. */
import { ServerClock } from './clock.ts';
import type { Problem } from './wire.ts';

/** The clock that every answer sets. */
export const clock = new ServerClock();

/** The page itself tells the server's time, to the millisecond. */
function learnFromPage(): void {
  const [timing] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
  if (!timing) return;
  const { timeOrigin } = performance;
  const serverMs = Number(document.body.dataset.now);
  clock.learn(serverMs, timeOrigin + timing.requestStart, timeOrigin + timing.responseStart, 1);
}
learnFromPage();

/** An answer. `body` is what the caller expects of a success; `problem` is not null for a refusal. */
export interface Answer<Body> {
  status: number;
  body: Body;
  problem: Problem | null;
  headers: Headers;
}

/** What goes with a call. */
export interface Sent {
  token?: string | undefined;
  body?: unknown;
  key?: string | undefined;
  ifMatch?: string | undefined;
  accept?: string;
  /** How many seconds old the answer may be: for lists, never for what somebody is told about themselves. */
  maxAge?: number;
}

/** How long a call may take before it counts as unanswered. */
const PATIENCE_MS = 20_000;

/** @throws TypeError or DOMException when there was no answer */
export async function request(method: string, path: string, sent: Sent = {}): Promise<Response> {
  const headers: Record<string, string> = { Accept: sent.accept ?? 'application/json' };
  if (sent.token) headers.Authorization = `Bearer ${sent.token}`;
  if (sent.key) headers['Idempotency-Key'] = sent.key;
  if (sent.ifMatch) headers['If-Match'] = sent.ifMatch;
  if (sent.maxAge) headers['Cache-Control'] = `max-age=${sent.maxAge}`;
  if (sent.body !== undefined) headers['Content-Type'] = 'application/json';
  const sentAt = clock.local();
  const response = await fetch(path, {
    method,
    headers,
    cache: 'no-store',
    credentials: 'omit',
    signal: AbortSignal.timeout(PATIENCE_MS),
    ...(sent.body === undefined ? {} : { body: JSON.stringify(sent.body) }),
  });
  clock.learn(Date.parse(response.headers.get('Date') ?? ''), sentAt, clock.local(), 1_000);
  return response;
}

/** @throws TypeError, SyntaxError or DOMException when there was no answer, or a part of one */
export async function call<Body>(
  method: string,
  path: string,
  sent: Sent = {},
): Promise<Answer<Body>> {
  const response = await request(method, path, sent);
  const body: unknown = await response.json();
  const problem = response.ok ? null : (body as Problem);
  return { status: response.status, body: body as Body, problem, headers: response.headers };
}

/** A path with its query. */
export function withQuery(path: string, query: Record<string, string>): string {
  return `${path}?${new URLSearchParams(query)}`;
}

/** The path of an event. */
export const eventPath = (eventId: string, rest = '') =>
  `/registration/events/${encodeURIComponent(eventId)}${rest}`;
