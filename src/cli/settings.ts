import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { authSchema } from '../auth/settings.ts';
import { readStoreConfig, type StoreConfig } from '../config.ts';
import { CliError } from './terminal.ts';

/** Settings by name, as the worker would find them in its environment. */
export type Settings = Record<string, string>;

/** What the commands need to know; undefined credentials are left to the SDK's own chain. */
export type CliConfig = Pick<StoreConfig, 'region' | 'endpoint' | 'tables'> & {
  credentials: StoreConfig['credentials'] | undefined;
};

const CREDENTIALS = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'];

/** Settings that wrangler.toml need not have, being secrets or left out by default. */
const OPTIONAL = [...Object.keys(authSchema.in.shape), 'CORS_ORIGINS', 'LOG_REQUESTS'];

/** What an endpoint on this machine is given for credentials: it wants some and checks none. */
const LOCAL_CREDENTIALS: Settings = { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' };

/**
 * Reads the settings as `wrangler dev` does, with wrangler's own code: the variables of
 * wrangler.toml (`[env.NAME.vars]` instead when an environment is named), over them .dev.vars;
 * and over both, for each of these names, the process's environment.
 */
export async function readSettings(
  root: string,
  environment?: string,
  processEnv: NodeJS.ProcessEnv = process.env,
): Promise<Settings> {
  // Loaded when needed: it takes a second, and a mistyped port is to be refused at once.
  const { unstable_getVarsForDev, unstable_readConfig } = await import('wrangler');
  const file = join(root, 'wrangler.toml');
  if (!existsSync(file)) throw new CliError(`There is no ${file}.`);
  const base = unstable_readConfig({ config: file }, { hideWarnings: true });
  if (environment !== undefined && !base.definedEnvironments?.includes(environment)) {
    // Asked here: wrangler may fall back to the top level, which are another environment's tables.
    throw new CliError(`${file} has no [env.${environment}].`);
  }
  const chosen = { config: file, ...(environment === undefined ? {} : { env: environment }) };
  const wrangler = unstable_readConfig(chosen, { hideWarnings: true });

  const settings: Settings = {};
  const vars = unstable_getVarsForDev(file, undefined, wrangler.vars, environment, true);
  for (const [name, binding] of Object.entries(vars)) {
    if ('value' in binding && typeof binding.value === 'string') settings[name] = binding.value;
  }
  // The top level of wrangler.toml names the variables; an environment may leave some out.
  for (const name of new Set([...Object.keys(base.vars), ...Object.keys(settings), ...OPTIONAL])) {
    const value = processEnv[name];
    if (value !== undefined && !CREDENTIALS.includes(name)) settings[name] = value;
  }
  // Credentials come whole from one place: a session token goes with its own key and no other.
  if (processEnv.AWS_ACCESS_KEY_ID) copyCredentials(processEnv, settings);
  return settings;
}

/** Checks the settings with the service's own rules, except that credentials may be missing. */
export function checkSettings(settings: Settings): CliConfig {
  const given = Boolean(settings.AWS_ACCESS_KEY_ID || settings.AWS_SECRET_ACCESS_KEY);
  const { region, endpoint, tables, credentials } = readStoreConfig(
    given ? settings : withLocalCredentials(settings),
  );
  const known = given || (endpoint !== undefined && isLoopback(endpoint));
  return { region, endpoint, tables, credentials: known ? credentials : undefined };
}

/** The settings with the credentials that an endpoint on this machine is given. */
export function withLocalCredentials(settings: Settings): Settings {
  const changed = { ...settings };
  copyCredentials(LOCAL_CREDENTIALS, changed);
  return changed;
}

function copyCredentials(from: NodeJS.ProcessEnv, to: Settings): void {
  for (const name of CREDENTIALS) {
    const value = from[name];
    if (value) to[name] = value;
    else delete to[name];
  }
}

function isLoopback(url: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(new URL(url).hostname);
}
