import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import type { Distance } from './stub.ts';

/** The keys that a look-up asks for, by table. */
interface LookUp {
  RequestItems: Record<string, { Keys: object[] }>;
}

const { port } = workerData as { port: number };
let distance: Distance = { readMs: 0, writeMs: 0 };

/** There is no event yet, every user exists, and every transaction succeeds. */
function answer(operation: string, body: string): object {
  if (operation === 'Query') return { Items: [], Count: 0 };
  if (operation !== 'BatchGetItem') return {};
  const { RequestItems } = JSON.parse(body) as LookUp;
  const found = Object.entries(RequestItems).map(([table, { Keys }]) => [table, Keys]);
  return { Responses: Object.fromEntries(found), UnprocessedKeys: {} };
}

const server = createServer((incoming, outgoing) => {
  const began = performance.now();
  let body = '';
  incoming.setEncoding('utf8');
  incoming.on('data', (chunk: string) => {
    body += chunk;
  });
  incoming.on('end', async () => {
    const operation = String(incoming.headers['x-amz-target']).split('.')[1] ?? '';
    const text = JSON.stringify(answer(operation, body));
    const takes = operation.includes('Write') ? distance.writeMs : distance.readMs;
    const left = takes - (performance.now() - began);
    if (left > 0) await sleep(left);
    outgoing.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' });
    outgoing.end(text);
  });
});
server.keepAliveTimeout = 60_000;
server.listen(port, '127.0.0.1', () => parentPort?.postMessage(null));
parentPort?.on('message', (next: Distance) => {
  distance = next;
});
