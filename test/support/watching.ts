import { env } from 'cloudflare:workers';
import type { LiveMessage, Occupancy, Place } from '../../src/event/shown.ts';
import app from '../../src/http/app.ts';
import { liveMessageSchema } from '../../src/http/schemas.ts';
import { LIVE_PROTOCOL } from '../../src/live-protocol.ts';

/** How a socket was asked for. */
export interface WatchOptions {
  userId?: string;
  on?: Env;
  protocols?: string[];
  headers?: Record<string, string>;
}

/** Asks for the socket of an event. */
export async function askForSocket(eventId: string, options: WatchOptions = {}): Promise<Response> {
  const { userId, on = env, protocols = [LIVE_PROTOCOL], headers = {} } = options;
  const query = userId === undefined ? '' : `?userId=${encodeURIComponent(userId)}`;
  const path = `/registration/events/${encodeURIComponent(eventId)}/live${query}`;
  return app.fetch(
    new Request(`http://desk.test${path}`, {
      headers: {
        Upgrade: 'websocket',
        ...(protocols.length > 0 ? { 'Sec-WebSocket-Protocol': protocols.join(', ') } : {}),
        ...headers,
      },
    }),
    on,
  );
}

/** A socket, and what it was sent. */
export class Watching implements Disposable {
  readonly socket: WebSocket;
  readonly texts: string[] = [];
  closed: { code: number; reason: string } | null = null;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.addEventListener('message', ({ data }) => {
      this.texts.push(String(data));
    });
    socket.addEventListener('close', ({ code, reason }) => {
      this.closed = { code, reason };
    });
    socket.accept();
  }

  /** What was sent, checked by the description of the API. */
  get messages(): LiveMessage[] {
    return this.texts
      .filter((text) => text.startsWith('{'))
      .map((text) => liveMessageSchema.parse(JSON.parse(text)) as LiveMessage);
  }

  get occupancies(): Occupancy[] {
    return this.messages.filter((message) => message.type === 'occupancy');
  }

  get places(): Place[] {
    return this.messages.filter((message) => message.type === 'place');
  }

  /** Waits until something holds; throws after some seconds. */
  async until(holds: (watching: this) => boolean): Promise<void> {
    for (let i = 0; i < 500; i++) {
      if (holds(this)) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`was told only: ${this.texts.join('\n')} ${JSON.stringify(this.closed)}`);
  }

  [Symbol.dispose](): void {
    this.socket.close(1000, 'done');
  }
}

/** Opens a socket, and waits until it has told what is. */
export async function watch(eventId: string, options: WatchOptions = {}): Promise<Watching> {
  const answer = await askForSocket(eventId, options);
  if (!answer.webSocket) throw new Error(`${answer.status}: ${await answer.text()}`);
  const watching = new Watching(answer.webSocket);
  const expected = options.userId === undefined ? 1 : 2;
  await watching.until(({ texts }) => texts.length >= expected);
  return watching;
}
