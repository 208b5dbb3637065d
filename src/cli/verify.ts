/**
 * `npm run verify -- URL EVENT_ID [--receipt VERSION.CHAIN] [--token T]`: reads the log of an event over the
 * public API, and checks its chain and its order. Ends with 0 when all holds, with 1 when something does not,
 * with 2 when that cannot be found out.
 */
import { parseArgs } from 'node:util';
import type { Receipt } from '../event/log-check.ts';
import { Api } from './api.ts';
import { CliError, runCommand, say } from './terminal.ts';
import { verifyLog } from './verification.ts';

const DOES_NOT_HOLD = 1;
const NOT_FOUND_OUT = 2;

const USAGE = 'npm run verify -- URL EVENT_ID [--receipt VERSION.CHAIN] [--token T]';

function toReceipt(text: string): Receipt {
  const [, version = '', chain = ''] = /^(\d{1,15})\.([0-9a-f]{64})$/.exec(text.trim()) ?? [];
  if (!chain)
    throw new CliError(`${text} is no receipt: it is VERSION.CHAIN, the chain in 64 hex digits.`);
  return { version: Number(version), chain };
}

await runCommand(
  async () => {
    const { values, positionals } = parseArgs({
      options: { receipt: { type: 'string' }, token: { type: 'string' } },
      allowPositionals: true,
    });
    const [url, eventId, ...more] = positionals;
    if (!url || !eventId || more.length > 0) {
      throw new CliError(`Say which event of which service: ${USAGE}`);
    }
    const receipt = values.receipt === undefined ? null : toReceipt(values.receipt);
    const { holds, lines } = await verifyLog(new Api(url, values.token), eventId, receipt);
    for (const line of lines) say(line);
    return holds ? 0 : DOES_NOT_HOLD;
  },
  USAGE,
  NOT_FOUND_OUT,
);
