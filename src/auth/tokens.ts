import { createRemoteJWKSet, type JWTPayload, jwtVerify } from 'jose';
import { UnavailableError } from '../errors.ts';
import { JWKS_MAX_AGE_MS, JWKS_MIN_INTERVAL_MS, JWKS_TIMEOUT_MS } from '../limits.ts';
import { userIdSchema } from '../schemas.ts';
import { type Caller, ROLES, type Role } from './access.ts';
import type { JwtSettings } from './settings.ts';

/** Signatures that only the holder of a private key can make. */
const ALGORITHMS = ['RS256', 'ES256', 'EdDSA'];

/** What jose says of a token, rather than of the key set or the network. */
const TOKEN_FAULT = /^ERR_(JWT|JWS|JWKS_NO_MATCHING|JWKS_MULTIPLE|JOSE_ALG|JOSE_NOT_SUPPORTED)/;

function rolesOf(claim: unknown): Set<Role> {
  const names = typeof claim === 'string' ? claim.split(' ') : Array.isArray(claim) ? claim : [];
  return new Set(['attendee', ...ROLES.filter((role) => names.includes(role))]);
}

/**
 * Checks a token: RFC 7519, with the signature, issuer, audience, `exp` and `sub` required. The key set
 * is kept, and read again when a token names a key that it does not have.
 *
 * @returns who it is, `expired`, or null for a token that is not valid
 * @throws UnavailableError when the key set can't be had: nothing can be said of the token then
 */
export function tokenVerifier(
  settings: JwtSettings,
): (token: string) => Promise<Caller | 'expired' | null> {
  const { issuer, audience, jwksUrl, rolesClaim, clockToleranceSeconds } = settings;
  const keySet = createRemoteJWKSet(jwksUrl, {
    timeoutDuration: JWKS_TIMEOUT_MS,
    cooldownDuration: JWKS_MIN_INTERVAL_MS,
    cacheMaxAge: JWKS_MAX_AGE_MS,
  });
  return async (token) => {
    let payload: JWTPayload;
    try {
      ({ payload } = await jwtVerify(token, keySet, {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        clockTolerance: clockToleranceSeconds,
        requiredClaims: ['exp', 'sub'],
      }));
    } catch (error) {
      const { code = '' } = error as { code?: string };
      if (code === 'ERR_JWT_EXPIRED') return 'expired';
      if (TOKEN_FAULT.test(code)) return null;
      throw new UnavailableError('Tokens cannot be checked: the key set of the issuer is missing.');
    }
    // A subject that could be no user's id would be nobody.
    const { data: userId } = userIdSchema.safeParse(payload.sub);
    if (userId === undefined || userId !== payload.sub) return null;
    return { id: `user:${userId}`, userId, roles: rolesOf(payload[rolesClaim]) };
  };
}
