import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import { matchedRoutes } from 'hono/route';
import {
  ACCESS,
  type Caller,
  isAboutEvent,
  isWithin,
  type Right,
  rightOf,
} from '../auth/access.ts';
import { toNetwork } from '../auth/address.ts';
import { answersTo } from '../auth/settings.ts';
import { ForbiddenError, MisdirectedError, RateLimitedError } from '../errors.ts';
import type { RATE_LIMIT_CALLS } from '../http-limits.ts';
import { BEARER_PROTOCOL } from '../live-protocol.ts';
import { servicesOf } from '../services.ts';

declare module 'hono' {
  interface ContextVariableMap {
    /** Who calls; undefined for a public route, and when authentication is off. */
    caller?: Caller;
    /** On whose behalf the caller may make this call. */
    right?: Right;
  }
}

/** Counts a call against a limit, if that is bound. */
async function countAgainst(
  policy: keyof typeof RATE_LIMIT_CALLS,
  limiter: RateLimit | undefined,
  key: string,
): Promise<void> {
  if (!limiter) return;
  const { success } = await limiter.limit({ key });
  if (!success) throw new RateLimitedError(policy);
}

/** Counts preflights, or all other calls, against the limit of their address. */
const countByAddress = (isPreflight: boolean) =>
  createMiddleware<{ Bindings: Env }>(async (c, next) => {
    if ((c.req.method === 'OPTIONS') === isPreflight) {
      await countAgainst('address', c.env.ADDRESS_LIMIT, networkOf(c));
    }
    return next();
  });

/** Counts preflights: the `OPTIONS` requests that a browser sends before a call. */
export const countPreflights = countByAddress(true);

/** Counts every other call. */
export const countCalls = countByAddress(false);

/** Whether the request asks for a WebSocket. */
export const asksForSocket = (c: Context): boolean =>
  c.req.header('Upgrade')?.toLowerCase() === 'websocket';

/** The subprotocols that a client offers. */
export const protocolsOf = (c: Context): string[] =>
  (c.req.header('Sec-WebSocket-Protocol') ?? '').split(',').map((each) => each.trim());

/** The header that a page would send if it could: it shows its token as a subprotocol. */
function bearerOfSocket(c: Context): string | undefined {
  if (!asksForSocket(c)) return undefined;
  const protocol = protocolsOf(c).find((each) => each.startsWith(BEARER_PROTOCOL));
  return protocol === undefined ? undefined : `Bearer ${protocol.slice(BEARER_PROTOCOL.length)}`;
}

/** The key of the caller's address in limits. */
export const networkOf = (c: Context): string =>
  toNetwork(c.req.header('cf-connecting-ip') ?? 'unknown');

/** Authenticates the caller, and refuses a call that none of their roles may make. `permitInput` checks the input. */
export const guard = createMiddleware<{ Bindings: Env }>(async (c, next) => {
  if (!answersTo(c.req.url, c.env)) throw new MisdirectedError();
  const routes = matchedRoutes(c).flatMap(({ method, path }) =>
    method === 'ALL' ? [] : [`${method} ${path}`],
  );
  const rules = routes.map((route) => ACCESS[route] ?? null);
  // Public, or no route at all: the 404 is for everybody.
  if (rules.length === 0 || rules.every((rule) => rule === 'public')) return next();
  const { authenticate } = servicesOf(c.env);
  if (!authenticate) return next();
  const caller = await authenticate(c.req.header('Authorization') ?? bearerOfSocket(c));
  // Set before any refusal, so that the log can say who was refused.
  c.set('caller', caller);
  await countAgainst('caller', c.env.CALLER_LIMIT, caller.id);
  const rule = rules[0];
  const right = rule && rule !== 'public' ? rightOf(rule, caller) : 'no';
  if (right === 'no') throw new ForbiddenError();
  // That it is the caller's own event is checked with the input.
  if (caller.eventId !== undefined && !routes.every(isAboutEvent)) throw new ForbiddenError();
  c.set('right', right);
  return next();
});

/** @throws ForbiddenError for input that the caller has no right to, such as the id of another user */
export function permitInput(c: Context, input: unknown): void {
  const { caller, right } = c.var;
  if (caller && right && !isWithin(input, right, caller)) throw new ForbiddenError();
}
