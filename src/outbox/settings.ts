import * as z from 'zod';
import { isMessageType } from '../event/messages.ts';
import {
  WEBHOOK_MAX_SECRETS,
  WEBHOOK_MAX_TYPES,
  WEBHOOK_SECRET_MAX_BYTES,
  WEBHOOK_SECRET_MIN_BYTES,
  WEBHOOK_URL_MAX_CHARS,
  WEBHOOKS_MAX_ENDPOINTS,
} from '../limits.ts';
import { isLoopback } from '../loopback.ts';
import { readSecret } from '../secrets.ts';
import { isPublicHost } from './hosts.ts';

/** Somebody who is told of changes. */
export interface Endpoint {
  name: string;
  url: string;
  /** `whsec_` and the base64 of the secret's bytes. Each message is signed with every one. */
  secrets: string[];
  /** The types of messages that are sent, such as `offer.*`; null for all. */
  types: string[] | null;
  /** Present where messages about somebody's place carry a link with which its holder acts as them. */
  hasLinks?: true;
}

/** The bytes of a secret; null when it is none. */
export function secretBytes(secret: string): Uint8Array<ArrayBuffer> | null {
  const base64 = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret)?.[1];
  if (base64 === undefined || base64.length % 4 !== 0) return null;
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

function isSecret(text: string): boolean {
  const { length = 0 } = secretBytes(text) ?? {};
  return length >= WEBHOOK_SECRET_MIN_BYTES && length <= WEBHOOK_SECRET_MAX_BYTES;
}

/** What is wrong with the URL of an endpoint, as a sentence that follows its name; null when nothing is. */
function urlFault(text: string, isDevelopment: boolean): string | null {
  const url = URL.parse(text);
  if (!url || text.length > WEBHOOK_URL_MAX_CHARS) {
    return `must be a URL of at most ${WEBHOOK_URL_MAX_CHARS} characters`;
  }
  if (url.username !== '' || url.password !== '') return 'must have no user and no password';
  if (text.includes('#')) return 'must have no fragment';
  const isHttpHere = url.protocol === 'http:' && isLoopback(url.hostname) && isDevelopment;
  if (url.protocol !== 'https:' && !isHttpHere) {
    return 'must be https; http is for this machine (localhost, 127.0.0.1), in development';
  }
  if (!isDevelopment && !isPublicHost(url.hostname)) {
    return 'must be a host of the public internet, which this is not';
  }
  return null;
}

const SECRET_ERROR = `must be whsec_ and the base64 of ${WEBHOOK_SECRET_MIN_BYTES} to ${WEBHOOK_SECRET_MAX_BYTES} bytes`;
const NAME_ERROR = 'must be 1 to 50 of a-z 0-9 - _';
const SECRETS_ERROR = `must be a list of 1 to ${WEBHOOK_MAX_SECRETS} secrets`;
const TYPES_ERROR = `must be a list of 1 to ${WEBHOOK_MAX_TYPES} types`;
const LIST_ERROR = `must be a list of 1 to ${WEBHOOKS_MAX_ENDPOINTS} endpoints`;

const endpointSchema = (isDevelopment: boolean) =>
  z.strictObject(
    {
      name: z.string({ error: NAME_ERROR }).regex(/^[a-z0-9_-]{1,50}$/, { error: NAME_ERROR }),
      url: z.string({ error: 'must be a URL' }).superRefine((text, context) => {
        const message = urlFault(text, isDevelopment);
        if (message) context.addIssue({ code: 'custom', message });
      }),
      secrets: z
        .array(z.string({ error: SECRET_ERROR }).refine(isSecret, { error: SECRET_ERROR }), {
          error: SECRETS_ERROR,
        })
        .min(1, { error: SECRETS_ERROR })
        .max(WEBHOOK_MAX_SECRETS, { error: SECRETS_ERROR }),
      types: z
        .array(
          z
            .string({ error: 'must be a text' })
            .refine(isMessageType, { error: 'is no type of message, nor PREFIX.*' }),
          { error: TYPES_ERROR },
        )
        .min(1, { error: TYPES_ERROR })
        .max(WEBHOOK_MAX_TYPES, { error: TYPES_ERROR })
        .nullable()
        .default(null),
    },
    { error: 'must be an endpoint: {"name": …, "url": …, "secrets": […]}' },
  );

const endpointsSchema = (isDevelopment: boolean): z.ZodType<Endpoint[]> =>
  z
    .array(endpointSchema(isDevelopment), {
      error: ({ input }) => (input === undefined ? 'is no JSON' : LIST_ERROR),
    })
    .min(1, { error: `${LIST_ERROR}; leave it out to have none` })
    .max(WEBHOOKS_MAX_ENDPOINTS, { error: LIST_ERROR })
    .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, {
      error: 'names an endpoint twice',
    });

/** What is wrong with the names of the endpoints that get links, and with what links need. */
function linkFaults(
  names: readonly string[],
  endpoints: readonly Endpoint[],
  {
    AUTH_MODE = '',
    PUBLIC_URL = '',
  }: { AUTH_MODE?: string | undefined; PUBLIC_URL?: string | undefined },
): string[] {
  const faults: string[] = [];
  if (names.some((each) => !endpoints.some(({ name }) => name === each))) {
    faults.push('must be names of endpoints in WEBHOOKS, separated by commas');
  }
  const hasLinks = AUTH_MODE.split(',').some((mode) => mode.trim() === 'link');
  if (!hasLinks) faults.push('needs links: AUTH_MODE does not have link');
  if (!PUBLIC_URL) faults.push('needs PUBLIC_URL, the origin that links lead to');
  return faults;
}

/** The secret about endpoints, and the variables that it depends on. */
export const webhooksSchema = z
  .object({
    ENVIRONMENT: z.string().optional(),
    LOG_DAYS: z.string().optional(),
    WEBHOOKS: z.string().optional(),
    LINK_IN_WEBHOOKS: z.string().optional(),
    AUTH_MODE: z.string().optional(),
    PUBLIC_URL: z.string().optional(),
  })
  .transform((vars, context): Endpoint[] => {
    const { ENVIRONMENT, LOG_DAYS = '', WEBHOOKS, LINK_IN_WEBHOOKS } = vars;
    const complain = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message });
    let endpoints: Endpoint[] = [];
    if (WEBHOOKS) {
      // Messages are made of the log's entries.
      if (/^0+$/.test(LOG_DAYS)) complain('WEBHOOKS', 'needs a log, and LOG_DAYS is 0');
      const schema = endpointsSchema(ENVIRONMENT === 'development');
      const { data, faults } = readSecret('WEBHOOKS', schema, WEBHOOKS);
      for (const { path, message } of faults ?? []) complain(path, message);
      if (!data) return [];
      endpoints = data;
    }
    if (!LINK_IN_WEBHOOKS) return endpoints;
    const linked = LINK_IN_WEBHOOKS.split(',').map((each) => each.trim());
    for (const fault of linkFaults(linked, endpoints, vars)) complain('LINK_IN_WEBHOOKS', fault);
    return endpoints.map((each) =>
      linked.includes(each.name) ? { ...each, hasLinks: true } : each,
    );
  });
