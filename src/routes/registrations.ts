import { Hono } from 'hono';
import { placeSchema } from '../schemas.ts';
import { servicesOf } from '../services.ts';
import { eventObject, expectOutcome } from './event-call.ts';
import { requireJson, validate } from './validate.ts';

export const registrations = new Hono<{ Bindings: Env }>()
  .post('/', requireJson, validate('json', placeSchema), async (c) => {
    const { userId, eventId } = c.req.valid('json');
    const stub = eventObject(c.env, servicesOf(c.env).config, eventId);
    const reply = await stub.register(userId);
    const outcome = expectOutcome(reply, ['registered', 'waitlisted'], { eventId, userId });
    return outcome.type === 'registered'
      ? c.json(
          {
            success: true,
            message: `User ${userId} is registered for event ${eventId}.`,
            registration: outcome.registration,
            waitlistEntry: null,
          },
          201,
        )
      : c.json(
          {
            success: true,
            message: `Event ${eventId} is full; user ${userId} waits at position ${outcome.entry.position}.`,
            registration: null,
            waitlistEntry: outcome.entry,
          },
          201,
        );
  })
  .delete('/', validate('query', placeSchema), async (c) => {
    const { userId, eventId } = c.req.valid('query');
    const stub = eventObject(c.env, servicesOf(c.env).config, eventId);
    const reply = await stub.unregister(userId);
    const { promoted } = expectOutcome(reply, ['unregistered'], { eventId, userId });
    const message = promoted
      ? `User ${userId} has left event ${eventId}; user ${promoted.userId} took the seat.`
      : `User ${userId} has left event ${eventId}.`;
    return c.json({ success: true, message, promoted }, 200);
  });
