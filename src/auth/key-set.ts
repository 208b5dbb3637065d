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
} from '../limits.ts';

/** Signatures that only the holder of a private key can make. */
export const ALGORITHMS = ['RS256', 'ES256', 'EdDSA'];

/** Kinds of keys that such signatures are checked with. */
const KEY_TYPES = ['RSA', 'EC', 'OKP'];

/** What the key set needs of the world. */
export interface KeySetPorts {
  fetch(url: URL, init: RequestInit): Promise<Response>;
  now(): number;
  sleep(ms: number): Promise<void>;
  /** Lets the work go on when the request that it was begun for is cut off. */
  keepAlive(work: Promise<unknown>): void;
  /** Told why a read failed. */
  onFailure(cause: string): void;
}

/** No key set is at hand: nothing can be said of a token. */
export class KeySetMissingError extends Error {
  override readonly name = 'KeySetMissingError';
}

type FindKey = (header: JWSHeaderParameters, token: FlattenedJWSInput) => Promise<CryptoKey>;

/**
 * The public keys of a token issuer, for all requests of an isolate together.
 *
 * One request reads them for all, at most once an interval, which begins with the read and whatever becomes
 * of it. What is shared is the set and never the wait for it: the runtime cancels a request that waits for
 * another's I/O, so the others look again and again whether it is done. A token whose key is at hand waits
 * for nobody, unless it is its turn to read. The last good set serves while the issuer is down.
 */
export class KeySet {
  readonly #url: URL;
  readonly #ports: KeySetPorts;
  #find: FindKey | null = null;
  #readAt = Number.NEGATIVE_INFINITY;
  #askedAt = Number.NEGATIVE_INFINITY;
  #isAsking = false;

  constructor(url: URL, ports: KeySetPorts) {
    this.#url = url;
    this.#ports = ports;
  }

  /**
   * The key that a token names.
   *
   * @throws KeySetMissingError when there is no set
   * @throws JWKSNoMatchingKey, JWKSMultipleMatchingKeys when the set has not just one such key
   */
  async find(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> {
    if (this.#age() > JWKS_MAX_AGE_MS && this.#mayAsk()) await this.#ask();
    try {
      return await this.#findNow(header, token);
    } catch (error) {
      const isUnknown = error instanceof errors.JWKSNoMatchingKey;
      if (!isUnknown && !(error instanceof KeySetMissingError)) throw error;
    }
    // Not at hand: it may be in a set that is newer.
    if (this.#mayAsk()) await this.#ask();
    else while (this.#isUnderWay()) await this.#ports.sleep(JWKS_POLL_MS);
    return await this.#findNow(header, token);
  }

  async #findNow(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> {
    if (!this.#find || this.#age() > JWKS_STALE_MAX_MS) throw new KeySetMissingError();
    return await this.#find(header, token);
  }

  #age(): number {
    return this.#ports.now() - this.#readAt;
  }

  #mayAsk(): boolean {
    return this.#ports.now() - this.#askedAt >= JWKS_MIN_INTERVAL_MS;
  }

  /** Past its turn it was cut off. */
  #isUnderWay(): boolean {
    return this.#isAsking && this.#ports.now() - this.#askedAt < JWKS_TURN_MS;
  }

  async #ask(): Promise<void> {
    this.#askedAt = this.#ports.now();
    this.#isAsking = true;
    const work = this.#read();
    // Whoever hangs up at once would otherwise keep everybody from the set for an interval.
    this.#ports.keepAlive(work);
    await work;
  }

  /** Never fails: what went wrong is told, and the last good set stays. */
  async #read(): Promise<void> {
    try {
      const set = await fetchKeySet(this.#url, this.#ports.fetch);
      this.#find = createLocalJWKSet(set);
      this.#readAt = this.#ports.now();
    } catch (error) {
      this.#ports.onFailure(error instanceof Error ? error.message : String(error));
    } finally {
      this.#isAsking = false;
    }
  }
}

/**
 * Reads a key set.
 *
 * @throws when it can't be had in time and size, or has no key that a token could be checked with
 */
async function fetchKeySet(url: URL, fetch: KeySetPorts['fetch']): Promise<JSONWebKeySet> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), JWKS_TIMEOUT_MS);
  try {
    const response = await fetch(url, {
      headers: { Accept: 'application/jwk-set+json, application/json' },
      // The setting names the place itself. Who answers for it must not be able to send us elsewhere.
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

/** The body as text, of which no more is read than `maxBytes`. */
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

/** An answer that would shut everybody out is taken for a fault of the issuer. */
function toKeySet(text: string): JSONWebKeySet {
  let set: Partial<JSONWebKeySet> | null;
  try {
    set = JSON.parse(text);
  } catch {
    throw new Error('the key set is no JSON');
  }
  const keys: unknown = set?.keys;
  if (!Array.isArray(keys)) throw new Error('the answer is no key set');
  if (!keys.some(isUsable)) throw new Error('the key set has no key that could be used');
  return { keys };
}

function isUsable(key: JWK | null): boolean {
  const { kty = '', use = 'sig', alg } = key ?? {};
  return KEY_TYPES.includes(kty) && use === 'sig' && (!alg || ALGORITHMS.includes(alg));
}
