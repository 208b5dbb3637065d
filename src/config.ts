import * as z from 'zod';
import { type AuthSettings, authSchema } from './auth/settings.ts';
import { ConfigurationError } from './errors.ts';
import { LOG_DEFAULT_DAYS, LOG_MAX_DAYS, OFFER_MAX_SECONDS } from './limits.ts';
import { isPrivate } from './loopback.ts';
import { type Endpoint, webhooksSchema } from './outbox/settings.ts';

const optionalText = z
  .string()
  .optional()
  .transform((value) => value || undefined);

const tableName = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .refine((name) => /^[a-zA-Z0-9_.-]{3,255}$/.test(name), {
      error: 'must be a DynamoDB table name: 3 to 255 of a-z A-Z 0-9 _ . -',
    });

const isOrigin = (text: string) => URL.parse(text)?.origin === text && text !== 'null';

const isReminderSeconds = (text: string) =>
  /^[1-9]\d{0,5}$/.test(text) && Number(text) <= OFFER_MAX_SECONDS;

const secret = z
  .string({ error: 'is missing; it is a secret: set it with `wrangler secret put`' })
  .min(1, { error: 'is empty; it is a secret: set it with `wrangler secret put`' });

const configSchema = z.object({
  AWS_REGION: z
    .string({ error: 'is missing' })
    .refine((region) => /^[a-z]{2}(-[a-z]+)+-\d+$/.test(region), {
      error: 'must be an AWS region such as eu-central-1',
    }),
  // Records and session tokens are sent to it, so it must be private.
  DYNAMODB_ENDPOINT: optionalText.refine(
    (text) => {
      const url = URL.parse(text ?? 'https://the-regions-own');
      return url !== null && isPrivate(url);
    },
    { error: 'must be empty or an https URL; http is for this machine (localhost, 127.0.0.1)' },
  ),
  AWS_ACCESS_KEY_ID: secret,
  AWS_SECRET_ACCESS_KEY: secret,
  AWS_SESSION_TOKEN: optionalText,
  USERS_TABLE: tableName('users-table'),
  EVENTS_TABLE: tableName('registration-events-table'),
  REGISTRATIONS_TABLE: tableName('registrations-table'),
  WAITLIST_TABLE: tableName('waitlist-table'),
  CORS_ORIGINS: z
    .string()
    .default('')
    .refine((list) => list === '' || list.split(',').every((each) => isOrigin(each.trim())), {
      error: 'must be empty or origins such as https://desk.example, separated by commas',
    }),
  LOG_DAYS: z
    .string()
    .default(String(LOG_DEFAULT_DAYS))
    .refine((text) => /^\d{1,4}$/.test(text) && Number(text) <= LOG_MAX_DAYS, {
      error: `must be a whole number of days from 0 (no log) to ${LOG_MAX_DAYS}`,
    })
    .transform(Number),
  OFFER_REMINDER_SECONDS: z
    .string()
    .default('')
    .refine((text) => text === '' || isReminderSeconds(text), {
      error: `must be empty or a whole number of seconds from 1 to ${OFFER_MAX_SECONDS}`,
    })
    .transform((text) => (text === '' ? null : Number(text))),
  LOCATION_HINT: z
    .enum([
      '',
      'wnam',
      'enam',
      'sam',
      'weur',
      'eeur',
      'apac',
      'apac-ne',
      'apac-se',
      'oc',
      'afr',
      'me',
    ])
    .default('')
    .transform((hint) => hint || undefined),
});

/** Names of the four tables. */
export interface TableNames {
  users: string;
  events: string;
  registrations: string;
  waitlist: string;
}

/** Where the tables are, and how to reach them. */
export interface StoreConfig {
  region: string;
  endpoint: string | undefined;
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string };
  tables: TableNames;
}

/** The checked configuration of the service. */
export interface Config extends StoreConfig {
  locationHint: DurableObjectLocationHint | undefined;
  auth: AuthSettings;
  /** How long entries of the log are kept; 0: there is no log. */
  logDays: number;
  /** How long before the end of an offer its user is reminded; null: never. */
  offerReminderSeconds: number | null;
  /** Who is told of changes; empty: nobody. */
  webhooks: Endpoint[];
}

/** The error that names every variable that is missing or impossible, never its value. */
function toConfigurationError(...errors: (z.ZodError | undefined)[]): ConfigurationError {
  const issues = errors.flatMap((error) => error?.issues ?? []);
  const faults = issues.map((issue) => `${issue.path.join('.')} ${issue.message}`);
  return new ConfigurationError(`The service is not configured: ${faults.join('; ')}.`);
}

function toStoreConfig(vars: z.infer<typeof configSchema>): StoreConfig {
  return {
    region: vars.AWS_REGION,
    endpoint: vars.DYNAMODB_ENDPOINT,
    credentials: {
      accessKeyId: vars.AWS_ACCESS_KEY_ID,
      secretAccessKey: vars.AWS_SECRET_ACCESS_KEY,
      ...(vars.AWS_SESSION_TOKEN ? { sessionToken: vars.AWS_SESSION_TOKEN } : {}),
    },
    tables: {
      users: vars.USERS_TABLE,
      events: vars.EVENTS_TABLE,
      registrations: vars.REGISTRATIONS_TABLE,
      waitlist: vars.WAITLIST_TABLE,
    },
  };
}

/**
 * Reads the part of the configuration that the commands need: everything but authentication.
 *
 * @throws ConfigurationError naming every variable that is missing or impossible, never its value.
 */
export function readStoreConfig(env: unknown): StoreConfig {
  const vars = configSchema.safeParse(env);
  if (!vars.success) throw toConfigurationError(vars.error);
  return toStoreConfig(vars.data);
}

/**
 * Reads the configuration from the variables and secrets of the environment.
 *
 * @throws ConfigurationError naming every variable that is missing or impossible, never its value.
 */
export function readConfig(env: unknown): Config {
  const vars = configSchema.safeParse(env);
  const auth = authSchema.safeParse(env);
  const webhooks = webhooksSchema.safeParse(env);
  if (!vars.success || !auth.success || !webhooks.success) {
    throw toConfigurationError(vars.error, auth.error, webhooks.error);
  }
  const { LOCATION_HINT: locationHint, LOG_DAYS: logDays } = vars.data;
  const { OFFER_REMINDER_SECONDS: offerReminderSeconds } = vars.data;
  return {
    ...toStoreConfig(vars.data),
    locationHint,
    logDays,
    offerReminderSeconds,
    auth: auth.data,
    webhooks: webhooks.data,
  };
}
