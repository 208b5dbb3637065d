/** What somebody may be. A caller can be several things at once, and may what any of them may. */
export const ROLES = ['attendee', 'organiser', 'service'] as const;
export type Role = (typeof ROLES)[number];

/** For whom a role may make a call: for everybody, for themselves, or not at all. */
export type Right = 'any' | 'self' | 'no';

/** Who may make a call. */
export type Rule = 'public' | Record<Role, Right>;

/** Somebody who has shown who they are. */
export interface Caller {
  /** Tells callers apart in limits and idempotency keys; organisers see it in the log of an event. */
  id: string;
  /** The user that the caller is; null when it is a program. */
  userId: string | null;
  roles: ReadonlySet<Role>;
}

const rule = (attendee: Right, organiser: Right, service: Right): Rule => ({
  attendee,
  organiser,
  service,
});
/** An attendee's own business, which a service may do for anyone. */
const OWN = rule('self', 'no', 'any');
/** The same, where an organiser decides about the places of an event. */
const PLACE = rule('self', 'any', 'any');
const ORGANISER = rule('no', 'any', 'no');
const EVERYBODY = rule('any', 'any', 'any');

/**
 * Every route, and who may call it: `METHOD /path/:param` as Hono has it. A route without an entry is
 * closed to all, and a test fails.
 */
export const ACCESS: Record<string, Rule> = {
  'GET /health': 'public',
  'GET /health/ready': 'public',
  'GET /openapi.json': 'public',
  'GET /docs': 'public',
  'GET /docs/:file': 'public',
  'POST /registration/users': OWN,
  'GET /registration/users/:userId': OWN,
  'PATCH /registration/users/:userId': OWN,
  'DELETE /registration/users/:userId': OWN,
  'GET /registration/users/:userId/events': OWN,
  'GET /registration/users/:userId/places': OWN,
  'GET /registration/users/:userId/export': OWN,
  'POST /registration/events': ORGANISER,
  'GET /registration/events': EVERYBODY,
  'GET /registration/events/:eventId': EVERYBODY,
  'PATCH /registration/events/:eventId': ORGANISER,
  'DELETE /registration/events/:eventId': ORGANISER,
  'GET /registration/events/:eventId/capacity': EVERYBODY,
  'GET /registration/events/:eventId/log': EVERYBODY,
  'GET /registration/events/:eventId/webhooks': ORGANISER,
  'POST /registration/events/:eventId/webhooks/:name/replay': ORGANISER,
  'GET /registration/events/:eventId/registrations': ORGANISER,
  'GET /registration/events/:eventId/waitlist': ORGANISER,
  'POST /registration/events/:eventId/registrations': ORGANISER,
  'POST /registration/registrations': PLACE,
  'GET /registration/registrations': PLACE,
  'DELETE /registration/registrations': PLACE,
  'DELETE /registration/waitlist': PLACE,
};

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
 * Whether checked input stays within what the caller may: about themselves where that is their right,
 * and without an override unless they organise. Decided from the request alone, so that a refusal
 * tells nothing about what exists.
 */
export function isWithin(input: unknown, right: Right, { roles, userId }: Caller): boolean {
  const { userId: about, override } = input as { userId?: string; override?: unknown };
  if (override !== undefined && !roles.has('organiser')) return false;
  return right === 'any' || about === undefined || about === userId;
}
