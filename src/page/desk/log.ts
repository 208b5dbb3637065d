import { call, eventPath, withQuery } from '../api.ts';
import { h } from '../dom.ts';
import { changes as changeTexts, desk as text } from '../text/en.ts';
import { shortTime } from '../when.ts';
import { type EventView, zoneOf } from '../wire.ts';
import { fill } from '../words.ts';
import { ask, key, locale } from './ask.ts';
import type { Entry } from './history.ts';
import { table } from './table.ts';

const PAGE_ROWS = '1000';
/** A log that is longer is shown from its beginning on no further: its chart would be of another time than now. */
const MOST_ENTRIES = 100_000;
const SHOWN_CHANGES = 100;

/** Reads the log of an event. */
export interface LogReader {
  /**
   * The whole log; what was read before is not read again.
   *
   * @param isQuiet whether a failure is said by nobody
   * @returns null when it can't be read
   */
  read(isQuiet: boolean): Promise<Entry[] | null>;
}

interface Page {
  items: Entry[];
  nextCursor: string | null;
}

/** One page, by a call that says nothing of its failure. */
async function readQuietly(path: string): Promise<Page | null> {
  try {
    const { problem, body } = await call<Page>('GET', path, { token: key() });
    return problem ? null : body;
  } catch {
    // No answer. The next change reads on.
    return null;
  }
}

/** A reader of the log that goes on where it has ended. */
export function logReader(eventId: string): LogReader {
  const entries: Entry[] = [];
  async function readOn(isQuiet: boolean): Promise<Entry[] | null> {
    while (entries.length < MOST_ENTRIES) {
      const after = entries.at(-1)?.version;
      const query = { limit: PAGE_ROWS, ...(after === undefined ? {} : { after: String(after) }) };
      const path = withQuery(eventPath(eventId, '/log'), query);
      const page = isQuiet ? await readQuietly(path) : (await ask<Page>('GET', path))?.body;
      if (!page) return null;
      entries.push(...page.items);
      if (page.nextCursor === null) break;
    }
    return entries;
  }
  // One after the other, or an entry would be read twice.
  let last: Promise<unknown> = Promise.resolve();
  return {
    read(isQuiet) {
      const reading = last.then(() => readOn(isQuiet));
      last = reading;
      return reading;
    },
  };
}

/** The last changes, newest first. */
export async function showLog(event: EventView, reader: LogReader): Promise<HTMLElement | null> {
  const entries = await reader.read(false);
  if (!entries) return null;
  const zone = zoneOf(event);
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
  if (shown.length === 0) return h('p', {}, text.noLog);
  return h(
    'div',
    {},
    h('small', {}, fill(text.logTail, { n: shown.length })),
    table(text.log, columns, shown, [4]),
  );
}
