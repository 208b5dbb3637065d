/** `/`: the open events. */
import { call, clock, eventPath, withQuery } from './api.ts';
import { find, h, say } from './dom.ts';
import { needsToken, openPerson } from './person.ts';
import { byTime, freeSeats, isOpen, summary } from './seats.ts';
import { event as eventText, shared } from './text/en.ts';
import type { CapacityView, EventView } from './wire.ts';
import { count } from './words.ts';

const locale = document.body.dataset.locale ?? 'en';
const wording = { text: shared, locale };
const list = find('#events');

/** Events for which the number of free seats is asked. */
const MOST_ASKED = 30;

/** An event in the list. `src/http/routes/pages.ts` makes the same. */
function item(event: EventView): HTMLElement {
  const link = h('a', { href: `/e/${encodeURIComponent(event.eventId)}` }, event.name);
  const seats = count(shared, 'seats', event.capacity, locale);
  return h(
    'li',
    {},
    h('h2', {}, link),
    h('p', {}, summary(event, clock.now(), wording)),
    h('p', {}, seats),
  );
}

/** Fills in how many seats are free, one event after the other. */
async function fillNumbers(token: string | undefined): Promise<void> {
  for (const row of [...list.children].slice(0, MOST_ASKED)) {
    const id = decodeURIComponent(find('a', row).getAttribute('href')?.slice('/e/'.length) ?? '');
    try {
      const path = eventPath(id, '/capacity');
      const answer = await call<CapacityView>('GET', path, { token, maxAge: 5 });
      if (answer.problem) continue;
      say(find('p:last-child', row), freeSeats(answer.body, wording));
    } catch {
      // Without a network the list stays as it is.
      return;
    }
  }
}

/** Reads the list, where the worker could not give it to everybody. */
async function readList(token: string | undefined): Promise<void> {
  const cursor = new URLSearchParams(location.search).get('cursor');
  const path = cursor ? withQuery('/registration/events', { cursor }) : '/registration/events';
  const { problem, body } = await call<{ items: EventView[]; nextCursor: string | null }>(
    'GET',
    path,
    { token },
  );
  const empty = find('#empty');
  if (problem) {
    say(
      empty,
      problem.status === 401 || problem.status === 403 ? eventText.refusedWho : problem.detail,
    );
    return;
  }
  const open = body.items.filter((event) => isOpen(event, clock.now())).sort(byTime);
  list.replaceChildren(...open.map(item));
  say(empty, open.length > 0 ? '' : shared.noEvents);
  if (body.nextCursor) {
    const href = withQuery('/', { cursor: body.nextCursor });
    find('#empty + p').replaceChildren(h('a', { href }, shared.more));
  }
}

if (needsToken) {
  find('#door').hidden = false;
  const person = openPerson({
    onChange: () => begin(),
    onFailure: () => say(find('#empty'), eventText.sayToken),
  });
  const begin = async () => {
    const token = person.current()?.token;
    find('#door > p').hidden = token !== undefined;
    if (token === undefined) return list.replaceChildren();
    try {
      await readList(token);
    } catch {
      say(find('#empty'), eventText.offline);
      return;
    }
    await fillNumbers(token);
  };
  begin();
} else {
  fillNumbers(undefined);
}
