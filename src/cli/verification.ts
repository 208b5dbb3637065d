import * as z from 'zod';
import { hexDigestOf } from '../digest.ts';
import { LogCheck, type Receipt } from '../event/log-check.ts';
import { LogFault, type SeenEntry } from '../event/seen-log.ts';

import { logSchema } from '../http/log-answers.ts';

import { PAGE_MAX_ROWS } from '../limits.ts';
import { firstIssue, parseAnswer } from './answers.ts';
import type { Api } from './api.ts';
import { compareEnd, readStanding } from './log-end.ts';
import { CliError } from './terminal.ts';

/** How often the end is read again while the event changes. */
const MAX_ROUNDS = 5;

const entrySchema = logSchema.shape.items.element;
/** What is needed to read on. The entries are looked at one by one. */
const pageSchema = z.object({ items: z.array(z.unknown()), nextCursor: z.string().nullable() });

/** What was found out, as lines for a person. */
export interface Verification {
  holds: boolean;
  lines: string[];
}

/**
 * Checks the log of an event as the service tells it: its chain, its order by the rules, its end by what the
 * service says beside it, and a receipt.
 *
 * @throws CliError when that cannot be found out
 */
export async function verifyLog(
  api: Api,
  eventId: string,
  receipt: Receipt | null = null,
): Promise<Verification> {
  const path = `/registration/events/${encodeURIComponent(eventId)}`;
  const check = new LogCheck(hexDigestOf, receipt);
  try {
    await readOn(api, path, check);
    if (!check.last) {
      throw new CliError('The log has no entry, so there is nothing to check.');
    }
    const end = await checkEnd(api, path, check);
    const told = receipt ? [`The receipt of version ${receipt.version} is in it.`] : [];
    return { holds: true, lines: [...tellLog(check), ...told, end] };
  } catch (error) {
    if (error instanceof LogFault) return { holds: false, lines: [error.message] };
    throw error;
  }
}

/** Reads the log from where it was left, and checks it. Returns how many entries there were. */
async function readOn(api: Api, path: string, check: LogCheck): Promise<number> {
  const before = check.entryCount;
  let after = check.last?.version ?? 0;
  for (;;) {
    const body = await api.get(`${path}/log?limit=${PAGE_MAX_ROWS}&after=${after}`);
    const { items, nextCursor } = parseAnswer(body, pageSchema);
    for (const item of items) await check.add(toEntry(item));
    if (nextCursor === null) break;
    const next = Number(nextCursor);
    if (!(next > after)) throw new CliError('The pages of the log have no end.');
    after = next;
  }
  check.end();
  return check.entryCount - before;
}

/** Compares the end of the log with what the service says at a moment at which nothing changes. */
async function checkEnd(api: Api, path: string, check: LogCheck): Promise<string> {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const standing = await readStanding(api, path);
    if ((await readOn(api, path, check)) === 0) return compareEnd(check, standing);
  }
  return 'Its end was not compared with the lists: the event changes too fast.';
}

function tellLog({ first, last, beginning, entryCount, changeCount }: LogCheck): string[] {
  const whole = `${entryCount} entries with ${changeCount} changes, versions ${first?.version} to ${last?.version}: the chain and the order hold.`;
  switch (beginning) {
    case 'creation':
      return [whole];
    case 'first entry':
      return [whole, 'The event is older than its log: who had a place before is not known.'];
    case 'later':
      return [
        whole,
        'The beginning of the log is not there: who had a place before is not known, and nothing proves the first entry.',
      ];
  }
}

/** An entry as it came, with all that the chain is made of. */
function toEntry(item: unknown): SeenEntry {
  const { error } = entrySchema.safeParse(item);
  if (!error) return item as SeenEntry;
  const version = z.object({ version: z.int() }).safeParse(item).data?.version ?? 0;
  throw new LogFault(version, `is no entry of a log (${firstIssue(error)})`);
}
