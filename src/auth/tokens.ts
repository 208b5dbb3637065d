import { errors, type JWTPayload, jwtVerify } from 'jose';
import { UnavailableError } from '../errors.ts';
import { userIdSchema } from '../schemas.ts';
import { type Caller, ROLES, type Role } from './access.ts';
import { ALGORITHMS, type KeySet } from './key-set.ts';
import type { JwtSettings } from './settings.ts';

/** What jose says of a token, rather than of the key set or the network. */
const TOKEN_FAULT = /^ERR_(JWT|JWS|JWKS_NO_MATCHING|JWKS_MULTIPLE|JOSE_ALG|JOSE_NOT_SUPPORTED)/;

function rolesOf(claim: unknown): Set<Role> {
  const names = typeof claim === 'string' ? claim.split(' ') : Array.isArray(claim) ? claim : [];
  return new Set(['attendee', ...ROLES.filter((role) => names.includes(role))]);
}

/**
 * Whether a token says that it is for calling with, or does not say what it is for (RFC 8725, 3.11). Others
 * are signed by the same key: `logout+jwt`, `dpop+jwt`, `secevent+jwt`.
 */
function isForCalling(type: unknown): boolean {
  if (type === undefined) return true;
  return typeof type === 'string' && /^(application\/)?(at\+)?jwt$/i.test(type);
}

/**
 * Whether whoever has the token may call with it. One that is bound to a key (`cnf`: RFC 7800, DPoP, mutual
 * TLS) is worth nothing without a proof, which is not asked for here; one with `events` tells of something
 * (RFC 8417, log-outs) and lets nobody in, whatever type it says.
 */
function isBearer({ cnf, events }: JWTPayload): boolean {
  return cnf === undefined && events === undefined;
}

/**
 * Checks a token: RFC 7519, with the signature, issuer, audience, `exp` and `sub` required, and nothing but
 * a token that lets its bearer call.
 *
 * @returns who it is, `expired`, or null for a token that is not valid
 * @throws UnavailableError when the key set can't be had: nothing can be said of the token then
 */
export function tokenVerifier(
  settings: JwtSettings,
  keySet: Pick<KeySet, 'find'>,
): (token: string) => Promise<Caller | 'expired' | null> {
  const { issuer, audience, rolesClaim, clockToleranceSeconds } = settings;
  const findKey: KeySet['find'] = (header, token) => {
    // Before any key is looked for: such a token is worth no call of the issuer.
    if (!isForCalling(header.typ)) throw new errors.JWTInvalid('a token of another type');
    return keySet.find(header, token);
  };
  return async (token) => {
    let payload: JWTPayload;
    try {
      ({ payload } = await jwtVerify(token, findKey, {
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
    if (!isBearer(payload)) return null;
    // A subject that could be no user's id would be nobody.
    const { data: userId } = userIdSchema.safeParse(payload.sub);
    if (userId === undefined || userId !== payload.sub) return null;
    return { id: `user:${userId}`, userId, roles: rolesOf(payload[rolesClaim]) };
  };
}
