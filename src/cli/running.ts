import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataDirectory } from './data-directory.ts';
import { isDirectoryInUse } from './lock.ts';
import { isLoopbackUrl, readSettings, type Settings } from './settings.ts';
import { say } from './terminal.ts';

const FILE = 'running.json';

/** Settings that are secret, which are not written down: the file would outlive a crash. */
const SECRET = /KEY|SECRET|TOKEN|WEBHOOKS/;

/** Writes down what this `npm start` runs with, for the other commands. */
export function recordRunning(directory: string, settings: Settings): void {
  const told = Object.entries(settings).filter(([name]) => !SECRET.test(name));
  writeFileSync(join(directory, FILE), JSON.stringify(Object.fromEntries(told)), { mode: 0o600 });
}

/** Deletes what `recordRunning` wrote. */
export function forgetRunning(directory: string): void {
  rmSync(join(directory, FILE), { force: true });
}

/**
 * The settings of the `npm start` that uses this directory, without secrets; undefined when none is running, or
 * one whose database is elsewhere. What a killed `npm start` wrote is ignored: another process may have the port now.
 */
export function findRunning(directory: string): Settings | undefined {
  if (!isDirectoryInUse(directory)) return undefined;
  try {
    const settings: Settings = JSON.parse(readFileSync(join(directory, FILE), 'utf8'));
    return isLoopbackUrl(settings.DYNAMODB_ENDPOINT) ? settings : undefined;
  } catch (error) {
    // It is still starting, and has not written the endpoint yet.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Reads the settings as `readSettings` does. Where neither an environment nor an endpoint is named, and
 * `npm start` runs here, they are those that it runs with, except for what the process's environment says.
 */
export async function readSettingsHere(
  root: string,
  environment?: string,
  processEnv: NodeJS.ProcessEnv = process.env,
): Promise<Settings> {
  const settings = await readSettings(root, environment, processEnv);
  if (environment !== undefined || settings.DYNAMODB_ENDPOINT) return settings;
  const running = findRunning(dataDirectory(root, processEnv));
  if (running === undefined) {
    say(`No \`npm start\` runs here. DynamoDB in ${settings.AWS_REGION}:`);
    return settings;
  }
  const { DYNAMODB_ENDPOINT } = running;
  say(`The database of \`npm start\`, ${DYNAMODB_ENDPOINT}:`);
  return readSettings(root, environment, { ...running, ...processEnv, DYNAMODB_ENDPOINT });
}
