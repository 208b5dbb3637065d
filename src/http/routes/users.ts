import { Hono } from 'hono';
import { DuplicateError, NotFoundError } from '../../errors.ts';
import type { User } from '../../event/model.ts';
import { servicesOf } from '../../services.ts';
import { listUserEvents } from '../../store/user-events.ts';
import { createUser, getUser, renameUser } from '../../store/users.ts';
import { eraseUser } from '../erasure.ts';
import type { RouteContext } from '../event-call.ts';
import { exportUser } from '../export.ts';
import { idempotencyKeyOf, markReplay, toKeyError } from '../idempotency-key.ts';
import { linkNext, writeCursor } from '../paging.ts';
import {
  newUserSchema,
  pageSchema,
  userEventsPageSchema,
  userParamSchema,
  userPatchSchema,
} from '../schemas.ts';
import { answerPlaces, readOrderKey } from '../user-places.ts';
import { jsonBody, validate } from '../validate.ts';

/** The user. Read before anything else, so that a user who does not exist costs only one read. */
async function requireUser(c: RouteContext, userId: string): Promise<User> {
  const user = await getUser(servicesOf(c.env).store, userId);
  if (!user) throw new NotFoundError(`There is no user ${userId}.`);
  return user;
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
      throw new DuplicateError(`User ${given.userId} exists already, or is being erased.`);
    }
    return c.json(outcome.user, 201);
  })
  .get('/:userId', validate('param', userParamSchema), async (c) => {
    const { userId } = c.req.valid('param');
    return c.json(await requireUser(c, userId), 200);
  })
  .patch(
    '/:userId',
    validate('param', userParamSchema),
    jsonBody(),
    validate('json', userPatchSchema),
    async (c) => {
      const { userId } = c.req.valid('param');
      const user = await renameUser(servicesOf(c.env).store, userId, c.req.valid('json').name);
      if (!user) throw new NotFoundError(`There is no user ${userId}.`);
      return c.json(user, 200);
    },
  )
  .delete('/:userId', validate('param', userParamSchema), async (c) => {
    const answer = await eraseUser(c, c.req.valid('param').userId);
    return answer.status === 'ERASED' ? c.json(answer, 200) : c.json(answer, 202);
  })
  .get(
    '/:userId/events',
    validate('param', userParamSchema),
    validate('query', userEventsPageSchema),
    async (c) => {
      const { store } = servicesOf(c.env);
      const { userId } = c.req.valid('param');
      const { limit, cursor } = c.req.valid('query');
      const after = readOrderKey(cursor, 'events', userId);
      await requireUser(c, userId);
      const { events, last } = await listUserEvents(store, userId, limit, after);
      linkNext(c, last === null ? null : writeCursor('events', userId, last));
      return c.json(events, 200);
    },
  )
  .get(
    '/:userId/places',
    validate('param', userParamSchema),
    validate('query', pageSchema),
    async (c) => {
      const { userId } = c.req.valid('param');
      await requireUser(c, userId);
      return answerPlaces(c, userId, c.req.valid('query'));
    },
  )
  .get('/:userId/export', validate('param', userParamSchema), async (c) => {
    const user = await requireUser(c, c.req.valid('param').userId);
    c.header('Content-Disposition', 'attachment; filename="export.json"');
    return c.json(await exportUser(c, user), 200);
  });
