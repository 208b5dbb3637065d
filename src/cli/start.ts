/** `npm start`: the service on this machine, with a DynamoDB of its own unless one is configured. */
import { chmodSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { readConfig } from '../config.ts';
import { explainClientError, openClient } from './client.ts';
import { countUnadopted, tellUnadopted } from './counting.ts';
import { dataDirectory } from './directory.ts';
import { startDynamoDB } from './dynamodb.ts';
import { greet } from './greeting.ts';
import { lockDirectory } from './lock.ts';
import { freePort, isPortFree, parsePort } from './ports.ts';
import { stopAllProcesses } from './processes.ts';
import { forgetEndpoint, recordEndpoint } from './running.ts';
import {
  checkSettings,
  readSettings,
  type Settings,
  withLocalCredentials,
  withLocalTables,
} from './settings.ts';
import { ensureTables } from './tables.ts';
import { CliError, explain, runCommand, say } from './terminal.ts';
import { startWorker } from './worker.ts';

const ROOT = resolve(import.meta.dirname, '../..');

async function start(): Promise<number> {
  refuseArguments();
  // Ends with 0, not 130: being asked to end is how this command ends, and npm calls anything else
  // an error. The handlers stay: Ctrl-C may reach us twice, from the terminal and through npm.
  const asked = new Promise<number>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => resolve(0));
  });
  try {
    return await Promise.race([asked, run()]);
  } finally {
    await stopAllProcesses();
  }
}

function refuseArguments(): void {
  try {
    parseArgs({ options: {} });
  } catch (error) {
    const which = explain(error).split('. ', 1)[0];
    throw new CliError(
      `${which}: \`npm start\` takes no arguments. Set PORT, DATA_DIR or a setting in the environment, as in \`PORT=3000 npm start\`.`,
    );
  }
}

/** Brings everything up, and fails when a part of it ends. */
async function run(): Promise<never> {
  const port = parsePort(process.env.PORT || '8787');
  if (port === undefined) {
    throw new CliError(`PORT is ${process.env.PORT}; it must be a number from 1 to 65535.`);
  }
  if (!(await isPortFree(port))) {
    throw new CliError(`Port ${port} is in use: end what listens there, or set PORT.`);
  }
  const given = await readSettings(ROOT);
  // By the service's own rules, and before anything is started: what they refuse would answer 503 to all.
  const { auth } = readConfig(
    given.DYNAMODB_ENDPOINT ? withKnownCredentials(given) : withLocalCredentials(given),
  );
  // People's data: whatever is made from here on is its owner's alone, by whichever process below.
  process.umask(0o077);
  const usual = dataDirectory(ROOT, {});
  const directory = dataDirectory(ROOT);
  lockDirectory(directory);
  process.once('exit', () => forgetEndpoint(directory));
  // From before; one that was chosen may hold other things too, and keeps its mode.
  if (directory === usual) chmodSync(directory, 0o700);

  const { settings, data, older, ended } = await openTables(given, directory);
  const stateDirectory = join(directory, 'worker');
  mkdirSync(stateDirectory, { recursive: true });
  chmodSync(stateDirectory, 0o700);
  const worker = await startWorker({ root: ROOT, port, settings, stateDirectory });
  if (older) say(older);
  recordEndpoint(directory, settings.DYNAMODB_ENDPOINT);
  for (const line of greet({ port, data, settings, auth })) say(line);
  return await Promise.race([
    ended,
    worker.ended.then((how) => {
      throw new CliError(`The worker ended by itself (wrangler: ${how}).`);
    }),
  ]);
}

interface OpenTables {
  /** What the worker is to run with. */
  settings: Settings;
  /** Where the data is, for a person. */
  data: string;
  /** What to tell of events that an older system wrote, if there are any. */
  older: string | null;
  /** Rejects when the embedded DynamoDB ends; otherwise stays pending. */
  ended: Promise<never>;
}

async function openTables(settings: Settings, directory: string): Promise<OpenTables> {
  if (settings.DYNAMODB_ENDPOINT) {
    const { tabled, older } = await createMissingTables(settings);
    const data = settings.DYNAMODB_ENDPOINT;
    return { settings: tabled, data, older, ended: new Promise(() => {}) };
  }
  const dbPath = join(directory, 'dynamodb.db');
  const database = await startDynamoDB({ port: await freePort(), dbPath });
  const ended = database.ended.then((how): never => {
    throw new CliError(`The embedded DynamoDB ended by itself (${how}).`);
  });
  // It may end while the worker starts, before anybody waits for it.
  ended.catch(() => undefined);
  const local = withLocalTables(
    withLocalCredentials({ ...settings, DYNAMODB_ENDPOINT: database.endpoint }),
  );
  const { older } = await createMissingTables(local);
  return { settings: local, data: `${directory}, served at ${database.endpoint}`, older, ended };
}

/** Gives back the settings with the credentials that were used, and what there is to tell of the events. */
async function createMissingTables(
  settings: Settings,
): Promise<{ tabled: Settings; older: string | null }> {
  const config = checkSettings(settings);
  const { credentials } = config;
  if (credentials === undefined) {
    throw new CliError(
      `The worker needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for ${config.endpoint}: set them in the environment or .dev.vars.`,
    );
  }
  let older: string | null;
  try {
    const client = openClient(config);
    await ensureTables(client, config.tables, say);
    const found = tellUnadopted(await countUnadopted(client, config.tables.events));
    // Said in full: an embedded database has another port each time.
    older = found && `${found}. Adopt them:\n  DYNAMODB_ENDPOINT=${config.endpoint} npm run adopt`;
  } catch (error) {
    throw explainClientError(error, config);
  }
  const tabled = {
    ...settings,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  };
  return { tabled, older };
}

/** Credentials that are missing are told of later, with the endpoint that wants them. */
function withKnownCredentials(settings: Settings): Settings {
  return settings.AWS_ACCESS_KEY_ID ? settings : withLocalCredentials(settings);
}

await runCommand(start);
