import { Agent, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';

/** A value in DynamoDB's format; the campaign needs texts and numbers only. */
export interface Attribute {
  S?: string;
  N?: string;
}

/** An item in DynamoDB's format. */
export type Item = Record<string, Attribute>;

/** The parts of a TransactWriteItems action that the campaign needs. */
export interface Action {
  Put?: { TableName: string; Item: Item };
  Delete?: { TableName: string; Key: Item };
  Update?: {
    TableName: string;
    Key: Item;
    ExpressionAttributeNames?: Record<string, string>;
    ExpressionAttributeValues?: Item;
  };
}

export interface TransactWrite {
  TransactItems: Action[];
  ClientRequestToken?: string;
}

export interface Query {
  TableName: string;
  IndexName?: string;
  ExpressionAttributeValues?: Item;
  ExclusiveStartKey?: Item;
  Limit?: number;
}

export interface QueryPage {
  Items?: Item[];
  LastEvaluatedKey?: Item;
}

/** An answer of DynamoDB, or one that the proxy makes up. */
export interface Answer {
  status: number;
  body: Buffer;
}

/** The call did not reach the database, so it was certainly not carried out. */
export class NotSentError extends Error {}

const answerOf = (status: number, content: unknown): Answer => ({
  status,
  body: Buffer.from(JSON.stringify(content)),
});

export const success = (content: unknown) => answerOf(200, content);

export const failure = (status: number, name: string, rest: Record<string, unknown> = {}) =>
  answerOf(status, {
    __type: `com.amazonaws.dynamodb.v20120810#${name}`,
    message: `made up: ${name}`,
    ...rest,
  });

/** The answer for a transaction that was cancelled because of one of its actions. */
export function cancelled(actions: number, code: string): Answer {
  const reasons = Array.from({ length: actions }, (_, i) =>
    i === 0 ? { Code: code, Message: `made up: ${code}` } : { Code: 'None' },
  );
  const told = reasons.map(({ Code }) => Code).join(', ');
  return failure(400, 'TransactionCanceledException', {
    message: `Transaction cancelled, please refer cancellation reasons for specific reasons [${told}]`,
    CancellationReasons: reasons,
  });
}

export async function readBody(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** How long the database may take: it is on this machine. */
const UPSTREAM_TIMEOUT_MS = 10_000;

/** Calls the database behind the proxy. */
export class Upstream {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  /** @throws NotSentError when the database does not listen; after any other error the result is unknown */
  send(operation: string, headers: IncomingHttpHeaders, body: Buffer): Promise<Answer> {
    const kept = Object.fromEntries(
      Object.entries(headers).filter(([name]) => !['host', 'connection'].includes(name)),
    );
    return new Promise((resolve, reject) => {
      const call = request(
        {
          host: '127.0.0.1',
          port: this.#port,
          method: 'POST',
          agent: this.#agent,
          timeout: UPSTREAM_TIMEOUT_MS,
          headers: {
            ...kept,
            'content-length': body.length,
            'x-amz-target': `DynamoDB_20120810.${operation}`,
          },
        },
        (response) => {
          readBody(response).then(
            (answer) => resolve({ status: response.statusCode ?? 0, body: answer }),
            reject,
          );
        },
      );
      call.on('timeout', () => call.destroy(new Error('the database does not answer')));
      call.on('error', (error) => {
        const isRefused = 'code' in error && error.code === 'ECONNREFUSED';
        reject(isRefused ? new NotSentError(error.message) : error);
      });
      call.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
