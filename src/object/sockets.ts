import { hexDigestOf } from '../digest.ts';
import type { Outcome } from '../event/command.ts';
import type { Reply } from '../event/queue.ts';
import { type Place, toCapacity, toStanding } from '../event/shown.ts';
import { LIVE_MAX_SOCKETS, LIVE_UNANSWERED_FACTOR } from '../http-limits.ts';
import { LIVE_PROTOCOL } from '../live-protocol.ts';
import {
  CLOSINGS,
  type Closing,
  endOf,
  NOTHING_TOLD,
  newsFor,
  Rounds,
  type Sight,
  type Told,
  toWords,
  type Watcher,
} from './live.ts';

/** Who wants to watch an event, as the worker found out. */
export interface WatchRequest {
  /** Whose place they are told; null: nobody's. They may be told of it. */
  userId: string | null;
  /** Tells callers apart. */
  caller: string;
  /** How many sockets the caller may have. */
  maxSockets: number;
  /** Epoch milliseconds. */
  endsAt: number;
}

/** What sockets need of the object. */
export interface SocketsDeps {
  ctx: Pick<
    DurableObjectState,
    | 'acceptWebSocket'
    | 'getWebSockets'
    | 'getWebSocketAutoResponseTimestamp'
    | 'setWebSocketAutoResponse'
  >;
  /** Loads the event, and asks about it; about a user if one is given. */
  ask(userId: string | null): Promise<Reply>;
  /** Answers from memory; null while the event is not in it. */
  answerNow(question: { type: 'read' } | { type: 'stand'; userId: string }): Outcome | null;
  /** The version of the last commit that changed something. */
  version(): number;
  /** Starts to load the event. */
  warmUp(): void;
  log(problem: string, details: Record<string, unknown>): void;
}

/** What is kept with a socket, also while the object sleeps: at most some 2 KB, of the platform's 16. */
interface Kept {
  watcher: Watcher;
  told: Told;
}

const CLIENT_PING = 'ping';
const SERVER_PONG = 'pong';

/** The place of a user as a socket is told it. */
const toPlace = (outcome: Extract<Outcome, { type: 'standing' }>): Place => ({
  type: 'place',
  ...toStanding(outcome),
});

/**
 * The sockets of an event. They outlive the object's memory: while it sleeps the platform keeps them, and answers
 * their pings. What is known of each is kept with it.
 */
export class Sockets {
  readonly #deps: SocketsDeps;
  readonly #rounds: Rounds<WebSocket, Sight>;
  /** What is kept with each socket, as far as it was read since the object woke. */
  readonly #kept = new WeakMap<WebSocket, Kept>();
  /** The sockets of the last round. While nothing holds them, what is kept with them is forgotten, and read again. */
  #held: WebSocket[] = [];

  constructor(deps: SocketsDeps) {
    this.#deps = deps;
    this.#rounds = new Rounds({
      watchers: () => this.#openForRound(),
      look: () => this.#look(),
      tell: (socket, sight) => this.#tell(socket, sight),
      now: () => Date.now(),
      after: (ms, run) => {
        setTimeout(run, ms);
      },
    });
  }

  /** The event may be different now: tells all who watch. */
  changed(): void {
    // The platform makes a list of all of them for each question: not for each commit of a storm.
    if (this.#rounds.isUnderWay || this.#deps.ctx.getWebSockets().length > 0)
      this.#rounds.changed();
  }

  /**
   * Answers with a socket that tells what the event is now, and what changes.
   *
   * @returns 101; 503 when there are too many watchers, or the caller answers no close; otherwise 409 with the reply
   *   that refuses
   */
  async open({ userId, caller, maxSockets, endsAt }: WatchRequest): Promise<Response> {
    const tag = await hexDigestOf(caller);
    const reply = await this.#deps.ask(userId);
    if (reply.type !== 'read' && reply.type !== 'standing') {
      return Response.json(reply, { status: 409 });
    }
    const { ctx } = this.#deps;
    // The platform has those too whose close was not answered.
    const isStuffed = ctx.getWebSockets(tag).length >= LIVE_UNANSWERED_FACTOR * maxSockets;
    if (!isStuffed) this.#makeRoom(tag, maxSockets);
    const isFull = isStuffed || this.#open().length >= LIVE_MAX_SOCKETS;
    if (isFull) return new Response(null, { status: 503 });
    const { 0: client, 1: server } = new WebSocketPair();
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(CLIENT_PING, SERVER_PONG));
    ctx.acceptWebSocket(server, [tag]);
    this.#keep(server, { watcher: { userId, openedAt: Date.now(), endsAt }, told: NOTHING_TOLD });
    const sight = this.#look();
    // The event may have been dropped from memory since it was asked. Then it is being loaded, and told after that.
    if (sight) this.#tell(server, sight);
    const headers = { 'Sec-WebSocket-Protocol': LIVE_PROTOCOL };
    return new Response(null, { status: 101, webSocket: client, headers });
  }

  /** A client has said something else than ping. */
  refuse(socket: WebSocket): void {
    this.#close(socket, 'talked');
  }

  #open(tag?: string): WebSocket[] {
    return this.#deps.ctx
      .getWebSockets(tag)
      .filter(({ readyState }) => readyState === WebSocket.READY_STATE_OPEN);
  }

  #openForRound(): WebSocket[] {
    this.#held = this.#open();
    return [...this.#held];
  }

  /** Closes the caller's oldest sockets, so that one more is within their number: they may be of a network that is gone. */
  #makeRoom(tag: string, maxSockets: number): void {
    const openedAt = (socket: WebSocket) => this.#keptWith(socket).watcher.openedAt;
    const oldestFirst = this.#open(tag).sort((one, other) => openedAt(one) - openedAt(other));
    const tooMany = oldestFirst.length + 1 - maxSockets;
    for (const socket of oldestFirst.slice(0, Math.max(0, tooMany))) {
      this.#close(socket, 'replaced');
    }
  }

  /** The event as it is in memory; null if it is not, and then it gets loaded. */
  #look(): Sight | null {
    const { answerNow, version, warmUp } = this.#deps;
    const outcome = answerNow({ type: 'read' });
    if (outcome?.type !== 'read') {
      warmUp();
      return null;
    }
    const occupancy = toWords({
      type: 'occupancy',
      now: new Date().toISOString(),
      version: version(),
      revision: outcome.revision,
      ...toCapacity(outcome),
    });
    return { occupancy, place: (userId) => this.#placeOf(userId) };
  }

  #placeOf(userId: string): Place | null {
    const outcome = this.#deps.answerNow({ type: 'stand', userId });
    return outcome?.type === 'standing' ? toPlace(outcome) : null;
  }

  /** Tells a watcher what they do not know yet; the number of messages. */
  #tell(socket: WebSocket, sight: Sight): number {
    if (socket.readyState !== WebSocket.READY_STATE_OPEN) return 0;
    const { watcher, told: before } = this.#keptWith(socket);
    const pingedAt = this.#deps.ctx.getWebSocketAutoResponseTimestamp(socket);
    const closing = endOf(watcher, pingedAt?.getTime() ?? null, Date.now());
    if (closing) {
      this.#close(socket, closing);
      return 0;
    }
    const { messages, told } = newsFor(watcher.userId, before, sight);
    if (messages.length === 0) return 0;
    try {
      for (const message of messages) socket.send(message);
      this.#keep(socket, { watcher, told });
    } catch (error) {
      this.#deps.log('push failed', { error: String(error), done: 'closed the socket' });
      this.#close(socket, 'failed');
    }
    return messages.length;
  }

  #keptWith(socket: WebSocket): Kept {
    let kept = this.#kept.get(socket);
    if (!kept) {
      kept = socket.deserializeAttachment() as Kept;
      this.#kept.set(socket, kept);
    }
    return kept;
  }

  #keep(socket: WebSocket, kept: Kept): void {
    this.#kept.set(socket, kept);
    socket.serializeAttachment(kept);
  }

  #close(socket: WebSocket, closing: Closing): void {
    const [code, reason] = CLOSINGS[closing];
    socket.close(code, reason);
  }
}
