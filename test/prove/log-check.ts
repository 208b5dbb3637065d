import { isDeepStrictEqual } from 'node:util';
import type { Operation } from './history.ts';
import { checkChain, checkPage, type LogChange } from './log.ts';
import type { ToldLog, WholeLog } from './log-reader.ts';
import { checkReceipts } from './receipts.ts';
import { checkReplay } from './replay.ts';
import type { Rows } from './tables.ts';

/**
 * What is wrong with the log of an event: it is held against its own chain, the rows of the tables, what
 * clients were told of their changes, and what they were told of the log.
 *
 * @param mayBeStale whether a worker may not have heard of what another one wrote
 * @param clocksApartMs how far the clocks of workers may have been apart
 */
export function checkLog(
  rows: Rows,
  operations: Operation[],
  { pages, whole }: ToldLog,
  mayBeStale: boolean,
  clocksApartMs = 0,
): string[] {
  const entries = rows.log;
  return [
    ...checkChain(entries, clocksApartMs),
    ...checkReplay(entries, rows),
    ...checkReceipts(operations, entries),
    ...pages.flatMap((page) => checkPage(page, entries, mayBeStale)),
    ...whole.flatMap((told) => checkWhole(told, rows, mayBeStale)),
  ];
}

/** Changes that the clock alone causes: the alarm of an event may have done so after the last look. */
const BY_THE_CLOCK = new Set<LogChange['type']>([
  'offer.expired',
  'offer.made',
  'registration.promoted',
]);

/**
 * At the end the API tells the log that the tables hold, but for what the clock did afterwards. A worker that was left
 * behind tells its beginning.
 */
function checkWhole({ worker, entries }: WholeLog, { item, log }: Rows, mayBeStale: boolean) {
  // How long a worker may not have heard of an event is checked for all answers alike.
  if (entries === null && (mayBeStale || !item)) return [];
  if (entries === null) return [`worker ${worker} tells no log of an event that exists`];
  const isByTheClock = log
    .slice(entries.length)
    .every(({ changes }) => changes.every(({ type }) => BY_THE_CLOCK.has(type)));
  const held = mayBeStale || isByTheClock ? log.slice(0, entries.length) : log;
  if (isDeepStrictEqual(entries, held)) return [];
  const [told, kept] = [entries, held].map((some) => some.map(({ version }) => version).join(', '));
  return [`worker ${worker} tells another log than the tables hold: ${told}, not ${kept}`];
}
