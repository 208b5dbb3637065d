/** Who has a seat, who waits, and who was offered one. */
import { eventPath, request, withQuery } from '../api.ts';
import { confirm, find, h } from '../dom.ts';
import { download } from '../download.ts';
import { desk as text } from '../text/en.ts';
import { shortTime } from '../when.ts';
import { type EventView, zoneOf } from '../wire.ts';
import { fill } from '../words.ts';
import { ask, key, locale, press, tell } from './ask.ts';
import { table } from './table.ts';

const LISTS = ['registrations', 'waitlist', 'offers'] as const;
type List = (typeof LISTS)[number];

interface Row {
  userId: string;
  name: string | null;
  createdAt: string;
  position?: number;
  expiresAt?: string;
  overrideReason?: string;
}

const PAGE_ROWS = 100;
/** While somebody searches, pages are as large as they can be. */
const SEARCH_ROWS = 1_000;

/** Saves a list as CSV. */
async function saveCsv(eventId: string, list: List): Promise<void> {
  try {
    const accept = 'text/csv';
    const answer = await request('GET', eventPath(eventId, `/${list}`), { token: key(), accept });
    if (!answer.ok) return tell(text.noAnswer, true);
    download(`${eventId}-${list}.csv`, accept, await answer.blob());
  } catch {
    tell(text.noAnswer, true);
  }
}

/**
 * The lists of an event, with search and what can be done.
 *
 * @param onChanged reads and shows the numbers again
 */
export function peoplePart(event: EventView, onChanged: () => void): HTMLElement {
  const { eventId } = event;
  let list: List = 'registrations';
  let rows: Row[] = [];
  let cursor: string | null = null;
  let turn = 0;
  const place = h('div', {});
  const more = h('button', { type: 'button', hidden: true, click: () => load(false) }, text.more);
  const search = h('input', {
    type: 'search',
    'aria-label': text.search,
    placeholder: text.search,
  });

  // A narrow column breaks it between day and time only.
  const at = (iso: string | undefined) =>
    iso ? shortTime(iso, locale, zoneOf(event)).replaceAll(/(?<!,) /g, '\u00a0') : '';
  const nameOf = (row: Row) => row.name ?? row.userId;

  async function takeOut(row: Row): Promise<void> {
    const name = nameOf(row);
    const title = fill(text.sureOut, { name });
    const asked = { title, hint: text.sureOutHint, keep: text.keep, yes: text.yes };
    if (!(await confirm(asked))) return;
    const call =
      list === 'registrations' ? '/registration/registrations' : '/registration/waitlist';
    const path = withQuery(call, { userId: row.userId, eventId });
    if (!(await press({ method: 'DELETE', path }))) return;
    tell(fill(text.out, { name }));
    onChanged();
    load(true);
  }

  function show(): void {
    const wanted = search.value.trim().toLocaleLowerCase(locale);
    const shown = rows.filter(
      (row) =>
        wanted === '' ||
        `${row.userId} ${row.name ?? ''}`.toLocaleLowerCase(locale).includes(wanted),
    );
    more.hidden = cursor === null;
    if (shown.length === 0) {
      place.replaceChildren(h('p', {}, text.nobody));
      return;
    }
    const cells = (row: Row): (Node | string)[] => {
      const out = h(
        'button',
        { type: 'button', 'data-danger': true, click: () => takeOut(row) },
        text.takeOut,
      );
      out.setAttribute('aria-label', `${text.takeOut}: ${nameOf(row)}`);
      const who = h(
        'span',
        {},
        nameOf(row),
        row.name !== row.userId && h('small', {}, ` ${row.userId}`),
      );
      if (list === 'registrations') return [who, at(row.createdAt), row.overrideReason ?? '', out];
      const position = (row.position ?? 0).toLocaleString(locale);
      return [who, position, at(list === 'offers' ? row.expiresAt : row.createdAt), out];
    };
    const columns = {
      registrations: [text.person, text.since, text.why, text.takeOut],
      waitlist: [text.person, text.position, text.since, text.takeOut],
      offers: [text.person, text.position, text.until, text.takeOut],
    };
    place.replaceChildren(table(text[list], columns[list], shown.map(cells)));
  }

  async function load(isNew: boolean): Promise<void> {
    const mine = ++turn;
    if (isNew) {
      rows = [];
      cursor = null;
    }
    do {
      const limit = String(search.value.trim() === '' ? PAGE_ROWS : SEARCH_ROWS);
      const query = { limit, ...(cursor ? { cursor } : {}) };
      const path = withQuery(eventPath(eventId, `/${list}`), query);
      const answer = await ask<{ items: Row[]; nextCursor: string | null }>('GET', path);
      if (mine !== turn) return;
      if (!answer) break;
      rows.push(...answer.body.items);
      cursor = answer.body.nextCursor;
      show();
      // Who is searched for may be on any page.
    } while (cursor !== null && search.value.trim() !== '');
    show();
  }

  search.addEventListener('input', () => {
    show();
    if (cursor !== null) load(false);
  });

  const tabs = h('div', { role: 'group', 'aria-label': text.people });
  for (const each of LISTS) {
    const choose = () => {
      list = each;
      for (const tab of tabs.children) tab.setAttribute('aria-pressed', String(tab === button));
      load(true);
    };
    const button = h(
      'button',
      { type: 'button', 'aria-pressed': each === list, click: choose },
      text[each],
    );
    button.setAttribute('aria-pressed', String(each === list));
    tabs.append(button);
  }
  const csv = h('button', { type: 'button', click: () => saveCsv(eventId, list) }, text.csv);

  const seat = h(
    'form',
    { 'data-fields': true },
    h(
      'p',
      {},
      h('label', { for: 'seat-user' }, text.userId),
      h('input', { id: 'seat-user', required: true, maxlength: 100 }),
    ),
    h(
      'p',
      {},
      h('label', { for: 'seat-reason' }, text.reason),
      h('input', { id: 'seat-reason', maxlength: 500 }),
    ),
    h('p', {}, h('button', {}, text.seat)),
  );
  seat.addEventListener('submit', async (submitted) => {
    submitted.preventDefault();
    const userId = find<HTMLInputElement>('#seat-user', seat).value.trim();
    const reason = find<HTMLInputElement>('#seat-reason', seat).value.trim();
    const body = { userId, eventId, ...(reason ? { override: { reason } } : {}) };
    const path = '/registration/registrations';
    const placed = await press<{ waitlistEntry: { position: number } | null }>({
      method: 'POST',
      path,
      body,
    });
    if (!placed) return;
    const n = placed.waitlistEntry?.position;
    tell(fill(n === undefined ? text.seated : text.lined, { name: userId, n: n ?? 0 }));
    seat.reset();
    onChanged();
    load(true);
  });

  load(true);
  return h(
    'div',
    { id: 'people' },
    h('div', { 'data-bar': true }, tabs, search, csv),
    place,
    more,
    h('details', {}, h('summary', {}, text.seatHeading), seat),
  );
}
