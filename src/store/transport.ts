import {
  DynamoDBClient,
  type ServiceInputTypes,
  type ServiceOutputTypes,
} from '@aws-sdk/client-dynamodb';
import { HttpRequest, HttpResponse } from '@smithy/core/protocols';
import { SignatureV4 } from '@smithy/signature-v4';
import type {
  Checksum,
  DeserializeMiddleware,
  HttpHandlerOptions,
  SerializeMiddleware,
  SourceData,
} from '@smithy/types';
import type { StoreConfig } from '../config.ts';

/**
 * What the SDK does with each call and nobody here has a use for: copies for a log, statistics about
 * the caller, retries (ours have a deadline), a choice between ways to sign, a correction of the clock
 * (the platform's is right). With its own codec and hashes, half of what a call costs.
 */
const IDLE_MIDDLEWARE = [
  'loggerMiddleware',
  'getUserAgentMiddleware',
  'retryMiddleware',
  'contentLengthMiddleware',
  'hostHeaderMiddleware',
  'httpAuthSchemeMiddleware',
  'httpSigningMiddleware',
];

/** The SDK's client, with its commands, its endpoints and its signer, and a shorter way between them. */
export function openLightClient(config: StoreConfig): DynamoDBClient {
  const { region, credentials, endpoint } = config;
  const client = new DynamoDBClient({
    region,
    credentials,
    requestHandler: new Transport(config),
    ...(endpoint ? { endpoint } : {}),
  });
  const { middlewareStack } = client;
  for (const name of IDLE_MIDDLEWARE) middlewareStack.remove(name);
  const override = true;
  middlewareStack.add(write, { name: 'serializerMiddleware', step: 'serialize', override });
  middlewareStack.add(read, { name: 'deserializerMiddleware', step: 'deserialize', override });
  return client;
}

/**
 * Writes a command as DynamoDB reads it. Inputs are JSON already: no table of ours holds bytes, and
 * numbers are texts.
 */
const write: SerializeMiddleware<ServiceInputTypes, ServiceOutputTypes> =
  (next, context) => (args) => {
    const url = context.endpointV2?.url;
    if (!url) throw new Error('a request without an endpoint');
    const operation = context.commandName?.replace(/Command$/, '');
    const request = new HttpRequest({
      method: 'POST',
      protocol: url.protocol,
      hostname: url.hostname,
      ...(url.port ? { port: Number(url.port) } : {}),
      path: url.pathname,
      headers: {
        host: url.host,
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': `DynamoDB_20120810.${operation}`,
      },
      body: JSON.stringify(args.input),
    });
    return next({ ...args, request });
  };

/** Reads what DynamoDB answered; a refusal is thrown as the SDK throws it. */
const read: DeserializeMiddleware<ServiceInputTypes, ServiceOutputTypes> =
  (next) => async (args) => {
    const { response } = await next(args);
    const { statusCode, body } = response as HttpResponse;
    const $metadata = { httpStatusCode: statusCode };
    if (statusCode < 300) return { response, output: { ...body, $metadata } as ServiceOutputTypes };
    const { __type = 'Unknown', message, Message, ...details } = body as Refusal;
    throw Object.assign(new Error(message ?? Message), details, {
      name: __type.split('#').at(-1),
      $fault: statusCode < 500 ? 'client' : 'server',
      $metadata,
    });
  };

/** The body of a refusal: its kind, behind a namespace, and for a transaction a reason for each action. */
interface Refusal {
  __type?: string;
  message?: string;
  Message?: string;
  CancellationReasons?: object[];
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
    const response = new HttpResponse({ statusCode: answer.status, body: await answer.json() });
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
