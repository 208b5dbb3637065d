import { errors, exportJWK, generateKeyPair, type JWK } from 'jose';
import { beforeEach, describe, expect, test } from 'vitest';
import { KeySet, KeySetMissingError } from '../../src/auth/key-set.ts';
import {
  JWKS_MAX_AGE_MS,
  JWKS_MAX_BYTES,
  JWKS_MIN_INTERVAL_MS,
  JWKS_STALE_MAX_MS,
  JWKS_TIMEOUT_MS,
  JWKS_TURN_MS,
} from '../../src/http-limits.ts';

const URL_OF_KEYS = new URL('https://issuer.test/keys');
const { publicKey } = await generateKeyPair('ES256');
const jwk: JWK = { ...(await exportJWK(publicKey)), alg: 'ES256' };
const setOf = (...kids: string[]) => ({ keys: kids.map((kid) => ({ ...jwk, kid })) });

let now = 0;
let asked = 0;
let failures: string[] = [];
let kept = 0;
/** How the issuer answers. */
let issuer: (init: RequestInit) => Promise<Response>;
let keySet: KeySet;

const answer = (body: unknown, init?: ResponseInit) => async () =>
  new Response(typeof body === 'string' ? body : JSON.stringify(body), init);

beforeEach(() => {
  now = 1_000_000;
  asked = 0;
  kept = 0;
  failures = [];
  issuer = answer(setOf('k1'));
  keySet = new KeySet(URL_OF_KEYS, {
    fetch: (url, init) => {
      expect(url).toEqual(URL_OF_KEYS);
      asked += 1;
      return issuer(init);
    },
    now: () => now,
    // Waiting advances the clock, and lets all ready work run.
    sleep: async (ms) => {
      now += ms;
      await new Promise((done) => setImmediate(done));
    },
    keepAlive: () => {
      kept += 1;
    },
    onFailure: (cause) => failures.push(cause),
  });
});

/** The result of looking for a key: `found`, or the name of the error. */
async function look(kid: string): Promise<string> {
  try {
    await keySet.find({ alg: 'ES256', kid }, { payload: '', signature: '' });
    return 'found';
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey) return 'unknown';
    if (error instanceof KeySetMissingError) return 'missing';
    throw error;
  }
}
const lookAll = (count: number, kid: (i: number) => string) =>
  Promise.all(Array.from({ length: count }, (_, i) => look(kid(i))));

/** An answer that the test sends when it wants to. */
function later(body: unknown) {
  const { promise, resolve } = Promise.withResolvers<void>();
  issuer = async () => {
    await promise;
    return Response.json(body);
  };
  return resolve;
}

describe('the key set of an issuer', () => {
  test('is read once for forty requests at once, and all find their key', async () => {
    expect(new Set(await lookAll(40, () => 'k1'))).toEqual(new Set(['found']));
    expect(asked).toBe(1);
    expect(kept).toBe(1);
  });

  test('is read once for forty unknown keys at once, and not again within the interval', async () => {
    await look('k1');
    now += JWKS_MIN_INTERVAL_MS;
    expect(new Set(await lookAll(40, (i) => `x${i}`))).toEqual(new Set(['unknown']));
    expect(asked).toBe(2);
    expect(await look('y')).toBe('unknown');
    expect(asked).toBe(2);
  });

  test('is read again when a token names a new key, and all who wait for it find it', async () => {
    await look('k1');
    now += JWKS_MIN_INTERVAL_MS;
    const arrive = later(setOf('k1', 'k2'));
    const waiting = lookAll(10, () => 'k2');
    await Promise.resolve();
    arrive();
    expect(new Set(await waiting)).toEqual(new Set(['found']));
    expect(asked).toBe(2);
  });

  test('never delays a token whose key is known', async () => {
    await look('k1');
    now += JWKS_MIN_INTERVAL_MS;
    const arrive = later(setOf('k1'));
    const stranger = look('x');
    const before = now;
    expect(await look('k1')).toBe('found');
    expect(now).toBe(before);
    // The same for an old set: one request reads it again, the others use the old one.
    arrive();
    await stranger;
    now += JWKS_MAX_AGE_MS + 1;
    const again = later(setOf('k1'));
    const reader = look('k1');
    expect(await look('k1')).toBe('found');
    expect(asked).toBe(3);
    again();
    expect(await reader).toBe('found');
  });

  test("that can't be read is asked for once an interval, from the start of the last read", async () => {
    issuer = async () => {
      now += 2_000;
      throw new TypeError('no route');
    };
    const start = now;
    expect(await look('k1')).toBe('missing');
    expect(new Set(await lookAll(40, () => 'k1'))).toEqual(new Set(['missing']));
    expect(asked).toBe(1);
    expect(failures).toEqual(['no route']);
    now = start + JWKS_MIN_INTERVAL_MS - 1;
    expect(await look('k1')).toBe('missing');
    expect(asked).toBe(1);
    now = start + JWKS_MIN_INTERVAL_MS;
    issuer = answer(setOf('k1'));
    expect(await look('k1')).toBe('found');
    expect(asked).toBe(2);
  });

  test.each([
    ['no answer', () => Promise.reject(new TypeError('down'))],
    ['an error', answer(setOf('k2'), { status: 500 })],
    ['a redirection', answer('', { status: 302, headers: { Location: 'https://evil.test' } })],
    ['no JSON', answer('<html>')],
    ['null', answer('null')],
    ['no list', answer({ keys: {} })],
    ['an empty set', answer({ keys: [] })],
    ['keys that are none', answer({ keys: [null, 'k1', {}] })],
    ['keys for encryption alone', answer({ keys: [{ ...jwk, kid: 'k1', use: 'enc' }] })],
    ['shared secrets alone', answer({ keys: [{ kty: 'oct', kid: 'k1', k: 'AAAA' }] })],
    ['a key and a broken one', answer({ keys: [{ ...jwk, kid: 'k1' }, 'k2'] })],
  ])('that is replaced by %s stays as it was, for an hour at most', async (_, fault) => {
    await look('k1');
    const readAt = now;
    issuer = fault;
    now = readAt + JWKS_MAX_AGE_MS + 1;
    expect(await look('k1')).toBe('found');
    expect(asked).toBe(2);
    expect(failures.length).toBe(1);
    now = readAt + JWKS_STALE_MAX_MS;
    expect(await look('k1')).toBe('found');
    now += 1;
    expect(await look('k1')).toBe('missing');
    now += JWKS_MIN_INTERVAL_MS;
    issuer = answer(setOf('k1'));
    expect(await look('k1')).toBe('found');
  });

  test('that is too large is not read to its end', async () => {
    const chunk = new Uint8Array(16 * 1024).fill(32);
    let sent = 0;
    let isCancelled = false;
    issuer = async () =>
      new Response(
        new ReadableStream({
          pull(controller) {
            sent += chunk.byteLength;
            controller.enqueue(chunk);
          },
          cancel() {
            isCancelled = true;
          },
        }),
      );
    expect(await look('k1')).toBe('missing');
    expect(failures).toEqual([`the key set has more than ${JWKS_MAX_BYTES} bytes`]);
    expect(isCancelled).toBe(true);
    expect(sent).toBeLessThanOrEqual(JWKS_MAX_BYTES + 2 * chunk.byteLength);
  });

  test('of exactly the largest size is read', async () => {
    issuer = answer(JSON.stringify(setOf('k1')).padEnd(JWKS_MAX_BYTES, ' '));
    expect(await look('k1')).toBe('found');
  });

  test('that does not come in time is given up', { timeout: JWKS_TIMEOUT_MS + 5_000 }, async () => {
    issuer = ({ signal }) =>
      new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
    expect(await look('k1')).toBe('missing');
    expect(failures).toEqual([`no answer within ${JWKS_TIMEOUT_MS} ms`]);
  });

  test('whose read was cut off delays others only for its turn, and can be read later', async () => {
    issuer = () => new Promise(() => {});
    void look('k1');
    const start = now;
    expect(await look('k1')).toBe('missing');
    expect(now - start).toBeGreaterThanOrEqual(JWKS_TURN_MS);
    expect(now - start).toBeLessThan(JWKS_TURN_MS + 1_000);
    issuer = answer(setOf('k1'));
    now = start + JWKS_MIN_INTERVAL_MS;
    expect(await look('k1')).toBe('found');
    expect(asked).toBe(2);
  });

  test('is asked for without following a redirection', async () => {
    let seen: RequestInit = {};
    issuer = async (init) => {
      seen = init;
      return Response.json(setOf('k1'));
    };
    await look('k1');
    expect(seen.redirect).toBe('manual');
  });
});
