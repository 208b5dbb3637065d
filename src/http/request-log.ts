import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import { matchedRoutes } from 'hono/route';
import { UnauthenticatedError } from '../errors.ts';
import type { Timing } from '../event/queue.ts';
import { servicesOf } from '../services.ts';

declare module 'hono' {
  interface ContextVariableMap {
    /** The result of the request: the type of an outcome, or the class of an error. */
    outcome?: string;
    /** How long the answer and its commit took. */
    timing?: Timing;
    /** Of a bulk request: how many rows had which result. */
    results?: Record<string, number>;
  }
}

/** Statuses of refusals that are about the caller, or about how often they call. */
const ABOUT_CALLER = new Set([401, 403, 429]);

/**
 * Who made a change or was refused: the name of an API key, or the pseudonym of a person. Empty for reads that
 * succeed, and when authentication is off.
 */
async function callerOf(c: Context<{ Bindings: Env }>) {
  if (c.error instanceof UnauthenticatedError) return { caller: null, reason: c.error.reason };
  const { caller } = c.var;
  const isChange = ['POST', 'PATCH', 'DELETE'].includes(c.req.method);
  if (!caller || !(isChange || ABOUT_CALLER.has(c.res.status))) return {};
  return { caller: await servicesOf(c.env).pseudonym(caller) };
}

/**
 * Writes one line for each request if `LOG_REQUESTS` is `yes`. It has the pattern of the route instead of the
 * URL, which can contain people's ids. For changes and refusals it names the caller.
 */
export const logRequest = createMiddleware<{ Bindings: Env }>(async (c, next) => {
  if (c.env.LOG_REQUESTS !== 'yes') return next();
  const startedAt = Date.now();
  await next();
  const { requestId, outcome = c.res.ok ? 'ok' : null, timing, results } = c.var;
  const route = matchedRoutes(c).findLast(({ method }) => method !== 'ALL')?.path ?? null;
  const line = {
    requestId,
    method: c.req.method,
    route,
    status: c.res.status,
    outcome,
    ...(await callerOf(c)),
    totalMs: Date.now() - startedAt,
    ...timing,
    results,
  };
  // biome-ignore lint/suspicious/noConsole: the platform's log
  console.log(JSON.stringify(line));
});
