import { connect, createServer } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';

/** The way to a database: where it begins, on this machine, where it ends, and how long it takes. */
export interface Way {
  port: number;
  targetHost: string;
  targetPort: number;
  roundTripMs: number;
}

const { port, targetHost, targetPort, roundTripMs } = workerData as Way;

/** The whole delay is on the way back: splitting it would change nothing. Timers of one length keep their order. */
const server = createServer((client) => {
  const target = connect(targetPort, targetHost);
  for (const socket of [client, target]) socket.setNoDelay(true);
  client.on('data', (chunk) => target.write(chunk));
  target.on('data', (chunk) => setTimeout(() => client.write(chunk), roundTripMs));
  for (const [one, other] of [
    [client, target],
    [target, client],
  ] as const) {
    one.on('error', () => other.destroy());
    one.on('close', () => other.destroy());
  }
});
server.listen(port, '127.0.0.1', () => parentPort?.postMessage(null));
