import { Hono } from 'hono';
import type { Command } from '../../event/command.ts';
import { toCapacity } from '../../event/shown.ts';
import { BULK_BODY_MAX_BYTES } from '../../http-limits.ts';
import { servicesOf } from '../../services.ts';
import { listEvents } from '../../store/events.ts';
import { registerAll, tally } from '../bulk.ts';
import { hasTag, readIfMatch, toETag } from '../entity-tags.ts';
import { execute, type RouteContext, readEvent } from '../event-call.ts';
import { hashOf, ofCaller, readKey } from '../idempotency-key.ts';
import { listPeople } from '../lists.ts';
import { answerLog } from '../log.ts';
import { linkNext, readCursor, writeCursor } from '../paging.ts';
import {
  bulkSchema,
  dryRunSchema,
  eventParamSchema,
  eventPatchSchema,
  logPageSchema,
  newEventSchema,
  pageSchema,
} from '../schemas.ts';
import { jsonBody, validate } from '../validate.ts';

/**
 * Generates the id of a new event. With an `Idempotency-Key` it is derived from the key, so that a repetition
 * reaches the same object.
 */
async function newEventId(c: RouteContext): Promise<string> {
  const key = readKey(c);
  if (key === undefined) return crypto.randomUUID();
  const hex = await hashOf(ofCaller(c, ['new event', key]));
  return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-8$3-a$4-$5');
}

export const events = new Hono<{ Bindings: Env }>()
  .post('/', jsonBody(), validate('json', newEventSchema), async (c) => {
    const given = c.req.valid('json');
    const eventId = given.eventId ?? (await newEventId(c));
    const command: Command = { type: 'create', event: { ...given, eventId } };
    const { event, revision } = await execute(c, eventId, command, ['created']);
    return c.json(event, 201, { ETag: toETag(revision) });
  })
  .get('/', validate('query', pageSchema), async (c) => {
    const { limit, cursor } = c.req.valid('query');
    const after = readCursor(cursor, 'events', '');
    const page = await listEvents(servicesOf(c.env).store, limit, after);
    const next = page.last === null ? null : writeCursor('events', '', page.last);
    linkNext(c, next);
    return c.json({ items: page.events, nextCursor: next }, 200);
  })
  .get('/:eventId', validate('param', eventParamSchema), async (c) => {
    const { eventId } = c.req.valid('param');
    const { event, revision } = await readEvent(c, eventId);
    const etag = toETag(revision);
    c.header('ETag', etag);
    return hasTag(c.req.header('If-None-Match'), etag) ? c.body(null, 304) : c.json(event, 200);
  })
  .patch(
    '/:eventId',
    validate('param', eventParamSchema),
    validate('query', dryRunSchema),
    jsonBody(),
    validate('json', eventPatchSchema),
    async (c) => {
      const { eventId } = c.req.valid('param');
      const { dryRun } = c.req.valid('query');
      const patch = c.req.valid('json');
      const command: Command = {
        type: 'update',
        patch,
        revisions: readIfMatch(c.req.header('If-Match')),
        isDryRun: dryRun,
      };
      const outcome = await execute(c, eventId, command, ['updated']);
      const { event, revision, promoted, promotedCount, offered, offeredCount } = outcome;
      const body = { event, promoted, promotedCount, offered, offeredCount, dryRun };
      return c.json(body, 200, { ETag: toETag(revision) });
    },
  )
  .delete('/:eventId', validate('param', eventParamSchema), async (c) => {
    const { eventId } = c.req.valid('param');
    const command: Command = { type: 'cancel', revisions: readIfMatch(c.req.header('If-Match')) };
    const { event, revision } = await execute(c, eventId, command, ['cancelled']);
    return c.json(event, 200, { ETag: toETag(revision) });
  })
  .get('/:eventId/capacity', validate('param', eventParamSchema), async (c) => {
    const { eventId } = c.req.valid('param');
    return c.json(toCapacity(await readEvent(c, eventId)), 200);
  })
  .get(
    '/:eventId/registrations',
    validate('param', eventParamSchema),
    validate('query', pageSchema),
    (c) => listPeople(c, c.req.valid('param').eventId, 'registrations', c.req.valid('query')),
  )
  .get(
    '/:eventId/offers',
    validate('param', eventParamSchema),
    validate('query', pageSchema),
    (c) => listPeople(c, c.req.valid('param').eventId, 'offers', c.req.valid('query')),
  )
  .get(
    '/:eventId/waitlist',
    validate('param', eventParamSchema),
    validate('query', pageSchema),
    (c) => listPeople(c, c.req.valid('param').eventId, 'waitlist', c.req.valid('query')),
  )
  .get(
    '/:eventId/log',
    validate('param', eventParamSchema),
    validate('query', logPageSchema),
    (c) => answerLog(c, c.req.valid('param').eventId, c.req.valid('query')),
  )
  .post(
    '/:eventId/registrations',
    validate('param', eventParamSchema),
    jsonBody(BULK_BODY_MAX_BYTES),
    validate('json', bulkSchema),
    async (c) => {
      const { eventId } = c.req.valid('param');
      const results = await registerAll(c, eventId, c.req.valid('json').userIds);
      c.set('results', tally(results));
      return c.json({ results }, 200);
    },
  );
