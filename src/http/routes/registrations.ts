import { Hono } from 'hono';
import type { Command } from '../../event/command.ts';
import { toStanding } from '../../event/shown.ts';
import { execute } from '../event-call.ts';
import { newRegistrationSchema, placeSchema } from '../schemas.ts';
import { jsonBody, validate } from '../validate.ts';

export const registrations = new Hono<{ Bindings: Env }>()
  .post('/', jsonBody(), validate('json', newRegistrationSchema), async (c) => {
    const { userId, eventId, override } = c.req.valid('json');
    const command: Command = { type: 'register', userId, ...(override ? { override } : {}) };
    const outcome = await execute(c, eventId, command, ['registered', 'waitlisted']);
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
  .get('/', validate('query', placeSchema), async (c) => {
    const { userId, eventId } = c.req.valid('query');
    const outcome = await execute(c, eventId, { type: 'stand', userId }, ['standing']);
    return c.json(toStanding(outcome), 200);
  })
  .delete('/', validate('query', placeSchema), async (c) => {
    const { userId, eventId } = c.req.valid('query');
    const command: Command = { type: 'unregister', userId };
    const outcome = await execute(c, eventId, command, ['unregistered']);
    // A caller who may only ask about themselves is not told who was promoted. It is hidden here, not in the
    // outcome: that is stored with its key, and may be replayed to a caller who may know.
    const promoted = c.var.right === 'self' ? null : outcome.promoted;
    const message = promoted
      ? `User ${userId} has left event ${eventId}; user ${promoted.userId} took the seat.`
      : `User ${userId} has left event ${eventId}.`;
    return c.json({ success: true, message, promoted }, 200);
  });

export const waitlist = new Hono<{ Bindings: Env }>().delete(
  '/',
  validate('query', placeSchema),
  async (c) => {
    const { userId, eventId } = c.req.valid('query');
    const { entry } = await execute(c, eventId, { type: 'leaveLine', userId }, ['leftLine']);
    const message = `User ${userId} has left the waitlist of event ${eventId}.`;
    return c.json({ success: true, message, waitlistEntry: entry }, 200);
  },
);
