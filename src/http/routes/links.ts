import { Hono } from 'hono';
import { NotFoundError } from '../../errors.ts';
import { servicesOf } from '../../services.ts';
import { newLinkSchema } from '../schemas.ts';
import { jsonBody, validate } from '../validate.ts';

/** Links: personal addresses of the page. */
export const links = new Hono<{ Bindings: Env }>().post(
  '/',
  jsonBody(),
  validate('json', newLinkSchema),
  async (c) => {
    const { links, config } = servicesOf(c.env);
    if (!links) throw new NotFoundError('There are no links: AUTH_MODE does not have link.');
    const { userId, eventId = null, expiresInSeconds } = c.req.valid('json');
    const endsAt = Math.floor(Date.now() / 1_000) + expiresInSeconds;
    const origin = config.auth.publicUrl ?? c.req.url;
    return c.json(await links.make({ userId, eventId, endsAt }, origin), 201);
  },
);
