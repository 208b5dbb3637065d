import about from '../../package.json' with { type: 'json' };
import { hexDigestOf } from '../digest.ts';
import { messageId, reminderId } from '../event/messages.ts';
import type { Offer } from '../event/model.ts';
import type { DeliveryJob, DeliveryReport, Pointer } from '../event/outbox.ts';
import {
  OUTBOX_BEGIN_MS,
  OUTBOX_MAX_IN_FLIGHT,
  OUTBOX_MAX_MESSAGES,
  OUTBOX_MAX_OPEN,
} from '../limits.ts';
import { attempt, type Fetch } from './attempt.ts';
import { type Backlog, type LogReader, type Outgoing, readBacklog } from './backlog.ts';
import { type Place, passTo, type Result, settle, without } from './progress.ts';
import type { Endpoint } from './settings.ts';
import { openSigner, type Sign } from './sign.ts';

/** What a delivery asks of the world. */
export interface DeliveryPorts extends LogReader {
  fetch: Fetch;
  /** Whether somebody can still take this offer, and it has this end. */
  isOffered(eventId: string, offer: Offer): Promise<boolean>;
  /** Epoch milliseconds. */
  now(): number;
  /** From 0 to below 1. */
  random(): number;
  /** The link that a message carries; null for none. */
  linkFor(message: Outgoing): Promise<object | null>;
  /** Tells whoever operates the service of a problem. */
  tell(problem: string, details: object): void;
}

const USER_AGENT = `${about.name}/${about.version}`;

/** A message as it is sent at a time: what names it, and its signature, are in the headers. */
async function toRequest(
  { chain, version, index, data, ...message }: Outgoing,
  link: object | null,
  sign: Sign,
  now: number,
): Promise<{ headers: Record<string, string>; body: string }> {
  const id =
    typeof chain === 'string'
      ? await messageId(data.eventId, { version, chain }, index, hexDigestOf)
      : await reminderId(data.eventId, chain, hexDigestOf);
  const seconds = Math.floor(now / 1_000);
  const body = JSON.stringify({ ...message, data: link ? { ...data, link } : data });
  const headers = {
    'Content-Type': 'application/json',
    'User-Agent': USER_AGENT,
    'webhook-id': id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': await sign(id, seconds, body),
  };
  return { headers, body };
}

/** A message that is being sent: for the first time, or again. */
interface Begun {
  message: Outgoing;
  isFresh: boolean;
}

/** One delivery while it is at work: what was found out so far, and what may be begun next. */
class Delivery {
  pointer: Pointer;
  delivered = 0;
  failed = 0;
  gaveUp = 0;
  readonly #job: DeliveryJob;
  readonly #ports: DeliveryPorts;
  readonly #endsAt: number;
  #begun = 0;
  #freshInFlight = 0;
  /** Whether the last that was heard of a new message is that it failed. */
  #isHalted = false;

  constructor(job: DeliveryJob, ports: DeliveryPorts) {
    this.pointer = job.pointer;
    this.#job = job;
    this.#ports = ports;
    this.#endsAt = ports.now() + OUTBOX_BEGIN_MS;
  }

  /** The message to begin next; null when none may be begun now. Reminders of offers that are over are passed by. */
  async next(backlog: Backlog): Promise<Begun | null> {
    for (;;) {
      const begun = this.#take(backlog);
      const chain = begun?.message.chain;
      if (!begun || chain === undefined || typeof chain === 'string') return begun;
      const isOffered = await this.#ports.isOffered(this.#job.eventId, chain);
      if (begun.isFresh) {
        const reminded = { end: Date.parse(chain.expiresAt), position: chain.position };
        this.pointer = { ...this.pointer, reminded };
      }
      if (isOffered) return begun;
      if (begun.isFresh) this.#freshInFlight--;
      else this.noteOver(begun.message);
    }
  }

  /** Takes the message to begin next, and counts it. */
  #take({ due, reminders, fresh }: Backlog): Begun | null {
    const isOver = this.#begun >= OUTBOX_MAX_MESSAGES || this.#ports.now() >= this.#endsAt;
    if (isOver || this.pointer.isEnded) return null;
    const isFresh = due.length === 0;
    const room = OUTBOX_MAX_OPEN - this.pointer.open.length - this.#freshInFlight;
    if (isFresh && (this.#isHalted || room <= 0)) return null;
    const queue = isFresh ? (reminders.length > 0 ? reminders : fresh) : due;
    const message = queue.shift();
    if (!message) return null;
    this.#begun++;
    if (isFresh) this.#freshInFlight++;
    return { message, isFresh };
  }

  /** Notes what came of an attempt. */
  note(place: Place, isFresh: boolean, result: Result): void {
    if (isFresh) this.#freshInFlight--;
    if (result.type === 'taken') {
      this.delivered++;
      this.#isHalted = false;
    } else if (isFresh) this.#isHalted = true;
    const wasEnded = this.pointer.isEnded;
    const moment = { now: this.#ports.now(), random: this.#ports.random() };
    const { pointer, isGivenUp } = settle(this.pointer, place, result, moment);
    this.pointer = pointer;
    if (result.type === 'taken') return;
    if (isGivenUp) this.noteGivenUp(place, result.cause);
    else this.failed++;
    if (pointer.isEnded && !wasEnded) this.#tell('webhook ended', { cause: result.cause });
  }

  /** Notes that an offer is over, and its reminder is tried no more. */
  noteOver(place: Place): void {
    this.pointer = without(this.pointer, place);
  }

  /** Notes that a message is sent no more, though it was never taken. */
  noteGivenUp({ version, index }: Place, cause: string): void {
    this.pointer = without(this.pointer, { version, index });
    this.gaveUp++;
    this.#tell('webhook given up', { version, index, cause });
  }

  /** Tells of messages that were never sent, and may have been among entries that are no longer kept. */
  notePassed(end: Place): void {
    const { from = 0, pointer } = this.#job;
    const isPassed = pointer.version + 1 < from && pointer.version + 1 < end.version;
    if (isPassed) this.#tell('webhook messages expired', { after: pointer.version, before: from });
  }

  #tell(problem: string, details: object): void {
    const { eventId, pointer } = this.#job;
    this.#ports.tell(problem, { eventId, endpoint: pointer.name, ...details });
  }
}

/**
 * Sends one endpoint what is due: first messages that failed and whose time has come, then reminders, then messages
 * that were never sent. When a new one fails, no other is begun until one is taken: an endpoint that is down is not
 * asked a hundred times.
 *
 * @throws StoreUnavailableError when the log cannot be read; nothing was sent then. Another error when nobody could say
 * whether an offer is open: what was sent before is sent again
 */
export async function deliver(
  job: DeliveryJob,
  endpoint: Endpoint,
  ports: DeliveryPorts,
): Promise<DeliveryReport> {
  const { pointer } = job;
  if (pointer.isEnded) return { pointer, delivered: 0, failed: 0, gaveUp: 0 };
  const delivery = new Delivery(job, ports);
  const sign = await openSigner(endpoint.secrets);
  // Read all of it first: messages in flight take all six connections that the platform allows.
  const backlog = await readBacklog(job, endpoint.types, ports.now(), ports);
  const { gone, over, fresh, end } = backlog;
  for (const place of over) delivery.noteOver(place);
  for (const place of gone) delivery.noteGivenUp(place, 'no longer in the log');
  delivery.notePassed(end);
  await inParallel(OUTBOX_MAX_IN_FLIGHT, async () => {
    const begun = await delivery.next(backlog);
    if (!begun) return null;
    const { message, isFresh } = begun;
    const link = await ports.linkFor(message);
    const { headers, body } = await toRequest(message, link, sign, ports.now());
    return async () => {
      delivery.note(message, isFresh, await attempt(endpoint.url, headers, body, ports));
    };
  });
  const { delivered, failed, gaveUp } = delivery;
  return { pointer: passTo(delivery.pointer, fresh[0] ?? end), delivered, failed, gaveUp };
}

/**
 * Runs so many tasks side by side, begun one after the other, until none is left and all have ended.
 *
 * @param next makes the next task ready; null where none may be begun before another has ended
 */
async function inParallel(
  limit: number,
  next: () => Promise<(() => Promise<void>) | null>,
): Promise<void> {
  const running = new Set<Promise<void>>();
  for (;;) {
    while (running.size < limit) {
      const task = await next();
      if (!task) break;
      const ended = task().finally(() => running.delete(ended));
      running.add(ended);
    }
    if (running.size === 0) return;
    await Promise.race(running);
  }
}
