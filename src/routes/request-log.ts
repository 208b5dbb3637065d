import { createMiddleware } from 'hono/factory';
import { matchedRoutes } from 'hono/route';
import type { Took } from '../event/queue.ts';

declare module 'hono' {
  interface ContextVariableMap {
    /** What became of the request: a reply's kind, or an error's class. */
    outcome?: string;
    /** What the answer took, and the commit that it rests on. */
    took?: Took;
    /** Of many users at once: how many of them came to what. */
    results?: Record<string, number>;
  }
}

/**
 * Writes one line a request where `LOG_REQUESTS` is `yes`. It has the pattern of the route and not the
 * URL, whose ids are people's.
 */
export const logRequest = createMiddleware<{ Bindings: Env }>(async (c, next) => {
  if (c.env.LOG_REQUESTS !== 'yes') return next();
  const startedAt = Date.now();
  await next();
  const { requestId, outcome = c.res.ok ? 'ok' : null, took, results } = c.var;
  const route = matchedRoutes(c).findLast(({ method }) => method !== 'ALL')?.path ?? null;
  const line = {
    requestId,
    method: c.req.method,
    route,
    status: c.res.status,
    outcome,
    totalMs: Date.now() - startedAt,
    ...took,
    results,
  };
  // biome-ignore lint/suspicious/noConsole: the platform's log
  console.log(JSON.stringify(line));
});
