import { clock, eventPath, withQuery } from '../api.ts';
import { h } from '../dom.ts';
import { changes as changeTexts, desk as text } from '../text/en.ts';
import { shortTime } from '../when.ts';
import { type CapacityView, type EventView, zoneOf } from '../wire.ts';
import { fill } from '../words.ts';
import { ask, locale } from './ask.ts';
import { chart } from './chart.ts';
import { type Entry, toPoints } from './history.ts';
import { table } from './table.ts';

const PAGE_ROWS = '1000';
/** A log that is longer is shown from its beginning on no further: its chart would be of another time than now. */
const MOST_PAGES = 100;
const SHOWN_CHANGES = 100;

/** The whole log; null when it can't be read. */
async function readLog(eventId: string): Promise<Entry[] | null> {
  const entries: Entry[] = [];
  let after: string | null = null;
  for (let page = 0; page < MOST_PAGES; page++) {
    const query: Record<string, string> = { limit: PAGE_ROWS, ...(after ? { after } : {}) };
    const path = withQuery(eventPath(eventId, '/log'), query);
    const answer = await ask<{ items: Entry[]; nextCursor: string | null }>('GET', path);
    if (!answer) return null;
    entries.push(...answer.body.items);
    after = answer.body.nextCursor;
    if (after === null) break;
  }
  return entries;
}

/** The chart for a width, and the last changes, newest first. */
export async function showLog(
  event: EventView,
  capacity: CapacityView,
): Promise<{ draw: (width: number) => HTMLElement; log: HTMLElement } | null> {
  const entries = await readLog(event.eventId);
  if (!entries) return null;
  const zone = zoneOf(event);
  const now = { registered: capacity.registeredCount, waiting: capacity.waitlistCount };
  const rows: string[][] = [];
  for (const { version, at, actor, changes } of entries.toReversed()) {
    for (const { type, userId = '' } of changes.toReversed()) {
      const when = shortTime(at, locale, zone);
      const n = version.toLocaleString(locale);
      rows.push([when, changeTexts[type] ?? type, userId, actor ?? '', n]);
    }
    if (rows.length >= SHOWN_CHANGES) break;
  }
  const shown = rows.slice(0, SHOWN_CHANGES);
  const columns = [text.at, text.change, text.person, text.actor, text.version];
  const log =
    shown.length === 0
      ? h('p', {}, text.noLog)
      : h(
          'div',
          {},
          h('small', {}, fill(text.logTail, { n: shown.length })),
          table(text.log, columns, shown, [4]),
        );
  const points = toPoints(entries, now);
  const draw = (width: number) =>
    chart(points, { timeZone: zone, locale, nowMs: clock.now(), width });
  return { draw, log };
}
