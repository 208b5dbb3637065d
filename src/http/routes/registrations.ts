import { Hono } from 'hono';
import type { Command } from '../../event/command.ts';
import type { Offer, Registration } from '../../event/model.ts';
import { toStanding } from '../../event/shown.ts';
import { execute } from '../event-call.ts';
import { newRegistrationSchema, placeSchema } from '../schemas.ts';
import { NOBODY, readSuccessor } from '../successor.ts';
import { jsonBody, validate } from '../validate.ts';

/** What became of a seat that somebody gave up. */
function toSuccession(promoted: Registration | null, offered: Offer | null): string {
  if (promoted) return `; user ${promoted.userId} took the seat`;
  return offered ? `; the seat is offered to user ${offered.userId}` : '';
}

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
    // A caller who may only ask about themselves is not told who has the seat now. It is hidden here, not in the
    // outcome: that is stored with its key, and may be replayed to a caller who may know.
    const isForSelf = c.var.right === 'self';
    const { promoted, offered } = isForSelf ? NOBODY : await readSuccessor(c, eventId, outcome);
    const message = `User ${userId} has left event ${eventId}${toSuccession(promoted, offered)}.`;
    return c.json({ success: true, message, promoted, offered }, 200);
  });

export const waitlist = new Hono<{ Bindings: Env }>().delete(
  '/',
  validate('query', placeSchema),
  async (c) => {
    const { userId, eventId } = c.req.valid('query');
    const command: Command = { type: 'leaveLine', userId };
    const outcome = await execute(c, eventId, command, ['leftLine', 'declined']);
    const [message, waitlistEntry, offer] =
      outcome.type === 'declined'
        ? [`User ${userId} has declined the seat in event ${eventId}.`, null, outcome.offer]
        : [`User ${userId} has left the waitlist of event ${eventId}.`, outcome.entry, null];
    return c.json({ success: true, message, waitlistEntry, offer }, 200);
  },
);
