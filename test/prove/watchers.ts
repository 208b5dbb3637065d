import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { LIVE_PROTOCOL } from '../../src/live-protocol.ts';
import { HttpClient } from './client.ts';
import { isErasable } from './history.ts';
import type { Random } from './random.ts';
import { brief } from './report.ts';
import { stalledMs } from './stalls.ts';
import { readMessage, type ToldOccupancy, type Watching } from './watch-check.ts';

/**
 * How long a socket may take to tell what an event is, when all is quiet: rounds are a quarter of a second apart. A
 * starved worker gets longer: so many times what its slowest answer took.
 */
const TOLD_WITHIN_MS = 5_000;
const TOLD_WITHIN_ANSWERS = 20;
/** How long it may take until all have a socket again. */
const REOPEN_MS = 10_000;
const LOOK_PAUSE_MS = 20;
/** Pause of a client before it opens a socket again, at most. */
const AGAIN_MAX_MS = 150;
/** How long what is sent at once may take to arrive. */
const ARRIVES_MS = 50;

/** What watchers need of the world. */
export interface WatchersDeps {
  /** The events that are watched. */
  eventIds: readonly string[];
  userIds: readonly string[];
  random: Random;
  /** The port of each worker; null while it is down. */
  ports(): (number | null)[];
  /** The highest version of an event of which somebody has a receipt. */
  knownOf(eventId: string): number;
  onViolation(what: string): void;
}

/** Somebody who watches, and opens another socket when one is closed. */
interface Seat {
  eventId: string;
  userId: string | null;
  worker: number;
  socket: WebSocket | null;
  /** The port that the socket was opened at. */
  port: number;
  watching: Watching | null;
}

/** Watches every event at every worker: for nobody's place, and for those of two users. */
export class Watchers {
  readonly #deps: WatchersDeps;
  readonly #client = new HttpClient();
  readonly #seats: Seat[];
  readonly #watchings: Watching[] = [];
  readonly #loops: Promise<void>[] = [];
  #isPaused = false;
  #isOver = false;
  #opening = 0;

  constructor(deps: WatchersDeps) {
    this.#deps = deps;
    const { eventIds, userIds, random } = deps;
    this.#seats = eventIds.flatMap((eventId) => {
      const first = random.int(0, userIds.length - 1);
      const two = [userIds[first], userIds[(first + 1) % userIds.length]];
      return deps
        .ports()
        .flatMap((_, worker) =>
          [null, ...two].flatMap((userId) =>
            userId === undefined
              ? []
              : { eventId, userId, worker, socket: null, port: 0, watching: null },
          ),
        );
    });
  }

  /** Sockets that told something, and what they told. */
  get figures(): { sockets: number; pushes: number } {
    const pushes = this.#watchings.reduce((sum, { told }) => sum + told.length, 0);
    return { sockets: this.#watchings.filter(({ told }) => told.length > 0).length, pushes };
  }

  of(eventId: string): Watching[] {
    return this.#watchings.filter((watching) => watching.eventId === eventId);
  }

  /** Begins to watch. */
  begin(): void {
    this.#loops.push(...this.#seats.map((seat) => this.#watch(seat)));
  }

  /** Opens no other socket until `goOn`: the service is to be left alone. Those that are open stay. */
  async pause(): Promise<void> {
    this.#isPaused = true;
    while (this.#opening > 0) await sleep(LOOK_PAUSE_MS);
  }

  goOn(): void {
    this.#isPaused = false;
  }

  /** Waits until all who can watch have a socket, and opens no other then. */
  async reopen(): Promise<void> {
    this.goOn();
    const until = performance.now() + REOPEN_MS;
    const isMissing = () =>
      this.#seats.some(({ socket, userId }) => socket === null && !isErased(userId));
    while (isMissing() && performance.now() < until) await sleep(LOOK_PAUSE_MS);
    await this.pause();
  }

  /**
   * When all is quiet every socket must have told what the event is now, in the words of the worker that it was opened at.
   * Then all are closed.
   */
  async lookAtTheEnd(): Promise<void> {
    await Promise.all(this.#seats.map((seat) => this.#untilTold(seat)));
    await sleep(ARRIVES_MS);
    this.#isOver = true;
    for (const { socket } of this.#seats) socket?.close();
    await Promise.all(this.#loops);
    this.#client.close();
  }

  /** Opens sockets, one after the other, and keeps what they tell. */
  async #watch(seat: Seat): Promise<void> {
    const { random, ports } = this.#deps;
    while (!this.#isOver) {
      const port = ports()[seat.worker] ?? null;
      if (port === null || this.#isPaused) await sleep(LOOK_PAUSE_MS);
      else {
        await this.#open(seat, port);
        await sleep(random.between(0, AGAIN_MAX_MS));
      }
    }
  }

  /** Opens a socket, and waits until it is closed, by whomever. */
  async #open(seat: Seat, port: number): Promise<void> {
    const { eventId, userId, worker } = seat;
    const query = userId === null ? '' : `?userId=${encodeURIComponent(userId)}`;
    const path = `/registration/events/${encodeURIComponent(eventId)}/live${query}`;
    const known = this.#deps.knownOf(eventId);
    const watching: Watching = { eventId, userId, worker, known, told: [], isCut: false };
    this.#opening++;
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, [LIVE_PROTOCOL]);
    let isOpening = true;
    const opened = () => {
      if (isOpening) this.#opening--;
      isOpening = false;
    };
    await new Promise<void>((closed) => {
      socket.addEventListener('open', () => {
        opened();
        Object.assign(seat, { socket, port, watching });
        this.#watchings.push(watching);
      });
      socket.addEventListener('message', ({ data }) => {
        const message = readMessage(String(data), eventId);
        if (message) watching.told.push(message);
        else this.#tell(seat, `a message that is never sent: ${data}`);
      });
      // What went wrong is told by no browser either; a close always follows.
      socket.addEventListener('error', () => {});
      socket.addEventListener('close', () => {
        opened();
        watching.isCut = !this.#isOver;
        Object.assign(seat, { socket: null, watching: null });
        closed();
      });
    });
  }

  /** Waits until a seat has been told what its worker answers. */
  async #untilTold(seat: Seat): Promise<void> {
    const timeOf = () => performance.now() - stalledMs();
    const startedAt = timeOf();
    let slowestMs = 0;
    for (;;) {
      const { watching, socket } = seat;
      const last = watching?.told.findLast((message) => message.type === 'occupancy');
      const askedAt = timeOf();
      const now = await this.#capacityOf(seat);
      slowestMs = Math.max(slowestMs, timeOf() - askedAt);
      if (now && last && isDeepStrictEqual(now, withoutBooks(last))) return;
      if (timeOf() - startedAt >= Math.max(TOLD_WITHIN_MS, TOLD_WITHIN_ANSWERS * slowestMs)) {
        if (!socket && isErased(seat.userId)) return;
        const told = last ? JSON.stringify(last) : 'nothing';
        const how = socket ? `a socket of worker ${seat.worker}` : 'nobody who could';
        this.#tell(seat, `${how} has told ${told}, and the event is ${JSON.stringify(now)}`);
        return;
      }
      await sleep(LOOK_PAUSE_MS);
    }
  }

  /** What `capacity` answers at the worker; null where it answers nothing, or the socket is of a worker that is gone. */
  async #capacityOf({ eventId, worker, socket, port: openedAt }: Seat) {
    const port = this.#deps.ports()[worker] ?? null;
    if (port === null || (socket && port !== openedAt)) return null;
    const path = `/registration/events/${encodeURIComponent(eventId)}/capacity`;
    const reply = await this.#client.call(port, 'GET', path).catch(() => null);
    if (reply?.status !== 200) return null;
    const { eventId: _, ...capacity } = reply.body;
    return capacity;
  }

  #tell({ eventId, userId }: Seat, what: string): void {
    const who = userId === null ? 'everybody' : brief(userId);
    this.#deps.onViolation(`event ${brief(eventId)}: watched for ${who}: ${what}`);
  }
}

/** Whether somebody may have been erased: they are nobody then, and cannot watch. */
const isErased = (userId: string | null) => userId !== null && isErasable(userId);

function withoutBooks({ type: _, version: __, revision: ___, ...capacity }: ToldOccupancy) {
  return capacity;
}
