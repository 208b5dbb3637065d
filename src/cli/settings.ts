import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { authSchema } from '../auth/settings.ts';
import { readStoreConfig, type StoreConfig } from '../config.ts';
import { isLoopback } from '../loopback.ts';
import { webhooksSchema } from '../outbox/settings.ts';
import { CliError } from './terminal.ts';

/** Settings by name, as the worker gets them in its environment. */
export type Settings = Record<string, string>;

/** The configuration of the commands. Without credentials the SDK looks for them itself. */
export type CliConfig = Pick<StoreConfig, 'region' | 'endpoint' | 'tables'> & {
  credentials: StoreConfig['credentials'] | undefined;
};

const CREDENTIALS = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'];

/** Settings that wrangler.toml need not have, being secrets or left out by default. */
const OPTIONAL = [
  ...Object.keys(authSchema.in.shape),
  ...Object.keys(webhooksSchema.in.shape),
  ...['CORS_ORIGINS', 'LOG_REQUESTS', 'OFFER_REMINDER_SECONDS'],
];

/** The credentials for an endpoint on this machine: it needs some, but does not check them. */
const LOCAL_CREDENTIALS: Settings = { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' };

/** The default on this machine: authentication is off, and only loopback names are answered. */
const LOCAL_CALLERS: Settings = { ENVIRONMENT: 'development', AUTH_MODE: 'none' };

/** The prefix of the placeholder table names at the top level of wrangler.toml. */
const NO_ENVIRONMENT = /^no-environment-/;

/**
 * Reads the settings as `wrangler dev` does, with wrangler's own code: the variables of wrangler.toml
 * (`[env.NAME.vars]` when an environment is named). .dev.vars overrides them, and the environment of the process
 * overrides both. Without an environment they are the settings of `npm start`.
 */
export async function readSettings(
  root: string,
  environment?: string,
  processEnv: NodeJS.ProcessEnv = process.env,
): Promise<Settings> {
  // Imported only here: it takes a second, and `npm start` refuses a mistyped port at once.
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

  const settings: Settings = environment === undefined ? { ...LOCAL_CALLERS } : {};
  const vars = unstable_getVarsForDev(file, undefined, wrangler.vars, environment, true);
  for (const [name, binding] of Object.entries(vars)) {
    if ('value' in binding && typeof binding.value === 'string') settings[name] = binding.value;
  }
  // The names come from the top level of wrangler.toml too, since an environment may leave some out.
  for (const name of new Set([...Object.keys(base.vars), ...Object.keys(settings), ...OPTIONAL])) {
    const value = processEnv[name];
    if (value !== undefined && !CREDENTIALS.includes(name)) settings[name] = value;
  }
  // All credentials come from one source, since a session token belongs to its key.
  if (processEnv.AWS_ACCESS_KEY_ID) copyCredentials(processEnv, settings);
  const isHere = isLoopbackUrl(settings.DYNAMODB_ENDPOINT);
  return environment === undefined && isHere ? withLocalTables(settings) : settings;
}

/** The settings with the default table names instead of the placeholders. */
export function withLocalTables(settings: Settings): Settings {
  const renamed = Object.entries(settings).map(([name, value]) => [
    name,
    name.endsWith('_TABLE') ? value.replace(NO_ENVIRONMENT, '') : value,
  ]);
  return Object.fromEntries(renamed);
}

/** Checks the settings with the service's own rules, except that credentials may be missing. */
export function checkSettings(settings: Settings): CliConfig {
  const given = Boolean(settings.AWS_ACCESS_KEY_ID || settings.AWS_SECRET_ACCESS_KEY);
  const { region, endpoint, tables, credentials } = readStoreConfig(
    given ? settings : withLocalCredentials(settings),
  );
  const known = given || isLoopbackUrl(endpoint);
  return { region, endpoint, tables, credentials: known ? credentials : undefined };
}

/** The settings with the credentials for an endpoint on this machine. */
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

/** Whether a text is a URL of this machine. */
export function isLoopbackUrl(text: string | undefined): boolean {
  return isLoopback(URL.parse(text ?? '')?.hostname ?? '');
}

/** Who may make every call while authentication is off, as a phrase for a person. */
export function whoMayCall({ ENVIRONMENT, ALLOW_UNAUTHENTICATED }: Settings): string {
  const isLocal = ENVIRONMENT === 'development' && ALLOW_UNAUTHENTICATED !== 'yes';
  return `${isLocal ? 'anyone on this machine' : 'anyone who can reach it'} may make every call`;
}
