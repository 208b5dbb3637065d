/** `npm run tables [-- --env NAME]`: creates the tables and indexes that are missing, and checks the others. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { explainClientError, openClient } from './client.ts';
import { readSettingsHere } from './running.ts';
import { checkSettings } from './settings.ts';
import { ensureTables } from './tables.ts';
import { runCommand, say } from './terminal.ts';

const ROOT = resolve(import.meta.dirname, '../..');

async function createTables(): Promise<number> {
  const { values } = parseArgs({ options: { env: { type: 'string', short: 'e' } } });
  const config = checkSettings(await readSettingsHere(ROOT, values.env));
  try {
    const client = openClient(config);
    const { created, existing, indexes } = await ensureTables(client, config.tables, say);
    for (const name of created) say(`${name}: created`);
    for (const name of indexes) say(`${name}: added`);
    for (const name of existing) say(`${name}: exists already, as it must be`);
    return 0;
  } catch (error) {
    throw explainClientError(error, config);
  }
}

await runCommand(createTables, 'npm run tables [-- --env NAME]');
