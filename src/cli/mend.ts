/** `npm run mend -- EVENT_ID [--write] [--env NAME]`: compares an event's books with its rows, and mends them. */

import { resolve } from 'node:path';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { mendBooks } from './books.ts';
import { explainClientError, openClient } from './client.ts';
import { readSettingsHere } from './running.ts';
import { checkSettings } from './settings.ts';
import { CliError, runCommand, say } from './terminal.ts';

const ROOT = resolve(import.meta.dirname, '../..');

await runCommand(async () => {
  const { values, positionals } = parseArgs({
    options: { env: { type: 'string', short: 'e' }, write: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const [eventId] = positionals;
  if (!eventId) throw new CliError('Say which event: npm run mend -- EVENT_ID');
  const config = checkSettings(await readSettingsHere(ROOT, values.env));
  const client = DynamoDBDocumentClient.from(openClient(config));
  try {
    const { write } = values;
    const { kept, counted } = await mendBooks({ client, tables: config.tables }, eventId, {
      write,
    });
    say(`The books say   ${JSON.stringify(kept)}`);
    say(`The rows say    ${JSON.stringify(counted)}`);
    const agree = isDeepStrictEqual(kept, counted);
    say(agree ? 'They agree.' : write ? 'Mended.' : 'Nothing was written: add --write to mend.');
    return agree || write ? 0 : 1;
  } catch (error) {
    throw explainClientError(error, config);
  }
}, 'npm run mend -- EVENT_ID [--write] [--env NAME]');
