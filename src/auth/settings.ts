import * as z from 'zod';
import { LINK_MAX_SECRETS, LINK_SECRET_MIN_BYTES } from '../http-limits.ts';
import { isLoopback, isPrivate } from '../loopback.ts';
import { readSecret } from '../secrets.ts';

/** An API key, with which a program calls. Only the digest of the key itself is kept. */
export interface ApiKey {
  name: string;
  roles: ('organiser' | 'service')[];
  /** SHA-256 of the key, in hex. */
  sha256: string;
}

/** The issuer whose tokens are accepted, and how they are checked. */
export interface JwtSettings {
  issuer: string;
  audience: string;
  jwksUrl: URL;
  rolesClaim: string;
  clockToleranceSeconds: number;
}

/** How callers are authenticated; nothing of it: authentication is off. */
export interface AuthSettings {
  jwt: JwtSettings | null;
  keys: ApiKey[] | null;
  /** The secrets that links are signed with; absent: there are no links. */
  linkSecrets?: readonly string[];
  /** The origin that links lead to; absent: that of the call that asks for one. */
  publicUrl?: string;
}

const textLike = (pattern: RegExp, error: string) => z.string({ error }).regex(pattern, { error });

/** The secret `API_KEYS`, parsed. */
export const apiKeysSchema = z
  .array(
    z.strictObject(
      {
        name: textLike(/^[a-z0-9-]{1,50}$/, 'must be 1 to 50 of a-z 0-9 -'),
        roles: z
          .array(z.enum(['organiser', 'service'], { error: 'must be organiser or service' }), {
            error: 'must be a list of organiser, service',
          })
          .min(1, { error: 'has no role' }),
        sha256: textLike(/^[0-9a-f]{64}$/, 'must be 64 hex digits'),
      },
      { error: 'must be an entry: {"name": …, "roles": […], "sha256": …}' },
    ),
    {
      error: ({ input }) =>
        input === undefined
          ? 'is missing, or is no JSON; `npm run key` makes an entry of it'
          : 'must be a list: [ENTRY, …]',
    },
  )
  .min(1, { error: 'has no key' })
  .refine((keys) => new Set(keys.map(({ name }) => name)).size === keys.length, {
    error: 'names a key twice',
  })
  // One key under two names: its caller would have the name of the last one.
  .refine((keys) => new Set(keys.map(({ sha256 }) => sha256)).size === keys.length, {
    error: 'has one sha256 twice',
  });

const MODES = ['jwt', 'key', 'link'];
const PUBLIC_URL_FAULT =
  'must be an https origin such as https://desk.example, without a path; http is for this machine, outside production';
const AUTH_MODE_FAULT = 'must be one of jwt, key, link, or a list of them with commas; or none';

/** What is wrong with the secrets of links; null for nothing. */
function linkSecretFault(secrets: readonly string[]): string | null {
  const byteLength = (text: string) => new TextEncoder().encode(text).length;
  if (secrets.some((each) => byteLength(each) < LINK_SECRET_MIN_BYTES)) {
    return `must have at least ${LINK_SECRET_MIN_BYTES} bytes; \`openssl rand -base64 32\` makes one`;
  }
  if (secrets.length > LINK_MAX_SECRETS || new Set(secrets).size < secrets.length) {
    return `must be one secret, or ${LINK_MAX_SECRETS} different ones with a comma`;
  }
  return null;
}

/** Whether a text is an origin to which links may lead: who reads a link on the way could use it. */
function isPublicUrl(text: string, environment: string): boolean {
  const url = URL.parse(text);
  if (url?.origin !== text || !isPrivate(url)) return false;
  return url.protocol === 'https:' || environment !== 'production';
}

/** The variables and secrets about authentication. */
export const authSchema = z
  .object({
    ENVIRONMENT: z.enum(['development', 'dev', 'staging', 'production'], {
      error: 'must be one of development, dev, staging, production',
    }),
    AUTH_MODE: z
      .string({ error: AUTH_MODE_FAULT })
      .transform((text) => text.split(',').map((each) => each.trim()))
      .refine(
        (modes) =>
          new Set(modes).size === modes.length &&
          (modes.join() === 'none' || modes.every((each) => MODES.includes(each))),
        { error: AUTH_MODE_FAULT },
      ),
    ALLOW_UNAUTHENTICATED: z.string().optional(),
    JWT_ISSUER: z.string().optional(),
    JWT_AUDIENCE: z.string().optional(),
    JWT_JWKS_URL: z.string().optional(),
    JWT_ROLES_CLAIM: z.string().default('roles'),
    JWT_CLOCK_TOLERANCE_SECONDS: z.string().default('30'),
    API_KEYS: z.string().optional(),
    LINK_SECRET: z.string().optional(),
    PUBLIC_URL: z.string().optional(),
  })
  .transform((vars, context): AuthSettings => {
    const complain = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message });
    const settings: AuthSettings = { jwt: null, keys: null };
    if (vars.PUBLIC_URL) {
      settings.publicUrl = vars.PUBLIC_URL;
      if (!isPublicUrl(vars.PUBLIC_URL, vars.ENVIRONMENT)) complain('PUBLIC_URL', PUBLIC_URL_FAULT);
    }
    if (vars.AUTH_MODE.includes('none')) {
      if (vars.ENVIRONMENT !== 'development' && vars.ALLOW_UNAUTHENTICATED !== 'yes') {
        const advice = 'say ALLOW_UNAUTHENTICATED = "yes" as well if that is meant';
        complain('AUTH_MODE', `is none outside development; ${advice}`);
      }
      return settings;
    }
    if (vars.AUTH_MODE.includes('jwt')) {
      const { JWT_ISSUER: issuer = '', JWT_AUDIENCE: audience = '' } = vars;
      if (!issuer) complain('JWT_ISSUER', 'is missing');
      if (!audience) complain('JWT_AUDIENCE', 'is missing');
      const jwksUrl = URL.parse(vars.JWT_JWKS_URL ?? '');
      const tolerance = vars.JWT_CLOCK_TOLERANCE_SECONDS;
      if (!/^\d{1,3}$/.test(tolerance) || Number(tolerance) > 300) {
        complain('JWT_CLOCK_TOLERANCE_SECONDS', 'must be an integer from 0 to 300');
      }
      // The key set decides who is let in, so it must come encrypted, or from this machine.
      if (!jwksUrl || !isPrivate(jwksUrl)) complain('JWT_JWKS_URL', 'must be an https URL');
      else {
        const rolesClaim = vars.JWT_ROLES_CLAIM;
        const clockToleranceSeconds = Number(tolerance);
        settings.jwt = { issuer, audience, jwksUrl, rolesClaim, clockToleranceSeconds };
      }
    }
    if (vars.AUTH_MODE.includes('key')) {
      const { data, faults } = readSecret('API_KEYS', apiKeysSchema, vars.API_KEYS);
      settings.keys = data;
      for (const { path, message } of faults ?? []) complain(path, message);
    }
    if (vars.AUTH_MODE.includes('link')) {
      settings.linkSecrets = (vars.LINK_SECRET ?? '').split(',').map((each) => each.trim());
      const fault = linkSecretFault(settings.linkSecrets);
      if (fault) complain('LINK_SECRET', fault);
      if (vars.AUTH_MODE.length === 1) {
        complain('AUTH_MODE', 'is link alone; with key or jwt beside it somebody can make links');
      }
    }
    return settings;
  });

/**
 * Whether a request for this URL is answered. In `development`, where authentication is usually off, only
 * loopback names are. Otherwise a foreign page whose name resolves to this machine (DNS rebinding) could read
 * and change everything.
 */
export function answersTo(
  url: string,
  vars: { ENVIRONMENT: string; ALLOW_UNAUTHENTICATED?: string },
): boolean {
  const isLocal = vars.ENVIRONMENT === 'development' && vars.ALLOW_UNAUTHENTICATED !== 'yes';
  return !isLocal || isLoopback(new URL(url).hostname);
}
