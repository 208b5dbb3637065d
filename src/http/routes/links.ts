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
    const { links } = servicesOf(c.env);
    if (!links) throw new NotFoundError('There are no links: AUTH_MODE does not have link.');
    const { userId, eventId = null, expiresInSeconds } = c.req.valid('json');
    const endsAt = Math.floor(Date.now() / 1_000) + expiresInSeconds;
    const token = await links.sign({ userId, eventId, endsAt });
    const page = eventId === null ? '/' : `/e/${encodeURIComponent(eventId)}`;
    const url = new URL(page, c.req.url);
    // Browsers send no server the fragment, and show it to no other page.
    url.hash = `token=${token}`;
    return c.json({ url: url.href, expiresAt: new Date(endsAt * 1_000).toISOString() }, 201);
  },
);
