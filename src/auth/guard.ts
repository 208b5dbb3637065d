import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import { matchedRoutes } from 'hono/route';
import { ForbiddenError, MisdirectedError, RateLimitedError } from '../errors.ts';
import type { RATE_LIMIT_CALLS } from '../limits.ts';
import { servicesOf } from '../services.ts';
import { ACCESS, type Caller, isWithin, type Right, rightOf } from './access.ts';
import { toNetwork } from './address.ts';
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

/** Counts a call against where it comes from, whatever it asks for. */
const countFrom = (isPreflight: boolean) =>
  createMiddleware<{ Bindings: Env }>(async (c, next) => {
    if ((c.req.method === 'OPTIONS') === isPreflight) {
      const address = c.req.header('cf-connecting-ip') ?? 'unknown';
      await count('address', c.env.ADDRESS_LIMIT, toNetwork(address));
    }
    return next();
  });

/** Counts what a browser asks before it calls. */
export const countPreflights = countFrom(true);

/** Counts every other call. */
export const countCalls = countFrom(false);

/** Lets in who may make the call; `permitInput` then looks at what it is about. */
export const guard = createMiddleware<{ Bindings: Env }>(async (c, next) => {
  if (!answersTo(c.req.url, c.env)) throw new MisdirectedError();
  const rules = matchedRoutes(c).flatMap(({ method, path }) =>
    method === 'ALL' ? [] : [ACCESS[`${method} ${path}`] ?? null],
  );
  // No route of ours: that is told to anybody.
  if (rules.length === 0 || rules.every((rule) => rule === 'public')) return next();
  const { authenticate } = servicesOf(c.env);
  if (!authenticate) return next();
  const caller = await authenticate(c.req.header('Authorization'));
  // Known before anything is refused: the log tells who was.
  c.set('caller', caller);
  await count('caller', c.env.CALLER_LIMIT, caller.id);
  const rule = rules[0];
  const right = rule && rule !== 'public' ? rightOf(rule, caller) : 'no';
  if (right === 'no') throw new ForbiddenError();
  c.set('right', right);
  return next();
});

/** Refuses input that is about somebody or something that is not the caller's. */
export function permitInput(c: Context, input: unknown): void {
  const { caller, right } = c.var;
  if (caller && right && !isWithin(input, right, caller)) throw new ForbiddenError();
}
