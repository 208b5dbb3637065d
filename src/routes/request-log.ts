import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import { matchedRoutes } from 'hono/route';
import { UnauthenticatedError } from '../errors.ts';
import type { Took } from '../event/queue.ts';
import { servicesOf } from '../services.ts';

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

/** Refusals that are about who calls, or how often. */
const ABOUT_CALLER = new Set([401, 403, 429]);

/**
 * Who made a change, or was refused: a key's name, or the keyed hash of a person's id. Nothing of reads that
 * are answered, and nothing where nobody has to say who they are.
 */
async function callerOf(c: Context<{ Bindings: Env }>) {
  if (c.error instanceof UnauthenticatedError) return { caller: null, reason: c.error.reason };
  const { caller } = c.var;
  const isChange = ['POST', 'PATCH', 'DELETE'].includes(c.req.method);
  if (!caller || !(isChange || ABOUT_CALLER.has(c.res.status))) return {};
  return { caller: await servicesOf(c.env).pseudonym(caller) };
}

/**
 * Writes one line a request where `LOG_REQUESTS` is `yes`. It has the pattern of the route and not the
 * URL, whose ids are people's; of a change and of a refusal it has who called.
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
    ...(await callerOf(c)),
    totalMs: Date.now() - startedAt,
    ...took,
    results,
  };
  // biome-ignore lint/suspicious/noConsole: the platform's log
  console.log(JSON.stringify(line));
});
