import * as z from 'zod';

/** A key that a program calls with; of the key itself only the digest is kept. */
export interface ApiKey {
  name: string;
  roles: ('organiser' | 'service')[];
  /** SHA-256 of the key, in hex. */
  sha256: string;
}

/** Whose tokens are taken. */
export interface JwtSettings {
  issuer: string;
  audience: string;
  jwksUrl: URL;
  rolesClaim: string;
  clockToleranceSeconds: number;
}

/** How callers show who they are; both null: nobody has to. */
export interface AuthSettings {
  jwt: JwtSettings | null;
  keys: ApiKey[] | null;
}

/** The secret `API_KEYS`, parsed. */
export const apiKeysSchema = z
  .array(
    z.strictObject({
      name: z.string().regex(/^[a-z0-9-]{1,50}$/, { error: 'must be 1 to 50 of a-z 0-9 -' }),
      roles: z.array(z.enum(['organiser', 'service'])).min(1),
      sha256: z.string().regex(/^[0-9a-f]{64}$/, { error: 'must be 64 hex digits' }),
    }),
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
  });

const isLoopback = ({ hostname }: URL) => /^(localhost|127\.0\.0\.1|\[::1\])$/.test(hostname);

/** The key set decides who is let in: it comes encrypted, or from this machine. */
function isTrusted(url: URL | null): url is URL {
  return url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url));
}

/** The variables and secrets about callers. */
export const authSchema = z
  .object({
    ENVIRONMENT: z.enum(['development', 'dev', 'staging', 'production'], {
      error: 'must be one of development, dev, staging, production',
    }),
    AUTH_MODE: z.enum(['none', 'jwt', 'key', 'jwt,key'], {
      error: 'must be one of none, jwt, key, jwt,key',
    }),
    ALLOW_UNAUTHENTICATED: z.string().optional(),
    JWT_ISSUER: z.string().optional(),
    JWT_AUDIENCE: z.string().optional(),
    JWT_JWKS_URL: z.string().optional(),
    JWT_ROLES_CLAIM: z.string().default('roles'),
    JWT_CLOCK_TOLERANCE_SECONDS: z.string().default('30'),
    API_KEYS: z.string().optional(),
  })
  .transform((vars, context): AuthSettings => {
    const complain = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message });
    const settings: AuthSettings = { jwt: null, keys: null };
    if (vars.AUTH_MODE === 'none') {
      if (vars.ENVIRONMENT === 'production' && vars.ALLOW_UNAUTHENTICATED !== 'yes') {
        complain('AUTH_MODE', 'is none in production; say ALLOW_UNAUTHENTICATED = "yes" as well');
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
      if (!isTrusted(jwksUrl)) complain('JWT_JWKS_URL', 'must be an https URL');
      else {
        const rolesClaim = vars.JWT_ROLES_CLAIM;
        const clockToleranceSeconds = Number(tolerance);
        settings.jwt = { issuer, audience, jwksUrl, rolesClaim, clockToleranceSeconds };
      }
    }
    if (vars.AUTH_MODE.includes('key')) {
      const parsed = apiKeysSchema.safeParse(toJson(vars.API_KEYS));
      if (parsed.success) settings.keys = parsed.data;
      else {
        for (const { path, message } of parsed.error.issues) {
          complain(['API_KEYS', ...path].join('.'), message);
        }
      }
    }
    return settings;
  });

/** Undefined when it is no JSON: the schema then says what was expected. */
function toJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
