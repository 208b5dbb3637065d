import { type Context, Hono } from 'hono';
import { AppError, NotFoundError } from '../../errors.ts';
import type { EventRecord } from '../../event/model.ts';
import { toCapacity } from '../../event/shown.ts';
import { PAGE_DEFAULT_ROWS } from '../../limits.ts';
import {
  byTime,
  freeSeats,
  isOpen,
  openness,
  summary,
  type Wording,
  waiting,
} from '../../page/seats.ts';
import { longTime } from '../../page/when.ts';
import { type CapacityView, type EventView, zoneOf } from '../../page/wire.ts';
import { count } from '../../page/words.ts';
import { servicesOf } from '../../services.ts';
import { listEvents } from '../../store/events.ts';
import { execute } from '../event-call.ts';
import { answerPage, escapeHtml, type Filling } from '../frames.ts';
import { readCursor, writeCursor } from '../paging.ts';
import { eventParamSchema, pageSchema } from '../schemas.ts';
import { validate } from '../validate.ts';

type PageContext = Context<{ Bindings: Env }>;

/** Whether everybody may read events. Otherwise a page comes without them, and the browser asks with its token. */
const isReadByAll = (c: PageContext) => servicesOf(c.env).authenticate === null;

/** An event and its numbers; null where it can't be told now, and the browser is to ask. */
async function readEvent(
  c: PageContext,
  eventId: string,
): Promise<{ event: EventView; capacity: CapacityView } | null> {
  try {
    const outcome = await execute(c, eventId, { type: 'read' }, ['read']);
    return { event: outcome.event, capacity: toCapacity(outcome) };
  } catch (error) {
    if (!(error instanceof AppError) || error.status !== 503) throw error;
    return null;
  }
}

const whenOf = (event: EventView, locale: string) =>
  event.startsAt ? longTime(event.startsAt, locale, zoneOf(event)) : '';

/** An event in the list. `src/page/list.ts` makes the same. */
function item(event: EventRecord, wording: Wording): string {
  const { text, locale } = wording;
  const about = escapeHtml(summary(event, Date.now(), wording));
  const seats = escapeHtml(count(text, 'seats', event.capacity, locale));
  const address = `/e/${escapeHtml(encodeURIComponent(event.eventId))}`;
  return `<li><h2><a href="${address}">${escapeHtml(event.name)}</a></h2><p>${about}</p><p>${seats}</p></li>`;
}

/** The list of open events. */
async function fillList(c: PageContext, cursor: string | undefined) {
  const after = readCursor(cursor, 'events', '');
  const { events, last } = await listEvents(servicesOf(c.env).store, PAGE_DEFAULT_ROWS, after);
  const open = events.filter((event) => isOpen(event, Date.now())).sort(byTime);
  const next = last === null ? '' : encodeURIComponent(writeCursor('events', '', last));
  return (wording: Wording): Filling => ({
    text: { title: wording.text.brand, empty: open.length > 0 ? '' : wording.text.noEvents },
    html: {
      events: open.map((event) => item(event, wording)).join(''),
      more: next && `<a href="/?cursor=${next}">${escapeHtml(wording.text.more)}</a>`,
    },
  });
}

/** An event's page, with what the browser would otherwise have to ask for. */
function fillEvent(eventId: string, found: Awaited<ReturnType<typeof readEvent>>) {
  return (wording: Wording): Filling => {
    const { text, locale } = wording;
    if (!found) {
      const [name, free] = [text.loading, text.loading];
      const bare = { name, free, eventId, startsAt: '?', taken: '0', total: '1' };
      return { text: { title: text.brand, ...bare } };
    }
    const { event, capacity } = found;
    return {
      text: {
        title: `${event.name} · ${text.brand}`,
        name: event.name,
        eventId,
        event: JSON.stringify(event),
        capacity: JSON.stringify(capacity),
        startsAt: event.startsAt ?? '',
        when: whenOf(event, locale),
        free: freeSeats(capacity, wording),
        taken: String(capacity.totalCapacity - capacity.availableCapacity),
        total: String(capacity.totalCapacity),
        waiting: waiting(event, capacity, wording),
        openness: openness(event, Date.now(), wording),
        status: event.status,
      },
    };
  };
}

const fillMissing = ({ text }: Wording): Filling => ({ text: { title: text.noEvent } });
const fillBare = ({ text }: Wording): Filling => ({ text: { title: text.brand } });

/** The pages for people. Their scripts use the API, like any other client. */
export const pages = new Hono<{ Bindings: Env }>()
  .get('/', validate('query', pageSchema.pick({ cursor: true })), async (c) => {
    const { cursor } = c.req.valid('query');
    return answerPage(c, 'list', 200, isReadByAll(c) ? await fillList(c, cursor) : fillBare);
  })
  .get('/e/:eventId', async (c) => {
    const { success, data } = eventParamSchema.safeParse(c.req.param());
    if (!success) return answerPage(c, 'missing', 404, fillMissing);
    try {
      const found = isReadByAll(c) ? await readEvent(c, data.eventId) : null;
      return await answerPage(c, 'event', 200, fillEvent(data.eventId, found));
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error;
      return answerPage(c, 'missing', 404, fillMissing);
    }
  })
  .get('/desk', (c) => answerPage(c, 'desk', 200, fillBare))
  .get('/page/:file', async (c) => {
    // Only names that have the hash of their content, which is why it can be kept for ever.
    if (!/^[\w.]+-[\w-]{10}\.\w+$/.test(c.req.param('file')) || !c.env.ASSETS) {
      throw new NotFoundError(`There is no ${c.req.path}.`);
    }
    const file = await c.env.ASSETS.fetch(c.req.raw);
    if (file.status !== 200) throw new NotFoundError(`There is no ${c.req.path}.`);
    c.header('Content-Type', file.headers.get('Content-Type') ?? 'application/octet-stream');
    c.header('Cache-Control', 'public, max-age=31536000, immutable');
    return c.body(file.body as ReadableStream);
  });
