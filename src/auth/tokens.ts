import { errors, type JWTPayload, jwtVerify } from 'jose';
import { UnavailableError } from '../errors.ts';
import { ID_MAX_CHARS } from '../limits.ts';
import { givenId } from '../text.ts';
import { type Caller, ROLES, type Role } from './access.ts';
import { ALGORITHMS, type KeySet } from './key-set.ts';
import type { JwtSettings } from './settings.ts';

/** The subject of a token is a user id. */
const SUBJECT = givenId(ID_MAX_CHARS);

/** Codes of jose's errors that are about the token, not about the key set or the network. */
const TOKEN_FAULT = /^ERR_(JWT|JWS|JWKS_NO_MATCHING|JWKS_MULTIPLE|JOSE_ALG|JOSE_NOT_SUPPORTED)/;

/** The roles in a claim, a list or a text with blanks. Everybody is an attendee. */
function rolesOf(claim: unknown): Set<Role> {
  const names = typeof claim === 'string' ? claim.split(' ') : Array.isArray(claim) ? claim : [];
  return new Set(['attendee', ...ROLES.filter((role) => names.includes(role))]);
}

/**
 * Whether a token's type is that of an access token, or missing (RFC 8725, 3.11). Issuers sign other tokens
 * with the same key: `logout+jwt`, `dpop+jwt`, `secevent+jwt`.
 */
function isForCalling(type: unknown): boolean {
  if (type === undefined) return true;
  return typeof type === 'string' && /^(application\/)?(at\+)?jwt$/i.test(type);
}

/**
 * Whether possession of the token is enough to call. It is not for a token with `cnf`, which is bound to a key
 * (RFC 7800, DPoP, mutual TLS): proofs of a key are not supported. Nor for a token with `events`, which reports
 * something (RFC 8417, log-outs), whatever its type.
 */
function isBearer({ cnf, events }: JWTPayload): boolean {
  return cnf === undefined && events === undefined;
}

/**
 * Makes a function that checks a token by RFC 7519. Signature, issuer, audience, `exp` and `sub` are required,
 * and it must be a bearer token for calls.
 *
 * @returns the caller, `expired`, or null for a token that is not valid
 * @throws UnavailableError when there is no key set to check the token with
 */
export function tokenVerifier(
  settings: JwtSettings,
  keySet: Pick<KeySet, 'find'>,
): (token: string) => Promise<Caller | 'expired' | null> {
  const { issuer, audience, rolesClaim, clockToleranceSeconds } = settings;
  const findKey: KeySet['find'] = (header, token) => {
    // Checked before the key is looked for, so that such a token never causes a call to the issuer.
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
    // A subject must be a valid user id as it is, without trimming.
    const { data: userId } = SUBJECT.safeParse(payload.sub);
    if (userId === undefined || userId !== payload.sub) return null;
    const roles = rolesOf(payload[rolesClaim]);
    const endsAt = (Number(payload.exp) + clockToleranceSeconds) * 1_000;
    return { id: `user:${userId}`, userId, roles, endsAt };
  };
}
