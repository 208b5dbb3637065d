/** `/`: the open events, and one's own places. */
import { call, clock, eventPath, withQuery } from './api.ts';
import { find, h, say } from './dom.ts';
import { eventOf } from './identity.ts';
import { openOwnPlaces } from './own-places.ts';
import { needsToken, openPerson } from './person.ts';
import { byTime, freeSeats, isOpen, summary } from './seats.ts';
import { event as eventText, shared, list as text } from './text/en.ts';
import type { CapacityView, EventView, Problem } from './wire.ts';
import { count, fill } from './words.ts';

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
  if (token !== person.current()?.token) return;
  if (problem) return refused(problem);
  const empty = find('#empty');
  const open = body.items.filter((event) => isOpen(event, clock.now())).sort(byTime);
  list.replaceChildren(...open.map(item));
  say(empty, open.length > 0 ? '' : shared.noEvents);
  if (body.nextCursor) {
    const href = withQuery('/', { cursor: body.nextCursor });
    find('#empty + p').replaceChildren(h('a', { href }, shared.more));
  }
}

const told = find('#told');
/** Goes up with each reader, so that what was begun for another one is not shown. */
let turn = 0;

const own = openOwnPlaces({
  locale,
  onProblem: refused,
  onFailure: () => say(told, eventText.offline),
});
const person = openPerson({
  onChange: () => begin(),
  onFailure: () => say(told, needsToken ? eventText.sayToken : eventText.offline),
});

/** What the service says to somebody who may not see this, or whom it does not know. */
function refused({ status, detail }: Problem): void {
  const name = person.current()?.userId ?? '';
  // Their token is good, and they have never been here.
  if (status === 404 && needsToken) say(told, text.none);
  else if (status === 404) {
    // The tab remembers a name that is there no more.
    person.forget();
    say(told, fill(eventText.gone, { name }));
  } else if (status === 401 || status === 403) {
    person.forget();
    say(told, eventText.refusedWho);
  } else say(told, detail);
}

/** Shows what the reader may see, where that is not the same for all. */
async function begin(): Promise<void> {
  const mine = ++turn;
  const identity = person.current();
  const only = identity?.token ? eventOf(identity.token) : null;
  const reading = own.showOf(only === null ? identity : null);
  if (!identity) say(told, needsToken ? text.sayToken : text.sayName);
  if (only !== null) {
    const link = h('a', { href: `/e/${encodeURIComponent(only)}` }, text.toEvent);
    told.replaceChildren(`${text.oneEvent} `, link);
  }
  if (needsToken) {
    list.replaceChildren();
    say(find('#empty'), '');
    if (!identity || only !== null) return;
    try {
      await readList(identity.token);
    } catch {
      say(find('#empty'), eventText.offline);
      return;
    }
    if (mine === turn) await fillNumbers(identity.token);
  }
  await reading;
}

begin();
if (!needsToken) fillNumbers(undefined);
