import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataDirectory } from './data-directory.ts';
import { isDirectoryInUse } from './lock.ts';
import { isLoopbackUrl, readSettings, type Settings } from './settings.ts';
import { say } from './terminal.ts';

const FILE = 'endpoint';

/** Writes down the endpoint of this `npm start`'s database, for the other commands. */
export function recordEndpoint(directory: string, endpoint = ''): void {
  writeFileSync(join(directory, FILE), endpoint, { mode: 0o600 });
}

/** Deletes the endpoint that `recordEndpoint` wrote. */
export function forgetEndpoint(directory: string): void {
  rmSync(join(directory, FILE), { force: true });
}

/**
 * The endpoint of the `npm start` that uses this directory; undefined when none is running. What a killed
 * `npm start` wrote is ignored: another process may have the port now.
 */
export function findEndpoint(directory: string): string | undefined {
  if (!isDirectoryInUse(directory)) return undefined;
  try {
    const endpoint = readFileSync(join(directory, FILE), 'utf8');
    return isLoopbackUrl(endpoint) ? endpoint : undefined;
  } catch (error) {
    // It is still starting, and has not written the endpoint yet.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Reads the settings as `readSettings` does. If neither an environment nor an endpoint is named, and `npm start`
 * runs on this machine, the endpoint is that of its database.
 */
export async function readSettingsHere(
  root: string,
  environment?: string,
  processEnv: NodeJS.ProcessEnv = process.env,
): Promise<Settings> {
  const settings = await readSettings(root, environment, processEnv);
  if (environment !== undefined || settings.DYNAMODB_ENDPOINT) return settings;
  const DYNAMODB_ENDPOINT = findEndpoint(dataDirectory(root, processEnv));
  if (DYNAMODB_ENDPOINT === undefined) return settings;
  say(`The database of \`npm start\`, ${DYNAMODB_ENDPOINT}:`);
  return readSettings(root, environment, { ...processEnv, DYNAMODB_ENDPOINT });
}
