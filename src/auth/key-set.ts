import {
  type CryptoKey,
  createLocalJWKSet,
  errors,
  type FlattenedJWSInput,
  type JSONWebKeySet,
  type JWK,
  type JWSHeaderParameters,
} from 'jose';
import {
  JWKS_MAX_AGE_MS,
  JWKS_MAX_BYTES,
  JWKS_MIN_INTERVAL_MS,
  JWKS_POLL_MS,
  JWKS_STALE_MAX_MS,
  JWKS_TIMEOUT_MS,
  JWKS_TURN_MS,
} from '../http-limits.ts';

/** The accepted signature algorithms: all use a private key. */
export const ALGORITHMS = ['RS256', 'ES256', 'EdDSA'];

/** The key types of these algorithms. */
const KEY_TYPES = ['RSA', 'EC', 'OKP'];

/** What the key set needs from outside. */
export interface KeySetPorts {
  fetch(url: URL, init: RequestInit): Promise<Response>;
  now(): number;
  sleep(ms: number): Promise<void>;
  /** Lets work finish even if the request that started it is cut off. */
  keepAlive(work: Promise<unknown>): void;
  /** Called with the cause of a failed read. */
  onFailure(cause: string): void;
}

/** There is no key set, so no token can be checked. */
export class KeySetMissingError extends Error {
  override readonly name = 'KeySetMissingError';
}

type FindKey = (header: JWSHeaderParameters, token: FlattenedJWSInput) => Promise<CryptoKey>;

/**
 * The public keys of a token issuer, for all requests of an isolate.
 *
 * One request reads the set for all, at most once in `JWKS_MIN_INTERVAL_MS`, even if the read fails. Requests
 * share the set but never await the same promise: the runtime cancels a request that waits for another's I/O.
 * So the others poll until the read is done. A token whose key is known does not wait, unless its request is
 * the one that reads. While the issuer is down, the last good set serves for `JWKS_STALE_MAX_MS`.
 */
export class KeySet {
  readonly #url: URL;
  readonly #ports: KeySetPorts;
  #findKey: FindKey | null = null;
  #readAt = Number.NEGATIVE_INFINITY;
  #startedAt = Number.NEGATIVE_INFINITY;
  #isReading = false;

  constructor(url: URL, ports: KeySetPorts) {
    this.#url = url;
    this.#ports = ports;
  }

  /**
   * The key that a token names.
   *
   * @throws KeySetMissingError when there is no set
   * @throws JWKSNoMatchingKey when the set has no such key, JWKSMultipleMatchingKeys when it has several
   */
  async find(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> {
    if (this.#age() > JWKS_MAX_AGE_MS && this.#mayRead()) await this.#readForAll();
    try {
      return await this.#findNow(header, token);
    } catch (error) {
      const isUnknown = error instanceof errors.JWKSNoMatchingKey;
      if (!isUnknown && !(error instanceof KeySetMissingError)) throw error;
    }
    // The key is not known. It may be in a newer set.
    if (this.#mayRead()) await this.#readForAll();
    else while (this.#isReadPending()) await this.#ports.sleep(JWKS_POLL_MS);
    return await this.#findNow(header, token);
  }

  async #findNow(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> {
    if (!this.#findKey || this.#age() > JWKS_STALE_MAX_MS) throw new KeySetMissingError();
    return await this.#findKey(header, token);
  }

  #age(): number {
    return this.#ports.now() - this.#readAt;
  }

  #mayRead(): boolean {
    return this.#ports.now() - this.#startedAt >= JWKS_MIN_INTERVAL_MS;
  }

  /** Whether a read is under way. After `JWKS_TURN_MS` it counts as cut off. */
  #isReadPending(): boolean {
    return this.#isReading && this.#ports.now() - this.#startedAt < JWKS_TURN_MS;
  }

  async #readForAll(): Promise<void> {
    this.#startedAt = this.#ports.now();
    this.#isReading = true;
    const work = this.#read();
    // Without this, a client that hangs up would stop the read, and nobody would get the set for an interval.
    this.#ports.keepAlive(work);
    await work;
  }

  /** Reads the set. Never rejects: a failure is reported, and the last good set stays. */
  async #read(): Promise<void> {
    try {
      const set = await fetchKeySet(this.#url, this.#ports.fetch);
      this.#findKey = createLocalJWKSet(set);
      this.#readAt = this.#ports.now();
    } catch (error) {
      this.#ports.onFailure(error instanceof Error ? error.message : String(error));
    } finally {
      this.#isReading = false;
    }
  }
}

/**
 * Reads a key set.
 *
 * @throws Error when it does not come within `JWKS_TIMEOUT_MS`, is too large, or has no usable key
 */
async function fetchKeySet(url: URL, fetch: KeySetPorts['fetch']): Promise<JSONWebKeySet> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), JWKS_TIMEOUT_MS);
  try {
    const response = await fetch(url, {
      headers: { Accept: 'application/jwk-set+json, application/json' },
      // A redirect is refused: it could lead to a key set that the setting does not name.
      redirect: 'manual',
      signal: controller.signal,
    });
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new Error(`the issuer answers ${response.status}`);
    }
    return toKeySet(await readText(response, JWKS_MAX_BYTES));
  } catch (error) {
    if (controller.signal.aborted) throw new Error(`no answer within ${JWKS_TIMEOUT_MS} ms`);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Reads a body as text, at most `maxBytes` of it. */
async function readText(response: Response, maxBytes: number): Promise<string> {
  const reader = (response.body as ReadableStream<Uint8Array> | null)?.getReader();
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  while (reader) {
    const { done, value } = await reader.read();
    if (done) break;
    bytes += value.byteLength;
    if (bytes > maxBytes) {
      await reader.cancel();
      throw new Error(`the key set has more than ${maxBytes} bytes`);
    }
    text += decoder.decode(value, { stream: true });
  }
  return text + decoder.decode();
}

/** Parses a key set. A set without usable keys is an error: it would lock out everybody. */
function toKeySet(text: string): JSONWebKeySet {
  let set: Partial<JSONWebKeySet> | null;
  try {
    set = JSON.parse(text);
  } catch {
    throw new Error('the key set is not JSON');
  }
  const keys: unknown = set?.keys;
  if (!Array.isArray(keys)) throw new Error('the answer is not a key set');
  if (!keys.some(isUsableKey)) throw new Error('the key set has no usable key');
  return { keys };
}

function isUsableKey(key: JWK | null): boolean {
  const { kty = '', use = 'sig', alg } = key ?? {};
  return KEY_TYPES.includes(kty) && use === 'sig' && (!alg || ALGORITHMS.includes(alg));
}
