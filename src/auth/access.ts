/** The roles. A caller can have several, and may make every call that one of them may make. */
export const ROLES = ['attendee', 'organiser', 'service'] as const;
export type Role = (typeof ROLES)[number];

/** On whose behalf a role may make a call: `any` user's, only its own (`self`), or nobody's (`no`). */
export type Right = 'any' | 'self' | 'no';

/** Who may make a call: everybody (`public`), or each role by its right. */
export type Rule = 'public' | Record<Role, Right>;

/** An authenticated caller. */
export interface Caller {
  /** Tells callers apart in limits and idempotency keys; organisers see it in the log of an event. */
  id: string;
  /** The id of the caller as a user; null for a program. */
  userId: string | null;
  roles: ReadonlySet<Role>;
  /** When the token ends, in epoch milliseconds; absent for a key, which has no end of its own. */
  endsAt?: number;
  /** The only event that the caller may make calls about; absent where there is no such bound. */
  eventId?: string;
}

const rule = (attendee: Right, organiser: Right, service: Right): Rule => ({
  attendee,
  organiser,
  service,
});
/** Attendees for themselves; a service for anybody. */
const OWN = rule('self', 'no', 'any');
/** The same, and an organiser for anybody: calls about a user's place in an event. */
const OWN_PLACE = rule('self', 'any', 'any');
const ORGANISER = rule('no', 'any', 'no');
const STAFF = rule('no', 'any', 'any');
const EVERYBODY = rule('any', 'any', 'any');

/**
 * Who may call each route, by `METHOD /path/:param` in Hono's notation. A route that is missing here is closed
 * to all, and a test fails.
 */
export const ACCESS: Record<string, Rule> = {
  'GET /health': 'public',
  'GET /health/ready': 'public',
  'GET /openapi.json': 'public',
  'GET /docs': 'public',
  'GET /docs/:file': 'public',
  'GET /': 'public',
  'GET /e/:eventId': 'public',
  'GET /desk': 'public',
  'GET /page/:file': 'public',
  'POST /registration/users': OWN,
  'GET /registration/users/:userId': OWN,
  'PATCH /registration/users/:userId': OWN,
  'DELETE /registration/users/:userId': OWN,
  'GET /registration/users/:userId/events': OWN,
  'GET /registration/users/:userId/places': OWN,
  'GET /registration/users/:userId/export': OWN,
  'POST /registration/links': STAFF,
  'POST /registration/events': ORGANISER,
  'GET /registration/events': EVERYBODY,
  'GET /registration/events/:eventId': EVERYBODY,
  'PATCH /registration/events/:eventId': ORGANISER,
  'DELETE /registration/events/:eventId': ORGANISER,
  'GET /registration/events/:eventId/capacity': EVERYBODY,
  'GET /registration/events/:eventId/log': EVERYBODY,
  // Without a userId everybody may watch.
  'GET /registration/events/:eventId/live': OWN_PLACE,
  'GET /registration/events/:eventId/webhooks': ORGANISER,
  'POST /registration/events/:eventId/webhooks/:name/replay': ORGANISER,
  'GET /registration/events/:eventId/registrations': ORGANISER,
  'GET /registration/events/:eventId/offers': ORGANISER,
  'GET /registration/events/:eventId/waitlist': ORGANISER,
  'POST /registration/events/:eventId/registrations': ORGANISER,
  'POST /registration/registrations': OWN_PLACE,
  'GET /registration/registrations': OWN_PLACE,
  'DELETE /registration/registrations': OWN_PLACE,
  'DELETE /registration/waitlist': OWN_PLACE,
};

/** Whether a route's input always names the event that a call is about. */
export function isAboutEvent(route: string): boolean {
  return route.includes('/:eventId') || ACCESS[route] === OWN_PLACE;
}

/** Whether the caller may see which users an answer is about: all but attendees may. */
export function seesUsers(caller: Caller | undefined): boolean {
  return !caller || caller.roles.has('organiser') || caller.roles.has('service');
}

/** The most that any of the caller's roles may. */
export function rightOf(rule: Exclude<Rule, 'public'>, { roles, userId }: Caller): Right {
  const rights = new Set([...roles].map((role) => rule[role]));
  if (rights.has('any')) return 'any';
  return rights.has('self') && userId !== null ? 'self' : 'no';
}

/**
 * Whether parsed input stays within the caller's right: with `self` it may only be about themselves, and only
 * an organiser may send an override; and a caller with one event only about that. It depends on the request alone, so a refusal does not tell what exists.
 */
export function isWithin(input: unknown, right: Right, caller: Caller): boolean {
  const { roles, userId, eventId } = caller;
  const {
    userId: about,
    eventId: where,
    override,
  } = input as { userId?: string; eventId?: string; override?: unknown };
  if (override !== undefined && !roles.has('organiser')) return false;
  if (eventId !== undefined && where !== undefined && where !== eventId) return false;
  return right === 'any' || about === undefined || about === userId;
}
