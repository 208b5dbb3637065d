import { OUTBOX_TIMEOUT_MS } from '../limits.ts';
import type { Result } from './progress.ts';

/** How a request is made. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** What `Retry-After` asks for, in milliseconds: seconds, or a date. 0 where it asks for nothing. */
export function retryAfterMs(header: string | null, now: number): number {
  if (header === null) return 0;
  if (/^\d+$/.test(header)) return Number(header) * 1_000;
  const until = /^[A-Z].* GMT$/.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(until) ? 0 : Math.max(0, until - now);
}

function resultOf({ status, ok, headers }: Response, now: number): Result {
  if (ok) return { type: 'taken' };
  if (status === 410) return { type: 'ended', cause: 'HTTP 410' };
  const isRedirect = status >= 300 && status < 400;
  const cause = isRedirect ? `redirect ${status}` : `HTTP ${status}`;
  return { type: 'failed', cause, retryAfterMs: retryAfterMs(headers.get('Retry-After'), now) };
}

/**
 * Sends one message, and says what came of it. Its causes are ours: nothing of an answer's body is read,
 * however long it is, and no redirection is followed.
 */
export async function attempt(
  url: string,
  headers: Record<string, string>,
  body: string,
  { fetch, now }: { fetch: Fetch; now(): number },
): Promise<Result> {
  // Not `AbortSignal.timeout`: its timer outlives the call.
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), OUTBOX_TIMEOUT_MS);
  let result: Result | null = null;
  try {
    const { signal } = abort;
    const init: RequestInit = { method: 'POST', redirect: 'manual', headers, body, signal };
    const response = await fetch(url, init);
    result = resultOf(response, now());
    await response.body?.cancel();
    return result;
  } catch {
    const cause = abort.signal.aborted ? 'timeout' : 'connection failed';
    return result ?? { type: 'failed', cause, retryAfterMs: 0 };
  } finally {
    clearTimeout(timer);
  }
}
