import { Hono } from 'hono';
import { type Capacity, eventParamSchema, newEventSchema } from '../schemas.ts';
import { servicesOf } from '../services.ts';
import { eventObject, expectOutcome } from './event-call.ts';
import { requireJson, validate } from './validate.ts';

/** Reads an event out of its object. */
async function readEvent(env: Env, eventId: string) {
  const stub = eventObject(env, servicesOf(env).config, eventId);
  return expectOutcome(await stub.read(), ['read'], { eventId });
}

export const events = new Hono<{ Bindings: Env }>()
  .post('/', requireJson, validate('json', newEventSchema), async (c) => {
    const { eventId = crypto.randomUUID(), ...rest } = c.req.valid('json');
    const stub = eventObject(c.env, servicesOf(c.env).config, eventId);
    const reply = await stub.create({ eventId, ...rest });
    return c.json(expectOutcome(reply, ['created'], { eventId }).event, 201);
  })
  .get('/:eventId', validate('param', eventParamSchema), async (c) => {
    const { event } = await readEvent(c.env, c.req.valid('param').eventId);
    return c.json(event, 200);
  })
  .get('/:eventId/capacity', validate('param', eventParamSchema), async (c) => {
    const { event, registeredCount } = await readEvent(c.env, c.req.valid('param').eventId);
    const capacity: Capacity = {
      eventId: event.eventId,
      totalCapacity: event.capacity,
      availableCapacity: Math.max(0, event.capacity - registeredCount),
    };
    return c.json(capacity, 200);
  });
