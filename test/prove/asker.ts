import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { isInFlight, isReplay, toOutcome, UnexpectedAnswerError } from './answers.ts';
import { HttpClient, type Reply, send, sendAll, UnreachedError } from './client.ts';
import type { Asked, Operation, Outcome, Recorder } from './history.ts';
import type { Random } from './random.ts';

/** How often a request with a key is sent while it is open what came of it. */
const KEYED_MAX_ATTEMPTS = 8;
const RETRY_PAUSE_MS = 80;

/** What a client does that got an answer it cannot rely on. */
type Attempt =
  | { type: 'told'; outcome: Outcome; reply: Reply }
  | { type: 'doubt'; why: string }
  /** Certainly nothing was done by this attempt. */
  | { type: 'nothing' }
  /** The first attempt with the key is still at work. */
  | { type: 'in flight' };

/** A request with a key, and the answer that holds for it from then on. */
interface Settled {
  eventId: string;
  request: Asked;
  key: string;
  reply: Reply;
}

/** What clients need of the world. */
export interface AskerDeps {
  /** A port to ask at, of this worker or of any; null while nothing listens. */
  port(worker?: number): Promise<number | null>;
  recorder: Recorder;
  random: Random;
  /** Told of what no history can explain. */
  onViolation(what: string): void;
}

/** Asks as clients do, with and without idempotency keys, and writes down what comes of it. */
export class Asker {
  readonly #deps: AskerDeps;
  readonly #client = new HttpClient();
  readonly #settled: Settled[] = [];
  #keys = 0;
  /** Attempts that were sent again under the key of an open one, and answers that were had again. */
  retries = 0;
  replays = 0;

  constructor(deps: AskerDeps) {
    this.#deps = deps;
  }

  close(): void {
    this.#client.close();
  }

  /**
   * Asks, and asks the same again while the outcome is open if a key makes that safe. Null when
   * nothing can have happened.
   */
  async ask(
    client: string,
    eventId: string,
    request: Asked,
    { isKeyed = false, worker }: { isKeyed?: boolean; worker?: number | undefined } = {},
  ): Promise<Operation | null> {
    const { recorder, random } = this.#deps;
    const key = isKeyed ? `${client}-${++this.#keys}` : undefined;
    const operation = recorder.begin(client, eventId, request);
    let doubt: string | null = null;
    for (let sent = 0; sent < (key ? KEYED_MAX_ATTEMPTS : 1); sent++) {
      if (sent > 0) await sleep(random.between(0, RETRY_PAUSE_MS));
      if (sent > 0) this.retries++;
      const attempt = await this.#attempt(eventId, request, key, worker);
      if (attempt.type === 'told') {
        const { outcome, reply } = attempt;
        recorder.end(operation, outcome);
        if (key) this.#settle({ eventId, request, key, reply }, outcome, { isFirst: sent === 0 });
        return operation;
      }
      if (attempt.type === 'doubt') doubt = attempt.why;
      if (attempt.type === 'in flight') doubt ??= 'still at work';
      // Without a doubt there is nothing to clear up.
      if (doubt === null) break;
    }
    if (doubt !== null) {
      recorder.end(operation, { type: 'unknown', why: doubt });
      return operation;
    }
    recorder.cancel(operation);
    return null;
  }

  /** Registers many with one call, an operation each. */
  async askAll(client: string, eventId: string, userIds: string[]): Promise<void> {
    const { recorder } = this.#deps;
    const operations = userIds.map((userId) =>
      recorder.begin(client, eventId, { type: 'register', userId }),
    );
    try {
      const port = await this.#deps.port();
      const replies = port === null ? [] : await sendAll(this.#client, port, eventId, userIds);
      for (const [i, operation] of operations.entries()) {
        const reply = replies[i];
        const outcome = reply ? toOutcome(reply) : null;
        if (outcome) recorder.end(operation, outcome);
        else recorder.cancel(operation);
      }
    } catch (error) {
      if (error instanceof UnexpectedAnswerError) this.#tellOfAnswer('bulk', error.message);
    }
  }

  /** Sends a request again whose key was answered, perhaps long ago: the answer must be the same. */
  async askAgain(): Promise<void> {
    if (this.#settled.length === 0) return;
    const { eventId, request, key, reply } = this.#deps.random.pick(this.#settled);
    try {
      const port = await this.#deps.port();
      if (port === null) return;
      const again = await send(this.#client, port, eventId, request, key);
      if (again.status === 503 || isInFlight(again)) return;
      this.replays++;
      const isSame = again.status === reply.status && isDeepStrictEqual(again.body, reply.body);
      if (isReplay(again) && isSame) return;
      this.#deps.onViolation(
        `a key used again must give the first answer: ${request.type} of event ${eventId}, key ${key}: first ${tell(reply)}, then ${tell(again)}`,
      );
    } catch {
      // Nothing was told, which is no answer to compare.
    }
  }

  #settle(settled: Settled, outcome: Outcome, { isFirst }: { isFirst: boolean }): void {
    if (isFirst && isReplay(settled.reply)) {
      this.#deps.onViolation(`a new key was answered as an old one: ${tell(settled.reply)}`);
    }
    // Without an event there is nowhere to keep a key.
    if (outcome.type === 'refused' && outcome.reason === 'no such event') return;
    this.#settled.push(settled);
  }

  async #attempt(
    eventId: string,
    request: Asked,
    key: string | undefined,
    worker: number | undefined,
  ): Promise<Attempt> {
    try {
      const port = await this.#deps.port(worker);
      if (port === null) return { type: 'nothing' };
      const reply = await send(this.#client, port, eventId, request, key);
      if (key !== undefined && isInFlight(reply)) return { type: 'in flight' };
      const outcome = toOutcome(reply);
      if (!outcome) return { type: 'nothing' };
      if (outcome.type === 'unknown') return { type: 'doubt', why: outcome.why };
      return { type: 'told', outcome, reply };
    } catch (error) {
      if (error instanceof UnreachedError) return { type: 'nothing' };
      const why = (error as Error).message;
      if (error instanceof UnexpectedAnswerError) this.#tellOfAnswer(request.type, why);
      return { type: 'doubt', why };
    }
  }

  #tellOfAnswer(request: string, answer: string): void {
    this.#deps.onViolation(`an answer that is never given: ${request}: ${answer}`);
  }
}

function tell({ status, headers, body }: Reply): string {
  const replayed = headers['idempotency-replayed'] ? ' (replayed)' : '';
  return `${status}${replayed} ${JSON.stringify(body)}`;
}
