import type { Context } from 'hono';
import { hexDigestOf } from '../digest.ts';
import { KeyInFlightError, KeyReusedError, ValidationError } from '../errors.ts';
import type { IdempotencyKey } from '../event/idempotency.ts';
import { IDEMPOTENCY_KEY_MAX_CHARS } from '../http-limits.ts';

const HEADER = 'Idempotency-Key';
const FORM = new RegExp(`^[\\x21-\\x7e]{1,${IDEMPOTENCY_KEY_MAX_CHARS}}$`);

/** SHA-256 of a value's JSON, in hex. */
export function hashOf(value: unknown): Promise<string> {
  return hexDigestOf(JSON.stringify(value));
}

/**
 * The `Idempotency-Key` that the client sent, if any.
 *
 * @throws ValidationError for a malformed key
 */
export function readKey(c: Context): string | undefined {
  const key = c.req.header(HEADER);
  if (key === undefined) return undefined;
  if (!FORM.test(key)) {
    const message = `must be 1 to ${IDEMPOTENCY_KEY_MAX_CHARS} visible ASCII characters`;
    throw new ValidationError([{ path: HEADER, message }]);
  }
  return key;
}

/** Adds the caller to a scope, so that equal keys of different callers are different keys. */
export function ofCaller(c: Context, names: readonly string[]): readonly string[] {
  const { caller } = c.var;
  return caller ? [...names, caller.id] : names;
}

/**
 * The idempotency key of a request; undefined without the header.
 *
 * @param scope what the request is about: an event or a user. Equal keys in different scopes are different keys
 * @param request the parsed request: two spellings of the same input are the same request
 */
export async function idempotencyKeyOf(
  c: Context,
  scope: readonly string[],
  request: unknown,
): Promise<IdempotencyKey | undefined> {
  const key = readKey(c);
  if (key === undefined) return undefined;
  const [id, fingerprint] = await Promise.all([
    hashOf(ofCaller(c, [...scope, key])),
    hashOf([c.req.method, request]),
  ]);
  return { id: `key#${id}`, fingerprint };
}

/** Sets `Idempotency-Replayed` if a reply repeats the first outcome. */
export function markReplay(c: Context, reply: object): void {
  if ('isReplay' in reply) c.header('Idempotency-Replayed', 'true');
}

/** The error for a key that was refused. */
export function toKeyError(reason: 'reused' | 'in-flight'): KeyReusedError | KeyInFlightError {
  return reason === 'reused'
    ? new KeyReusedError(`The ${HEADER} was used before, for another request.`)
    : new KeyInFlightError(`The first request with this ${HEADER} is still at work.`);
}
