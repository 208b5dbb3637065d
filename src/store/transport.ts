import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type HttpRequest, HttpResponse } from '@smithy/core/protocols';
import { SignatureV4 } from '@smithy/signature-v4';
import type { Checksum, HttpHandlerOptions, SourceData } from '@smithy/types';
import type { StoreConfig } from '../config.ts';

/**
 * What the SDK does with each call and nobody here has a use for: copies for a log, statistics about
 * the caller, retries (ours have a deadline), a choice between ways to sign, a correction of the clock
 * (the platform's is right). With what it hashes anew each time, half of a call's price.
 */
const IDLE_MIDDLEWARE = [
  'loggerMiddleware',
  'getUserAgentMiddleware',
  'retryMiddleware',
  'contentLengthMiddleware',
  'httpAuthSchemeMiddleware',
  'httpSigningMiddleware',
];

/** The SDK's client: it knows the protocol, and `Transport` takes its requests there. */
export function openClient(config: StoreConfig): DynamoDBClient {
  const { region, credentials, endpoint } = config;
  const client = new DynamoDBClient({
    region,
    credentials,
    requestHandler: new Transport(config),
    ...(endpoint ? { endpoint } : {}),
  });
  for (const name of IDLE_MIDDLEWARE) client.middlewareStack.remove(name);
  return client;
}

/** Signs a request, sends it, and reads the answer to its end: one that is cut off is no answer. */
class Transport {
  readonly metadata = { handlerProtocol: 'http/1.1' };
  readonly #signer: SignatureV4;

  constructor({ region, credentials }: StoreConfig) {
    const service = 'dynamodb';
    this.#signer = new SignatureV4({ service, region, credentials, sha256: Sha256 });
  }

  async handle(request: HttpRequest, { abortSignal }: HttpHandlerOptions = {}) {
    const { protocol, hostname, port, path, method } = request;
    const { headers, body } = await this.#signer.sign(request);
    const url = `${protocol}//${hostname}${port ? `:${port}` : ''}${path}`;
    const signal = abortSignal as AbortSignal | undefined;
    const answer = await fetch(url, { method, headers, body, ...(signal ? { signal } : {}) });
    const response = new HttpResponse({
      statusCode: answer.status,
      // The id for DynamoDB's support; what else there is, is in the body.
      headers: { 'x-amzn-requestid': answer.headers.get('x-amzn-requestid') ?? '' },
      body: new Uint8Array(await answer.arrayBuffer()),
    });
    return { response };
  }
}

const utf8 = new TextEncoder();
const HMAC = { name: 'HMAC', hash: 'SHA-256' };

/** Keys for signing: those of a day are the same for all requests. */
const importedBytes = new WeakMap<object, Promise<CryptoKey>>();
const importedTexts = new Map<string, Promise<CryptoKey>>();

/** Imports a key once. The texts are made of the configured secret alone, so there are only few. */
function importKey(secret: SourceData): Promise<CryptoKey> {
  const isText = typeof secret === 'string';
  let key = isText ? importedTexts.get(secret) : importedBytes.get(secret);
  if (!key) {
    key = crypto.subtle.importKey('raw', toBytes(secret), HMAC, false, ['sign']);
    if (isText) importedTexts.set(secret, key);
    else importedBytes.set(secret, key);
  }
  return key;
}

function toBytes(data: SourceData): ArrayBuffer | ArrayBufferView {
  return typeof data === 'string' ? utf8.encode(data) : data;
}

/** SHA-256 and its HMAC by the runtime, for the signer: it hashes one piece at a time. */
class Sha256 implements Checksum {
  readonly #secret: SourceData | undefined;
  #piece: SourceData = '';

  constructor(secret?: SourceData) {
    this.#secret = secret;
  }

  update(piece: Uint8Array): void {
    this.#piece = piece;
  }

  reset(): void {
    this.#piece = '';
  }

  async digest(): Promise<Uint8Array> {
    const data = toBytes(this.#piece);
    const hash =
      this.#secret === undefined
        ? crypto.subtle.digest('SHA-256', data)
        : crypto.subtle.sign('HMAC', await importKey(this.#secret), data);
    return new Uint8Array(await hash);
  }
}
