/** Watches one event over many sockets, in a process of its own: `fork`ed by `live.ts`. */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { argv } from 'node:process';
import { LIVE_PROTOCOL } from '../../src/live-protocol.ts';
import { userId } from './database.ts';

/** When a socket was told which version: pairs of version and epoch milliseconds. */
export type Told = [version: number, at: number][];

/** What the process says: that all sockets are open, or what each was told. */
export type Report = { type: 'open' } | { type: 'told'; sockets: Told[]; messages: number };

const OPENING_AT_A_TIME = 50;

const sockets: Told[] = [];
let messages = 0;

const VERSION = /"type":"(?:occupancy".*?"version":(\d+),|place")/g;

/** Reads what has come as text, without taking frames apart: this process shares the machine's cores. */
function read(text: string, told: Told): string {
  let end = 0;
  for (const found of text.matchAll(VERSION)) {
    messages++;
    if (found[1] !== undefined) told.push([Number(found[1]), Date.now()]);
    end = found.index + found[0].length;
  }
  return text.slice(end);
}

/** Opens a socket; every other one also watches the place of a user who registers. */
function open(url: string, eventId: string, index: number, firstUser: number): Promise<void> {
  const { hostname, port } = new URL(url);
  const query = index % 2 === 0 ? '' : `?userId=${userId(firstUser + index)}`;
  const request = [
    `GET /registration/events/${eventId}/live${query} HTTP/1.1`,
    `Host: ${hostname}:${port}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    `Sec-WebSocket-Protocol: ${LIVE_PROTOCOL}`,
    // Each has an address of its own: one address may not have so many.
    `CF-Connecting-IP: 10.0.${index >> 8}.${index & 255}`,
  ];
  const told: Told = [];
  sockets.push(told);
  const socket = connect(Number(port), hostname);
  socket.setEncoding('latin1');
  socket.write(`${request.join('\r\n')}\r\n\r\n`);
  return new Promise((resolve, reject) => {
    let rest = '';
    socket.on('data', (chunk: string) => {
      if (told.length === 0 && rest === '' && !chunk.startsWith('HTTP/1.1 101')) {
        reject(new Error(`watcher ${index}: ${chunk.slice(0, 200)}`));
      }
      rest = read(rest + chunk, told);
      if (told.length > 0) resolve();
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`watcher ${index} was cut off`)));
  });
}

const say = (report: Report) => process.send?.(report);

if (process.send) {
  const [, , url = '', eventId = '', count = '', firstUser = ''] = argv;
  process.on('message', (asked) => {
    if (asked === 'report') say({ type: 'told', sockets, messages });
    else process.exit(0);
  });
  for (let i = 0; i < Number(count); i += OPENING_AT_A_TIME) {
    const some = Array.from({ length: OPENING_AT_A_TIME }, (_, j) => i + j);
    const inRange = some.filter((index) => index < Number(count));
    await Promise.all(inRange.map((index) => open(url, eventId, index, Number(firstUser))));
  }
  say({ type: 'open' });
}
