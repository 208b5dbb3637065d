import { Agent, request } from 'node:http';

/** One answer, and how long it took. */
export interface Answer {
  status: number;
  body: string;
  ms: number;
}

/** Keep-alive connections to one server. */
export interface HttpClient {
  send(
    method: string,
    path: string,
    body?: string,
    headers?: Record<string, string>,
  ): Promise<Answer>;
  /** One DynamoDB call without the SDK; the embedded database checks no signatures. */
  dynamodb(operation: string, input: object): Promise<Answer>;
  close(): void;
}

const TIMEOUT_MS = 20_000;
/** A credential in the real form: the embedded database reads the region from it. */
const AUTHORIZATION =
  'AWS4-HMAC-SHA256 Credential=local/20260101/eu-central-1/dynamodb/aws4_request, ' +
  'SignedHeaders=host, Signature=0';

/** The headers of a call with a fake signature: the embedded database does not check it. */
export const dynamodbHeaders = (operation: string): Record<string, string> => ({
  'content-type': 'application/x-amz-json-1.0',
  'x-amz-target': `DynamoDB_20120810.${operation}`,
  'x-amz-date': '20260101T000000Z',
  authorization: AUTHORIZATION,
});

/** Opens a client with a maximum of connections; further requests wait for a free one. */
export function openClient(url: string, connections: number): HttpClient {
  const { hostname: host, port } = new URL(url);
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const send: HttpClient['send'] = (method, path, body = '', headers = {}) =>
    new Promise((resolve, reject) => {
      const started = performance.now();
      const all = {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        ...headers,
      };
      const outgoing = request({ agent, host, port, method, path, headers: all }, (incoming) => {
        let text = '';
        incoming.setEncoding('utf8');
        incoming.on('data', (part: string) => {
          text += part;
        });
        incoming.on('end', () => {
          const ms = performance.now() - started;
          resolve({ status: incoming.statusCode ?? 0, body: text, ms });
        });
        incoming.on('error', reject);
      });
      outgoing.setTimeout(TIMEOUT_MS, () => outgoing.destroy(new Error(`no answer: ${path}`)));
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  return {
    send,
    async dynamodb(operation, input) {
      const answer = await send('POST', '/', JSON.stringify(input), dynamodbHeaders(operation));
      if (answer.status !== 200) throw new Error(`${operation}: ${answer.status} ${answer.body}`);
      return answer;
    },
    close: () => agent.destroy(),
  };
}

/** Repeats a request until the answer is 200, since a busy or loading service answers 503. Returns the time it took. */
export async function untilOk(
  url: string,
  { method, path, body }: { method: string; path: string; body?: string },
): Promise<number> {
  const client = openClient(url, 1);
  const started = performance.now();
  try {
    for (;;) {
      const answer = await client.send(method, path, body);
      const ms = performance.now() - started;
      if (answer.status === 200) return ms;
      if (ms > TIMEOUT_MS) throw new Error(`${method} ${path}: ${answer.status} ${answer.body}`);
    }
  } finally {
    client.close();
  }
}
