import { Hono } from 'hono';
import { DuplicateError, NotFoundError } from '../errors.ts';
import { newUserSchema, userParamSchema } from '../schemas.ts';
import { servicesOf } from '../services.ts';
import { listUserEvents } from '../store/user-events.ts';
import { createUser, getUser } from '../store/users.ts';
import { idempotencyKeyOf, markReplay, toKeyError } from './idempotency.ts';
import { jsonBody, validate } from './validate.ts';

const noUser = (userId: string) => new NotFoundError(`There is no user ${userId}.`);

/** Users are no event's business: these routes talk to the table. */
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
  .get('/:userId/events', validate('param', userParamSchema), async (c) => {
    const { store } = servicesOf(c.env);
    const { userId } = c.req.valid('param');
    const [user, events] = await Promise.all([
      getUser(store, userId),
      listUserEvents(store, userId),
    ]);
    if (!user) throw noUser(userId);
    return c.json(events, 200);
  });
