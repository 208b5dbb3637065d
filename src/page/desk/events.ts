/** All events at the desk. */
import { call, eventPath, withQuery } from '../api.ts';
import { h, say } from '../dom.ts';
import { byTime } from '../seats.ts';
import { desk as text } from '../text/en.ts';
import { shortTime } from '../when.ts';
import { type CapacityView, type EventView, zoneOf } from '../wire.ts';
import { ask, key, locale } from './ask.ts';
import { table } from './table.ts';

/** Shows the list in `main`. */
export async function showEvents(main: HTMLElement): Promise<void> {
  let events: EventView[] = [];
  let cursor: string | null = null;
  const cells = new Map<string, { taken: HTMLElement; waiting: HTMLElement }>();
  const place = h('div', {});
  const search = h('input', {
    type: 'search',
    'aria-label': text.search,
    placeholder: text.search,
  });
  const more = h('button', { type: 'button', hidden: true, click: () => load() }, text.more);

  /** Fills in the numbers of those that have none, one after the other. */
  async function fillNumbers(): Promise<void> {
    for (const [eventId, { taken, waiting }] of cells) {
      if (!taken.isConnected || taken.dataset.isKnown) continue;
      try {
        const path = eventPath(eventId, '/capacity');
        const sent = { token: key(), maxAge: 5 };
        const { problem, body } = await call<CapacityView>('GET', path, sent);
        if (problem) continue;
        taken.dataset.isKnown = 'yes';
        const n = (value: number) => value.toLocaleString(locale);
        say(taken, `${n(body.registeredCount)} / ${n(body.totalCapacity)}`);
        say(waiting, n(body.waitlistCount));
      } catch {
        return;
      }
    }
  }

  function show(): void {
    const wanted = search.value.trim().toLocaleLowerCase(locale);
    const shown = events.filter(({ name, eventId }) =>
      `${name} ${eventId}`.toLocaleLowerCase(locale).includes(wanted),
    );
    const rows = shown.sort(byTime).map((event) => {
      const { eventId, name, status, capacity, startsAt } = event;
      const known = cells.get(eventId) ?? {
        taken: h('span', {}, `– / ${capacity.toLocaleString(locale)}`),
        waiting: h('span', {}, '–'),
      };
      cells.set(eventId, known);
      const when = startsAt ? ` ${shortTime(startsAt, locale, zoneOf(event))}` : '';
      const link = h('a', { href: `#e=${encodeURIComponent(eventId)}` }, name);
      const title = h('span', {}, link, when && h('small', {}, when));
      return [title, text[status], known.taken, known.waiting];
    });
    more.hidden = cursor === null;
    place.replaceChildren(
      rows.length === 0
        ? h('p', {}, text.noEvents)
        : table(text.all, [text.event, text.state, text.taken, text.waiting], rows, [2, 3]),
    );
  }

  async function load(): Promise<void> {
    const query: Record<string, string> = { limit: '100', ...(cursor ? { cursor } : {}) };
    const path = withQuery('/registration/events', query);
    const answer = await ask<{ items: EventView[]; nextCursor: string | null }>('GET', path);
    if (!answer) return;
    events = [...events, ...answer.body.items];
    cursor = answer.body.nextCursor;
    show();
    fillNumbers();
  }

  search.addEventListener('input', () => {
    show();
    fillNumbers();
  });
  main.replaceChildren(
    h('h1', { tabindex: -1 }, text.title),
    h('div', { 'data-bar': true }, search, h('a', { href: '#new', role: 'button' }, text.newEvent)),
    place,
    more,
  );
  await load();
}
