import { Hono } from 'hono';
import {
  ForbiddenError,
  UnavailableError,
  UpgradeRequiredError,
  ValidationError,
} from '../../errors.ts';
import type { Reply } from '../../event/queue.ts';
import {
  LIVE_MAX_MS,
  LIVE_MAX_SOCKETS_OF_PERSON,
  LIVE_MAX_SOCKETS_OF_PROGRAM,
} from '../../http-limits.ts';
import { LIVE_PROTOCOL } from '../../live-protocol.ts';
import { eventObject, type RouteContext, toReplyError } from '../event-call.ts';
import { asksForSocket, networkOf, protocolsOf } from '../guard.ts';
import { isAllowed } from '../headers.ts';
import { eventParamSchema, liveSchema } from '../schemas.ts';
import { validate } from '../validate.ts';

/**
 * Refuses the page of another origin, unless that may call. Browsers let every page open a socket to anywhere, and
 * read it. Where callers show a token such a page has none to show; where nobody does, this is what keeps it out.
 */
function checkOrigin(c: RouteContext): void {
  const origin = c.req.header('Origin');
  if (origin === undefined || origin === new URL(c.req.url).origin) return;
  if (!isAllowed(origin, c.env)) throw new ForbiddenError();
}

/** Who watches, for the event's object. */
function watchRequest(c: RouteContext, userId: string | undefined) {
  const { caller } = c.var;
  const longest = Date.now() + LIVE_MAX_MS;
  return {
    userId: userId ?? null,
    caller: caller?.id ?? `address:${networkOf(c)}`,
    maxSockets: caller?.userId ? LIVE_MAX_SOCKETS_OF_PERSON : LIVE_MAX_SOCKETS_OF_PROGRAM,
    endsAt: Math.min(longest, caller?.endsAt ?? longest),
  };
}

/** Watching an event. */
export const live = new Hono<{ Bindings: Env }>().get(
  '/:eventId/live',
  validate('param', eventParamSchema),
  validate('query', liveSchema),
  async (c) => {
    const { eventId } = c.req.valid('param');
    const { userId } = c.req.valid('query');
    if (!asksForSocket(c)) {
      throw new UpgradeRequiredError(
        `Event ${eventId} can be watched over a WebSocket with the subprotocol ${LIVE_PROTOCOL}.`,
      );
    }
    checkOrigin(c);
    if (!protocolsOf(c).includes(LIVE_PROTOCOL)) {
      const message = `must offer ${LIVE_PROTOCOL}`;
      throw new ValidationError([{ path: 'Sec-WebSocket-Protocol', message }]);
    }
    // Nothing of the request is passed on: it has the token.
    const who = encodeURIComponent(JSON.stringify(watchRequest(c, userId)));
    const answer = await eventObject(c.env, eventId).fetch(`https://object/?${who}`, {
      headers: { Upgrade: 'websocket' },
    });
    if (answer.status === 409) {
      const ids = { eventId, ...(userId === undefined ? {} : { userId }) };
      throw toReplyError((await answer.json()) as Reply, ids);
    }
    if (answer.status !== 101) {
      throw new UnavailableError(
        `Event ${eventId} has as many watchers as it takes; its capacity can be asked for instead.`,
      );
    }
    c.set('outcome', 'watching');
    return answer;
  },
);
