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
 * Middleware of the SDK that is removed because nothing here uses it: copies for a log, statistics about
 * the caller, retries (ours have a deadline), a choice of signing methods, a correction of the clock (the
 * platform's is right). Together with the SDK's codec and hashes it takes half of the CPU time of a call.
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

/** The SDK's client with its commands, endpoints and signer, but with a codec and a transport of ours. */
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
  middlewareStack.add(serialize, { name: 'serializerMiddleware', step: 'serialize', override });
  middlewareStack.add(deserialize, {
    name: 'deserializerMiddleware',
    step: 'deserialize',
    override,
  });
  return client;
}

/**
 * Serializes a command. Its input is plain JSON already: our tables hold no binary values, and numbers are
 * written as texts.
 */
const serialize: SerializeMiddleware<ServiceInputTypes, ServiceOutputTypes> =
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

/** Deserializes an answer. An error is thrown in the form that the SDK throws. */
const deserialize: DeserializeMiddleware<ServiceInputTypes, ServiceOutputTypes> =
  (next) => async (args) => {
    const { response } = await next(args);
    const { statusCode, body } = response as HttpResponse;
    const $metadata = { httpStatusCode: statusCode };
    if (statusCode < 300) return { response, output: { ...body, $metadata } as ServiceOutputTypes };
    const { __type = 'Unknown', message, Message, ...details } = body as ErrorBody;
    throw Object.assign(new Error(message ?? Message), details, {
      name: __type.split('#').at(-1),
      $fault: statusCode < 500 ? 'client' : 'server',
      $metadata,
    });
  };

/** The body of an error: its class, behind a namespace, and for a transaction a reason for each action. */
interface ErrorBody {
  __type?: string;
  message?: string;
  Message?: string;
  CancellationReasons?: object[];
}

/** Signs a request, sends it, and reads the whole answer. An answer that is cut off is an error. */
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

/** Imported signing keys. All requests of a day use the same ones. */
const importedBytes = new WeakMap<object, Promise<CryptoKey>>();
const importedTexts = new Map<string, Promise<CryptoKey>>();

/** Imports a key once. Texts come from the configured secret only, so the map stays small. */
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

/** SHA-256 and HMAC of the runtime, for the signer. The signer calls `update` once for each hash. */
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
