/**
 * `npm run adopt [-- --dry-run] [--set-unknown-aside] [--env NAME]`: takes over the tables of the seed system.
 * Ends with 0 when everything was taken over, 1 when something is left that a person has to look at.
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { TableNames } from '../config.ts';
import { TABLE_SCHEMAS } from '../store/tables.ts';
import { adopt } from './adoption.ts';
import { explainClientError, openClient } from './client.ts';
import { readSettingsHere } from './running.ts';
import { checkSettings } from './settings.ts';
import { compareTable } from './table-schema.ts';
import { describeTable } from './table-status.ts';
import { CliError, runCommand, say } from './terminal.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** @throws CliError when a table is missing, or differs from its schema */
async function checkTables(client: DynamoDBClient, tables: TableNames): Promise<void> {
  for (const [key, schema] of Object.entries(TABLE_SCHEMAS)) {
    const name = tables[key as keyof TableNames];
    const table = await describeTable(client, name);
    const faults = table ? compareTable(name, schema, table) : [`${name}: is missing`];
    if (faults.length > 0)
      throw new CliError(`${faults.join('\n')}\nRun \`npm run tables\` first.`);
  }
}

await runCommand(async () => {
  const { values } = parseArgs({
    options: {
      env: { type: 'string', short: 'e' },
      'dry-run': { type: 'boolean', default: false },
      'set-unknown-aside': { type: 'boolean', default: false },
    },
  });
  const isDryRun = values['dry-run'];
  const config = checkSettings(await readSettingsHere(ROOT, values.env));
  const bare = openClient(config);
  try {
    await checkTables(bare, config.tables);
    // A number too large for JavaScript is rounded: it can't be a position, so the row gets a new one.
    const unmarshallOptions = { wrapNumbers: Number };
    const client = DynamoDBDocumentClient.from(bare, { unmarshallOptions });
    const { found, adopted, already, setAside, left } = await adopt(
      { client, tables: config.tables },
      { isDryRun, setsUnknownAside: values['set-unknown-aside'], tell: say },
    );
    const done = isDryRun ? 'can be taken over' : 'taken over';
    say(`${adopted} of ${found} events ${done}; ${already} were ours already.`);
    if (setAside > 0) say(`${setAside} rows ${isDryRun ? 'would be' : 'were'} set aside.`);
    say(left === 0 ? 'Nothing is left.' : `${left} to look at: the lines above say what.`);
    if (isDryRun) say('Nothing was written.');
    return left === 0 ? 0 : 1;
  } catch (error) {
    throw explainClientError(error, config);
  }
}, 'npm run adopt [-- --dry-run] [--set-unknown-aside] [--env NAME]');
