import { Hono } from 'hono';
import { DuplicateError, NotFoundError, ValidationError } from '../../errors.ts';
import { servicesOf } from '../../services.ts';
import { isOrderKey, listUserEvents } from '../../store/user-events.ts';
import { createUser, getUser } from '../../store/users.ts';
import { idempotencyKeyOf, markReplay, toKeyError } from '../idempotency-key.ts';
import { linkNext, readCursor, writeCursor } from '../paging.ts';
import { newUserSchema, userEventsPageSchema, userParamSchema } from '../schemas.ts';
import { jsonBody, validate } from '../validate.ts';

const noUser = (userId: string) => new NotFoundError(`There is no user ${userId}.`);

/** The order key in a cursor of this user's events; null without a cursor. */
function readOrderKey(cursor: string | undefined, userId: string): string | null {
  const key = readCursor(cursor, 'events', userId);
  if (key === null || (typeof key === 'string' && isOrderKey(key))) return key;
  throw new ValidationError([{ path: 'cursor', message: 'is not a cursor of this list' }]);
}

/** The routes of users. They use the tables directly, since no event is involved. */
export const users = new Hono<{ Bindings: Env }>()
  .post('/', jsonBody(), validate('json', newUserSchema), async (c) => {
    const { store } = servicesOf(c.env);
    const given = c.req.valid('json');
    const key = await idempotencyKeyOf(c, ['user', given.userId], given);
    const outcome = await createUser(store, { ...given, createdAt: new Date().toISOString() }, key);
    markReplay(c, outcome);
    if (outcome.type === 'keyRefused') throw toKeyError(outcome.reason);
    if (outcome.type === 'duplicate') {
      throw new DuplicateError(`User ${given.userId} exists already.`);
    }
    return c.json(outcome.user, 201);
  })
  .get('/:userId', validate('param', userParamSchema), async (c) => {
    const { store } = servicesOf(c.env);
    const { userId } = c.req.valid('param');
    const user = await getUser(store, userId);
    if (!user) throw noUser(userId);
    return c.json(user, 200);
  })
  .get(
    '/:userId/events',
    validate('param', userParamSchema),
    validate('query', userEventsPageSchema),
    async (c) => {
      const { store } = servicesOf(c.env);
      const { userId } = c.req.valid('param');
      const { limit, cursor } = c.req.valid('query');
      const after = readOrderKey(cursor, userId);
      // Checked first, so that a user who does not exist costs only one read.
      if (!(await getUser(store, userId))) throw noUser(userId);
      const { events, last } = await listUserEvents(store, userId, limit, after);
      linkNext(c, last === null ? null : writeCursor('events', userId, last));
      return c.json(events, 200);
    },
  );
