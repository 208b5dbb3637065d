import { Agent, createServer, request as send } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';
import { indexWrites, writeUnits } from './write-units.ts';

/** The calls since the last query. */
export interface Traffic {
  calls: Record<string, number>;
  writeUnits: number;
  throttled: number;
}

/** The addresses of the proxy. */
export interface ProxySettings {
  port: number;
  targetPort: number;
}

/** The behaviour of the proxy. */
export interface Behaviour {
  /** The delay of every answer. */
  delayMs: number;
  /** The delay of writes, if it differs; drawn evenly between the two. */
  writeDelayMs: [least: number, most: number] | null;
  /** Rows of one event that an index partition takes a second; more are throttled. */
  indexWritesPerSecond: number | null;
  /** Whether to count write units, for which every body is read. */
  countsUnits: boolean;
}

const THROTTLED = JSON.stringify({
  __type: 'com.amazonaws.dynamodb.v20120810#TransactionCanceledException',
  Message: 'Transaction cancelled, please refer cancellation reasons for specific reasons',
  CancellationReasons: [{ Code: 'ThrottlingError', Message: 'Throughput exceeds the limit' }],
});

const { port, targetPort } = workerData as ProxySettings;
const agent = new Agent({ keepAlive: true, maxSockets: 512 });
let behaviour: Behaviour = {
  delayMs: 0,
  writeDelayMs: null,
  indexWritesPerSecond: null,
  countsUnits: false,
};
const noTraffic = (): Traffic => ({ calls: {}, writeUnits: 0, throttled: 0 });
let traffic = noTraffic();
/**
 * A token bucket that holds only a moment's worth. DynamoDB may allow longer bursts, but does not promise
 * them, and they would hide the limit in a run of seconds.
 */
const BURST_SECONDS = 0.2;
let tokens = 0;
let filledAt = performance.now();

/** Whether the partition still takes these writes. If so, counts them. */
function admit(writes: number): boolean {
  const { indexWritesPerSecond: limit } = behaviour;
  if (limit === null) return true;
  const now = performance.now();
  tokens = Math.min(limit * BURST_SECONDS, tokens + ((now - filledAt) * limit) / 1_000);
  filledAt = now;
  if (tokens < writes) return false;
  tokens -= writes;
  return true;
}

function delayOf(operation: string): number {
  const { delayMs, writeDelayMs } = behaviour;
  if (!writeDelayMs || !/Write|Put|Update|Delete/.test(operation)) return delayMs;
  return writeDelayMs[0] + Math.random() * (writeDelayMs[1] - writeDelayMs[0]);
}

/** The whole delay comes after the database's answer: splitting it would change nothing. */
const server = createServer((incoming, outgoing) => {
  const chunks: Buffer[] = [];
  incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
  incoming.on('end', () => {
    const body = Buffer.concat(chunks);
    const operation = String(incoming.headers['x-amz-target']).split('.')[1] ?? '';
    traffic.calls[operation] = (traffic.calls[operation] ?? 0) + 1;
    const delay = delayOf(operation);
    const later = (reply: () => void) => (delay > 0 ? setTimeout(reply, delay) : reply());
    if (behaviour.indexWritesPerSecond !== null && !admit(indexWrites(operation, body))) {
      traffic.throttled++;
      later(() => {
        outgoing.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' });
        outgoing.end(THROTTLED);
      });
      return;
    }
    if (behaviour.countsUnits) traffic.writeUnits += writeUnits(operation, body);
    const { method, url, headers } = incoming;
    const options = { host: '127.0.0.1', port: targetPort, method, path: url, headers, agent };
    const forwarded = send(options, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('end', () =>
        later(() => {
          outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
          outgoing.end(Buffer.concat(parts));
        }),
      );
    });
    forwarded.on('error', () => outgoing.destroy());
    forwarded.end(body);
  });
  incoming.on('error', () => outgoing.destroy());
});
server.keepAliveTimeout = 60_000;
server.listen(port, '127.0.0.1', () => parentPort?.postMessage(null));

parentPort?.on('message', (message: Partial<Behaviour> | 'take') => {
  if (message === 'take') {
    parentPort?.postMessage(traffic);
    traffic = noTraffic();
  } else {
    behaviour = { ...behaviour, ...message };
  }
});
