import { Hono } from 'hono';
import { DuplicateError, NotFoundError } from '../errors.ts';
import { newUserSchema, type User, userParamSchema } from '../schemas.ts';
import { servicesOf } from '../services.ts';
import { listUserEvents } from '../store/user-events.ts';
import { createUser, getUser } from '../store/users.ts';
import { requireJson, validate } from './validate.ts';

const noUser = (userId: string) => new NotFoundError(`There is no user ${userId}.`);

/** Users are no event's business: these routes talk to the table. */
export const users = new Hono<{ Bindings: Env }>()
  .post('/', requireJson, validate('json', newUserSchema), async (c) => {
    const { store } = servicesOf(c.env);
    const user: User = { ...c.req.valid('json'), createdAt: new Date().toISOString() };
    if (!(await createUser(store, user, crypto.randomUUID()))) {
      throw new DuplicateError(`User ${user.userId} exists already.`);
    }
    return c.json(user, 201);
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
