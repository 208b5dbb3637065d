import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataDirectory } from './directory.ts';
import { isDirectoryInUse } from './lock.ts';
import { isLoopbackUrl, readSettings, type Settings } from './settings.ts';
import { say } from './terminal.ts';

const FILE = 'endpoint';

/** Leaves word of where the database of this `npm start` is, for the other commands. */
export function recordEndpoint(directory: string, endpoint = ''): void {
  writeFileSync(join(directory, FILE), endpoint, { mode: 0o600 });
}

/** Takes that word away. */
export function forgetEndpoint(directory: string): void {
  rmSync(join(directory, FILE), { force: true });
}

/**
 * Where the database is of the `npm start` that has this directory; undefined when none runs. Word left by one
 * that was killed is not believed: the port may be another's by now.
 */
export function findEndpoint(directory: string): string | undefined {
  if (!isDirectoryInUse(directory)) return undefined;
  try {
    const endpoint = readFileSync(join(directory, FILE), 'utf8');
    return isLoopbackUrl(endpoint) ? endpoint : undefined;
  } catch (error) {
    // It is starting, and has not come so far.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Reads the settings as `readSettings` does. Where neither an environment nor an endpoint is named, and
 * `npm start` runs here, they are those of its database.
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
