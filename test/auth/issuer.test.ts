import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Build, build } from '../prove/build.ts';
import { startWorkerd, type Worker } from '../prove/workerd.ts';

/** The shipped worker in workerd, each request in an I/O context of its own, and an issuer of tokens. */
const INTERVAL_MS = 1_500;
const { publicKey, privateKey } = await generateKeyPair('ES256');
const published = { ...(await exportJWK(publicKey)), alg: 'ES256', kid: 'k1' };

const directory = mkdtempSync(join(tmpdir(), 'registration-desk-'));
let built: Build;
let server: Server;
let worker: Worker;
let asked: string[] = [];
let answer: (request: IncomingMessage, response: ServerResponse) => void;

beforeAll(async () => {
  const replacements = [
    {
      file: 'http-limits.ts',
      from: 'JWKS_MIN_INTERVAL_MS = 10_000',
      to: `JWKS_MIN_INTERVAL_MS = ${INTERVAL_MS}`,
    },
  ];
  built = await build(directory, { name: 'issuer', scale: 1, replacements });
}, 60_000);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

beforeEach(async () => {
  asked = [];
  answer = (_, response) => response.end(JSON.stringify({ keys: [published] }));
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    answer(request, response);
  });
  await new Promise<void>((up) => server.listen(0, '127.0.0.1', up));
  const { port } = server.address() as AddressInfo;
  worker = await startWorkerd(built, {
    name: `worker-${port}`,
    isInterruptible: false,
    bindings: {
      ENVIRONMENT: 'development',
      AUTH_MODE: 'jwt',
      JWT_ISSUER: 'https://issuer.test',
      JWT_AUDIENCE: 'desk',
      JWT_JWKS_URL: `http://127.0.0.1:${port}/keys`,
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      // No tables: the calls of these tests end before them.
      DYNAMODB_ENDPOINT: 'http://127.0.0.1:9',
    },
  });
});
afterEach(async () => {
  await worker?.kill();
  server?.closeAllConnections();
  server?.close();
});

const token = (kid = 'k1') =>
  new SignJWT({})
    .setProtectedHeader({ alg: 'ES256', kid })
    .setIssuer('https://issuer.test')
    .setAudience('desk')
    .setSubject('me')
    .setExpirationTime('5m')
    .sign(privateKey);

/** A call that is a 400 for a caller who is let in. */
async function call(bearer: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${worker.port}/registration/events?limit=x`, {
    headers: { Authorization: `Bearer ${bearer}` },
  });
  await response.body?.cancel();
  return response.status;
}
const callAll = async (bearers: string[]) =>
  new Set(await Promise.all(bearers.map((bearer) => call(bearer))));
const times = <T>(count: number, make: (i: number) => T) =>
  Array.from({ length: count }, (_, i) => make(i));

test('forty requests at once share one read of the key set, though the one that began it hangs up', async () => {
  const arrived = Promise.withResolvers<void>();
  answer = async (_, response) => {
    arrived.resolve();
    await sleep(600);
    response.end(JSON.stringify({ keys: [published] }));
  };
  const bearer = await token();
  const first = connect(worker.port, '127.0.0.1');
  first.write(
    `GET /registration/events?limit=x HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${bearer}\r\n\r\n`,
  );
  await arrived.promise;
  const others = callAll(times(40, () => bearer));
  await sleep(100);
  // The client resets the connection. The runtime notices at once, and cancels the request with all that it awaits.
  first.resetAndDestroy();
  expect(await others).toEqual(new Set([400]));
  expect(asked).toEqual(['/keys']);
});

test("forty unknown keys at once cause one read, and known keys don't wait for it", async () => {
  const bearer = await token();
  expect(await call(bearer)).toBe(400);
  await sleep(INTERVAL_MS);
  const arrived = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  answer = async (_, response) => {
    arrived.resolve();
    await finish.promise;
    response.end(JSON.stringify({ keys: [published] }));
  };
  const strangers = callAll(await Promise.all(times(40, (i) => token(`x${i}`))));
  await arrived.promise;
  // They are answered although the issuer does not answer.
  expect(await callAll(times(10, () => bearer))).toEqual(new Set([400]));
  finish.resolve();
  expect(await strangers).toEqual(new Set([401]));
  expect(asked.length).toBe(2);
});

test('a failing issuer is asked once an interval', async () => {
  answer = (_, response) => response.writeHead(500).end();
  const bearer = await token();
  expect(await callAll(times(40, () => bearer))).toEqual(new Set([503]));
  expect(await call(bearer)).toBe(503);
  expect(asked.length).toBe(1);
  answer = (_, response) => response.end(JSON.stringify({ keys: [published] }));
  await sleep(INTERVAL_MS);
  expect(await call(bearer)).toBe(400);
  expect(asked.length).toBe(2);
});

test('a redirection of the key set is not followed', async () => {
  answer = ({ url }, response) => {
    if (url === '/keys') response.writeHead(302, { Location: '/elsewhere' }).end();
    else response.end(JSON.stringify({ keys: [published] }));
  };
  expect(await call(await token())).toBe(503);
  expect(asked).toEqual(['/keys']);
});

test('an endless key set is given up', async () => {
  let isCut = false;
  let sent = 0;
  answer = (_, response) => {
    const more = () => {
      while (!isCut && sent < 50_000_000) {
        sent += 65_536;
        if (!response.write(' '.repeat(65_536))) return void response.once('drain', more);
      }
    };
    response.on('close', () => {
      isCut = true;
    });
    more();
  };
  expect(await call(await token())).toBe(503);
  await expect.poll(() => isCut).toBe(true);
  expect(sent).toBeLessThan(16_000_000);
});
