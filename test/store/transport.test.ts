import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { Sha256 } from '@smithy/core/checksum';
import { SignatureV4 } from '@smithy/signature-v4';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { StoreConfig } from '../../src/config.ts';
import { verdictOf } from '../../src/store/client.ts';
import { openLightClient } from '../../src/store/transport.ts';

const REGION = 'eu-central-1';
const credentials = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
};
const tables = { users: 'u', events: 'e', registrations: 'r', waitlist: 'w' };
const open = (config: Partial<StoreConfig> = {}) =>
  openLightClient({ region: REGION, endpoint: undefined, credentials, tables, ...config });
const getUser = () =>
  new GetItemCommand({ TableName: 'users-table', Key: { userId: { S: 'Zoë 🎟' } } });

/** Answers instead of the network, and shows what was sent. */
function answering(answer: (request: Request) => Response | Promise<Response>) {
  const sent: Request[] = [];
  vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
    const request = new Request(url, init);
    sent.push(request.clone());
    return Promise.resolve(answer(request));
  });
  return sent;
}

afterEach(() => {
  vi.unstubAllGlobals();
});

/** The same request, signed by the SDK's signer with the SDK's own hash. */
async function signedAnew(request: Request, credentials: StoreConfig['credentials']) {
  const { hostname, pathname } = new URL(request.url);
  const headers = Object.fromEntries(request.headers);
  const { authorization, ...unsigned } = headers;
  const names = /SignedHeaders=([^,]+)/.exec(authorization ?? '')?.[1]?.split(';') ?? [];
  const signable = Object.entries({ ...unsigned, host: hostname });
  const signed = await new SignatureV4({
    service: 'dynamodb',
    region: REGION,
    credentials,
    sha256: Sha256,
  }).sign(
    {
      method: request.method,
      protocol: 'https:',
      hostname,
      path: pathname,
      headers: Object.fromEntries(signable.filter(([name]) => names.includes(name))),
      body: await request.text(),
    },
    {
      signingDate: new Date(
        (unsigned['x-amz-date'] ?? '').replace(
          /^(....)(..)(..)T(..)(..)(..)Z$/,
          '$1-$2-$3T$4:$5:$6Z',
        ),
      ),
    },
  );
  return { ours: authorization, theirs: signed.headers.authorization };
}

describe('the way to DynamoDB', () => {
  test.for([credentials, { ...credentials, sessionToken: 'a/session+token==' }])(
    'a request is signed as the SDK signs it (%#)',
    async (given) => {
      const sent = answering(() => new Response('{}'));
      const client = open({ credentials: given });
      // Twice, since the second time the keys are imported already.
      for (const _ of [1, 2]) await client.send(getUser());
      expect(sent).toHaveLength(2);
      for (const request of sent) {
        const { ours, theirs } = await signedAnew(request, given);
        expect(ours).toBe(theirs);
        expect(request.headers.get('x-amz-security-token')).toBe(
          'sessionToken' in given ? given.sessionToken : null,
        );
      }
    },
  );

  test('it is sent to the endpoint of the region, or to the configured one', async () => {
    const sent = answering(() => new Response('{}'));
    await open().send(getUser());
    await open({ endpoint: 'http://127.0.0.1:8000' }).send(getUser());
    expect(sent.map(({ url }) => url)).toEqual([
      'https://dynamodb.eu-central-1.amazonaws.com/',
      'http://127.0.0.1:8000/',
    ]);
    expect(sent[0]?.headers.get('x-amz-target')).toBe('DynamoDB_20120810.GetItem');
  });

  test('an item comes back as it was sent', async () => {
    answering(() => Response.json({ Item: { name: { S: 'Zoë 🎟' }, seats: { N: '2' } } }));
    const { Item } = await open().send(getUser());
    expect(Item).toEqual({ name: { S: 'Zoë 🎟' }, seats: { N: '2' } });
  });

  test('an error has its name, its fault and its status', async () => {
    const refusal = { __type: 'com.amazonaws.dynamodb.v20120810#ThrottlingException' };
    answering(() => Response.json(refusal, { status: 400 }));
    const error = await open()
      .send(getUser())
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      name: 'ThrottlingException',
      $fault: 'client',
      $metadata: { httpStatusCode: 400 },
    });
  });

  test('an answer that is cut off is an error, whatever its status', async () => {
    answering(() => {
      const body = new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode('{"__type":"Validation'));
          controller.error(new Error('connection reset'));
        },
      });
      return new Response(body, { status: 400 });
    });
    const error = await open()
      .send(getUser())
      .catch((thrown: unknown) => thrown);
    expect(verdictOf(error)).toBe('uncertain');
  });

  test('an error page of a proxy is an error', async () => {
    answering(() => new Response('<html>Bad gateway</html>', { status: 502 }));
    const error = await open()
      .send(getUser())
      .catch((thrown: unknown) => thrown);
    expect(verdictOf(error)).toBe('uncertain');
  });

  test('an aborted call ends at once', async () => {
    answering(
      ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason));
        }),
    );
    const abort = new AbortController();
    const call = open().send(getUser(), { abortSignal: abort.signal });
    setTimeout(() => abort.abort(), 20);
    await expect(call).rejects.toMatchObject({ name: 'AbortError' });
  });

  test('one attempt for each call, and no middleware of the SDK but the protocol', async () => {
    const sent = answering(() => new Response('{}', { status: 500 }));
    const client = open();
    await expect(client.send(getUser())).rejects.toThrow();
    expect(sent).toHaveLength(1);
    expect(client.middlewareStack.identify().map((each) => each.split(' ')[0])).toEqual([
      'serializerMiddleware',
      'deserializerMiddleware',
    ]);
  });
});
