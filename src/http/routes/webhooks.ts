import { Hono } from 'hono';
import { NotFoundError } from '../../errors.ts';
import { isReminder, type Pointer, pointerDueAt, pointersFor } from '../../event/outbox.ts';
import { servicesOf } from '../../services.ts';
import { execute } from '../event-call.ts';
import {
  eventParamSchema,
  type Webhook,
  webhookParamSchema,
  webhookReplaySchema,
} from '../schemas.ts';
import { jsonBody, validate } from '../validate.ts';

/** What an organiser is told of an endpoint. `head`: the version of the log's end. */
function toWebhook(pointer: Pointer, head: number): Webhook {
  const { name, open, failingSince, lastError, isEnded } = pointer;
  const dueAt = pointerDueAt(pointer, head);
  const failed = open.filter((message) => !isReminder(message));
  const oldest = Math.min(pointer.version, ...failed.map(({ version }) => version - 1));
  return {
    name,
    pending: isEnded ? 0 : open.length + Math.max(0, head - pointer.version),
    deliveredVersion: oldest,
    failingSince,
    lastError,
    nextAttemptAt: dueAt === null ? null : new Date(dueAt || Date.now()).toISOString(),
    isEnded,
  };
}

/** The endpoints of an event, and how far they have come. */
export const webhooks = new Hono<{ Bindings: Env }>()
  .get('/:eventId/webhooks', validate('param', eventParamSchema), async (c) => {
    const { eventId } = c.req.valid('param');
    const { pointers, head } = await execute(c, eventId, { type: 'outbox' }, ['outbox']);
    const version = head?.version ?? 0;
    const names = servicesOf(c.env).config.webhooks.map(({ name }) => name);
    const known = pointersFor(pointers, names, version).slice(0, names.length);
    return c.json(
      known.map((pointer) => toWebhook(pointer, version)),
      200,
    );
  })
  .post(
    '/:eventId/webhooks/:name/replay',
    validate('param', webhookParamSchema),
    jsonBody(),
    validate('json', webhookReplaySchema),
    async (c) => {
      const { eventId, name } = c.req.valid('param');
      const { after } = c.req.valid('json');
      if (!servicesOf(c.env).config.webhooks.some((each) => each.name === name)) {
        throw new NotFoundError(`There is no webhook ${name}.`);
      }
      const outcome = await execute(c, eventId, { type: 'replay', endpoint: name, after }, [
        'replaying',
      ]);
      return c.json(toWebhook(outcome.pointer, outcome.head), 202);
    },
  );
