/** `npm start`: runs the service on this machine, with an embedded DynamoDB unless an endpoint is configured. */
import { chmodSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { readConfig } from '../config.ts';
import { explainClientError, openClient } from './client.ts';
import { countUnadopted, tellUnadopted } from './counting.ts';
import { dataDirectory } from './data-directory.ts';
import { startDynamoDB } from './dynamodb.ts';
import { greet } from './greeting.ts';
import { lockDirectory } from './lock.ts';
import { npmHasEnded } from './npm.ts';
import { freePort, isPortFree, parsePort } from './ports.ts';
import { stopAllProcesses } from './processes.ts';
import { forgetRunning, recordRunning } from './running.ts';
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
  // Ends with 0, not 130: a signal is the normal end of this command, and npm reports anything else as an error.
  // The handlers stay, since Ctrl-C may arrive twice, from the terminal and through npm.
  const signalled = new Promise<number>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => resolve(0));
    npmHasEnded(['start', 'dev']).then(() => resolve(0));
  });
  try {
    return await Promise.race([signalled, run()]);
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

/** Starts everything. Rejects when a part of it ends. */
async function run(): Promise<never> {
  const port = parsePort(process.env.PORT || '8787');
  if (port === undefined) {
    throw new CliError(`PORT is ${process.env.PORT}; it must be a number from 1 to 65535.`);
  }
  if (!(await isPortFree(port))) {
    throw new CliError(`Port ${port} is in use: end what listens there, or set PORT.`);
  }
  const given = await readSettings(ROOT);
  // Checked by the service's own rules before anything is started: with wrong settings every call would be a 503.
  const { auth } = readConfig(
    given.DYNAMODB_ENDPOINT ? withKnownCredentials(given) : withLocalCredentials(given),
  );
  // From here on, this and all child processes create files that only their owner can access: it is people's data.
  process.umask(0o077);
  const usual = dataDirectory(ROOT, {});
  const directory = dataDirectory(ROOT);
  lockDirectory(directory);
  // What a killed `npm start` wrote would be taken for ours.
  forgetRunning(directory);
  process.once('exit', () => forgetRunning(directory));
  // The default directory may exist with another mode. A chosen one keeps its mode: it may hold other files too.
  if (directory === usual) chmodSync(directory, 0o700);

  const { settings, data, older, ended } = await openTables(given, directory);
  const stateDirectory = join(directory, 'worker');
  mkdirSync(stateDirectory, { recursive: true });
  chmodSync(stateDirectory, 0o700);
  const worker = await startWorker({ root: ROOT, port, settings, stateDirectory });
  if (older) say(older);
  recordRunning(directory, settings);
  for (const line of greet({ port, data, settings, auth })) say(line);
  return await Promise.race([
    ended,
    worker.ended.then((how) => {
      throw new CliError(`The worker ended by itself (wrangler: ${how}).`);
    }),
  ]);
}

/** The tables, ready for the worker. */
interface ReadyTables {
  /** The settings for the worker. */
  settings: Settings;
  /** Where the data is, for a person. */
  data: string;
  /** What to tell of events that the seed system wrote, if there are any. */
  older: string | null;
  /** Rejects when the embedded DynamoDB ends; otherwise stays pending. */
  ended: Promise<never>;
}

/** Starts the embedded DynamoDB unless an endpoint is configured, and creates the tables that are missing. */
async function openTables(settings: Settings, directory: string): Promise<ReadyTables> {
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
  // It may end while the worker starts, before `run` awaits it: that must not be an unhandled rejection.
  ended.catch(() => undefined);
  const local = withLocalTables(
    withLocalCredentials({ ...settings, DYNAMODB_ENDPOINT: database.endpoint }),
  );
  const { older } = await createMissingTables(local);
  return { settings: local, data: `${directory}, served at ${database.endpoint}`, older, ended };
}

/** Creates missing tables. Returns the settings with the credentials that were used, and a note about old events. */
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
    // With the endpoint, since an embedded database has another port each time.
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

/** Fills in missing credentials. `createMissingTables` refuses them later, and names the endpoint. */
function withKnownCredentials(settings: Settings): Settings {
  return settings.AWS_ACCESS_KEY_ID ? settings : withLocalCredentials(settings);
}

await runCommand(start);
