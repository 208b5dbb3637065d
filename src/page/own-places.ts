/** Where the reader of the list has a seat, an offer, or waits: read, shown, and kept up to date. */
import { call, clock, withQuery } from './api.ts';
import { find, h, say } from './dom.ts';
import type { Identity } from './identity.ts';
import { endOf, held, inOrder, whenOf } from './mine.ts';
import { list as text } from './text/en.ts';
import type { OwnPlace, Problem } from './wire.ts';

/** Places that are shown at first, and with each press of the button below. */
const STEP = 20;
/** Places of one answer, and the answers that are read before anything is shown: an offer may be in any of them. */
const PAGE_ROWS = '200';
const MOST_PAGES = 5;
/** How often they are read again. */
const AGAIN_MS = 60_000;

interface Page {
  items: OwnPlace[];
  nextCursor: string | null;
}

/** Shows the places of one person after the other. */
export interface OwnPlaces {
  /** Shows those of somebody else; null shows none. */
  showOf(identity: Identity | null): Promise<void>;
}

/**
 * @param onProblem is told what the service refused, and whether the person is not known to it
 * @param onFailure is told that there was no answer, once for each time that somebody comes
 */
export function openOwnPlaces(options: {
  locale: string;
  onProblem: (problem: Problem) => void;
  onFailure: () => void;
}): OwnPlaces {
  const { locale, onProblem, onFailure } = options;
  const told = find('#told');
  const rows = find('#places');
  const more = find<HTMLButtonElement>('#more');
  let who: Identity | null = null;
  /** What was begun before the last call is out of date. */
  let turn = 0;
  let places: OwnPlace[] = [];
  let cursor: string | null = null;
  let most = STEP;

  function row(place: OwnPlace): HTMLElement {
    const link = h('a', { href: `/e/${encodeURIComponent(place.event.eventId)}` });
    link.textContent = place.event.name;
    const when = whenOf(place, locale);
    const state = h('b', {}, held(place, clock.now(), locale));
    return h('li', { 'data-status': place.status }, link, state, when && h('small', {}, when));
  }

  let shown: OwnPlace[] = [];
  function show(): void {
    const all = inOrder(places, clock.now());
    shown = all.slice(0, most);
    rows.replaceChildren(...shown.map(row));
    more.hidden = all.length <= most && cursor === null;
    say(told, who && all.length === 0 ? text.none : '');
  }

  /** Reads on from the cursor; null where somebody else came meanwhile, or the service refused. */
  async function readOn(mine: number): Promise<OwnPlace[] | null> {
    const read: OwnPlace[] = [];
    for (let page = 0; page < MOST_PAGES; page++) {
      if (!who) return null;
      const query: Record<string, string> = { limit: PAGE_ROWS, ...(cursor ? { cursor } : {}) };
      const path = `/registration/users/${encodeURIComponent(who.userId)}/places`;
      const answer = await call<Page>('GET', withQuery(path, query), { token: who.token });
      if (mine !== turn) return null;
      if (answer.problem) {
        onProblem(answer.problem);
        return null;
      }
      read.push(...answer.body.items);
      cursor = answer.body.nextCursor;
      if (cursor === null) break;
    }
    return read;
  }

  async function readAgain(): Promise<void> {
    const mine = ++turn;
    cursor = null;
    const read = await readOn(mine);
    if (!read) return;
    places = read;
    show();
  }

  /** Reads again without a word where that fails: what is shown stays, and the next time comes. */
  function refresh(): void {
    if (who && !document.hidden) readAgain().catch(() => {});
  }

  more.addEventListener('click', async () => {
    most += STEP;
    if (most > places.length && cursor !== null) {
      const mine = ++turn;
      try {
        places = [...places, ...((await readOn(mine)) ?? [])];
      } catch {
        onFailure();
      }
    }
    show();
  });
  document.addEventListener('visibilitychange', refresh);
  setInterval(refresh, AGAIN_MS);
  // Only the time that is left of offers changes by itself. One that is over is gone, and what came of it is asked for.
  setInterval(() => {
    const now = clock.now();
    for (const [i, place] of shown.entries()) {
      const ends = endOf(place);
      if (ends === null) continue;
      if (ends <= now) {
        show();
        return refresh();
      }
      const state = rows.children[i]?.querySelector('b');
      if (state) say(state, held(place, now, locale));
    }
  }, 1_000);

  return {
    async showOf(identity) {
      who = identity;
      turn++;
      places = [];
      cursor = null;
      most = STEP;
      show();
      say(told, '');
      if (!who) return;
      try {
        await readAgain();
      } catch {
        onFailure();
      }
    },
  };
}
