import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import { matchedRoutes } from 'hono/route';
import { ForbiddenError, MisdirectedError, RateLimitedError } from '../errors.ts';
import type { RATE_LIMIT_CALLS } from '../limits.ts';
import { servicesOf } from '../services.ts';
import { ACCESS, type Caller, isWithin, type Right, rightOf } from './access.ts';
import { answersTo } from './settings.ts';

declare module 'hono' {
  interface ContextVariableMap {
    /** Who calls; undefined where nobody has to say. */
    caller?: Caller;
    /** For whom the caller may make this call. */
    right?: Right;
  }
}

/** Counts a call, where a limit is bound. */
async function count(
  policy: keyof typeof RATE_LIMIT_CALLS,
  limiter: RateLimit | undefined,
  key: string,
): Promise<void> {
  if (!limiter) return;
  const { success } = await limiter.limit({ key });
  if (!success) throw new RateLimitedError(policy);
}

/** Lets in who may make the call; `permitInput` then looks at what it is about. */
export const guard = createMiddleware<{ Bindings: Env }>(async (c, next) => {
  // Whatever it asks for: a public route and one that is not there cost something too.
  await count('address', c.env.ADDRESS_LIMIT, addressOf(c));
  if (!answersTo(c.req.url, c.env)) throw new MisdirectedError();
  const rules = matchedRoutes(c).flatMap(({ method, path }) =>
    method === 'ALL' ? [] : [ACCESS[`${method} ${path}`] ?? null],
  );
  // No route of ours: that is told to anybody.
  if (rules.length === 0 || rules.every((rule) => rule === 'public')) return next();
  const { authenticate } = servicesOf(c.env);
  if (!authenticate) return next();
  const caller = await authenticate(c.req.header('Authorization'));
  await count('caller', c.env.CALLER_LIMIT, caller.id);
  const rule = rules[0];
  const right = rule && rule !== 'public' ? rightOf(rule, caller) : 'no';
  if (right === 'no') throw new ForbiddenError();
  c.set('caller', caller);
  c.set('right', right);
  return next();
});

const addressOf = (c: Context) => c.req.header('cf-connecting-ip') ?? 'unknown';

/** Refuses input that is about somebody or something that is not the caller's. */
export function permitInput(c: Context, input: unknown): void {
  const { caller, right } = c.var;
  if (caller && right && !isWithin(input, right, caller)) throw new ForbiddenError();
}
