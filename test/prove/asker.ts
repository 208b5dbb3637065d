import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { isInFlight, isKeyReused, isReplay, isSameButUnavailable, toOutcome } from './answers.ts';
import {
  type Call,
  HttpClient,
  NoAnswerError,
  type Reply,
  receiptOf,
  rowsOf,
  send,
  UnreachedError,
} from './client.ts';
import type { Asked, Operation, Outcome, Recorder } from './history.ts';
import { UnexpectedAnswerError } from './lists.ts';
import { answerWithinMs, type Conditions, lateness } from './liveness.ts';
import type { Random } from './random.ts';
import { brief } from './report.ts';
import { stalledMs } from './stalls.ts';

/** How often a request with a key is sent while its outcome is unknown. */
const KEYED_MAX_ATTEMPTS = 8;
const RETRY_PAUSE_MS = 80;

/** The result of one attempt. */
type Attempt =
  | { type: 'told'; outcome: Outcome; reply: Reply }
  | { type: 'doubt'; why: string }
  /** This attempt certainly changed nothing. */
  | { type: 'nothing' }
  /** The first attempt with the key is still in flight. */
  | { type: 'in flight' };

/** A request with a key, and the answer that holds for it from then on. */
export interface Settled {
  eventId: string;
  call: Call;
  key: string;
  reply: Reply;
}

/** What clients need from outside. */
export interface AskerDeps {
  /** The port of this worker, or of any; null while none listens. */
  port(worker?: number): Promise<number | null>;
  recorder: Recorder;
  random: Random;
  conditions: Conditions;
  /** Time that calls to the database without a fault took too long, in milliseconds since the start. */
  slowCallsMs(): number;
  /** Called with an observation that no history can explain. */
  onViolation(what: string): void;
}

/** How a client asks. */
interface Manner {
  isKeyed?: boolean;
  worker?: number | undefined;
}

/** Sends requests as clients do, with and without idempotency keys, and records the operations. */
export class Asker {
  readonly #deps: AskerDeps;
  readonly #client = new HttpClient();
  /** Requests whose keys were answered. */
  readonly settled: Settled[] = [];
  #keys = 0;
  /** Repeated attempts while an outcome was unknown, and repetitions that were answered. */
  retries = 0;
  replays = 0;
  /** Keys that were sent with a different request. */
  misuses = 0;
  /** The slowest answer, as a share of the time that it may take. */
  slowest = 0;

  constructor(deps: AskerDeps) {
    this.#deps = deps;
  }

  close(): void {
    this.#client.close();
  }

  /**
   * Sends a request. With a key it is sent again while the outcome is unknown. Null when nothing can have
   * happened.
   */
  async ask(
    client: string,
    eventId: string,
    request: Asked,
    { isKeyed = false, worker }: Manner = {},
  ): Promise<Operation | null> {
    const { recorder } = this.#deps;
    const key = isKeyed ? this.#newKey(client) : undefined;
    const operation = recorder.begin(client, eventId, request);
    let doubt: string | null = null;
    for (let sent = 0; sent < (key ? KEYED_MAX_ATTEMPTS : 1); sent++) {
      if (sent > 0) await this.#pause();
      const attempt = await this.#attempt(operation, key, worker);
      if (attempt.type === 'told') {
        const { outcome, reply } = attempt;
        recorder.end(operation, outcome, receiptOf(reply));
        if (key) {
          const settled = { eventId, call: request, key, reply };
          this.#settle(settled, [outcome], { isFirst: sent === 0 });
        }
        return operation;
      }
      if (attempt.type === 'doubt') doubt = attempt.why;
      if (attempt.type === 'in flight') doubt ??= 'still at work';
      // The outcome is known, so no further attempt is needed.
      if (doubt === null) break;
    }
    if (doubt !== null) {
      recorder.end(operation, { type: 'unknown', why: doubt });
      return operation;
    }
    recorder.cancel(operation);
    return null;
  }

  /**
   * Registers several users with one bulk call. Each row is an operation. With a key the call is sent again while
   * the outcome of a row is unknown, and mostly when a row was left undone. Each row remains one operation,
   * whichever attempt carried it out.
   */
  async askAll(
    client: string,
    eventId: string,
    userIds: string[],
    { isKeyed = false, worker }: Manner = {},
  ): Promise<void> {
    const { recorder, random } = this.#deps;
    const key = isKeyed ? this.#newKey(client) : undefined;
    const call: Call = { type: 'registerAll', userIds };
    const rows = userIds.map((userId) => ({
      operation: recorder.begin(client, eventId, { type: 'register', userId }),
      told: null as Outcome | null,
      doubt: null as string | null,
    }));
    for (let sent = 0; sent < (key ? KEYED_MAX_ATTEMPTS : 1); sent++) {
      if (sent > 0) await this.#pause();
      const answers = await this.#attemptAll(eventId, userIds, key, worker);
      let reply: Reply | null = null;
      for (const [i, row] of rows.entries()) {
        const attempt = answers[i];
        row.operation.slowestMs = Math.max(row.operation.slowestMs, answers.tookMs);
        if (attempt?.type === 'doubt') row.doubt ??= attempt.why;
        if (attempt?.type === 'in flight') row.doubt ??= 'still at work';
        if (attempt?.type !== 'told') continue;
        reply = answers.reply;
        const receipt = receiptOf(attempt.reply);
        if (row.told === null) recorder.end(row.operation, attempt.outcome, receipt);
        row.told ??= attempt.outcome;
        const [before, now] = [
          { ...row.told, receipt: row.operation.receipt },
          { ...attempt.outcome, receipt },
        ];
        if (!isDeepStrictEqual(before, now)) {
          const [first, then] = [before, now].map((each) => JSON.stringify(each));
          this.#deps.onViolation(
            `a row of a call with a key must be answered as before: ${brief(userIds[i] ?? '')} in ${eventId}: first ${first}, then ${then}`,
          );
        }
      }
      if (rows.every(({ told }) => told !== null)) {
        const outcomes = rows.flatMap(({ told }) => told ?? []);
        if (key && reply)
          this.#settle({ eventId, call, key, reply }, outcomes, { isFirst: sent === 0 });
        return;
      }
      const isOpen = rows.some(({ told, doubt }) => told === null && doubt !== null);
      if (!isOpen && random.chance(0.3)) break;
    }
    for (const { operation, told, doubt } of rows) {
      if (told !== null) continue;
      if (doubt === null) recorder.cancel(operation);
      else recorder.end(operation, { type: 'unknown', why: doubt });
    }
  }

  /** Repeats a request whose key was answered, perhaps long ago. The answer must be the same. */
  async askAgain(which?: Settled, worker?: number): Promise<void> {
    const settled = which ?? this.#anySettled();
    if (!settled) return;
    const { eventId, call, key, reply } = settled;
    const again = await this.probe(eventId, call, { key, worker });
    if (!again || again.status === 503 || isInFlight(again)) return;
    this.replays++;
    const isSame =
      again.status === reply.status &&
      again.headers.etag === reply.headers.etag &&
      receiptOf(again) === receiptOf(reply) &&
      isDeepStrictEqual(again.body, reply.body);
    if (isReplay(again) && isSame) return;
    if (isSameButUnavailable(again, reply)) return;
    this.#deps.onViolation(
      `a key used again must give the first answer: ${call.type} of event ${brief(eventId)}, key ${key}: first ${tell(reply)}, then ${tell(again)}`,
    );
  }

  /**
   * Sends a different request under a key that was answered. It must be refused. It is not recorded: if it changed
   * anything, the history could not explain that.
   */
  async askAmiss(draw: (eventId: string) => Call): Promise<void> {
    const settled = this.#anySettled();
    if (!settled) return;
    const { eventId, call, key } = settled;
    const other = draw(eventId);
    if (isDeepStrictEqual(other, call)) return;
    const reply = await this.probe(eventId, other, { key });
    if (!reply || reply.status === 503 || isInFlight(reply)) return;
    this.misuses++;
    if (isKeyReused(reply)) return;
    this.#deps.onViolation(
      `a key is one request: ${key} of event ${brief(eventId)} came with ${tellCall(call)}, then with ${tellCall(other)}: ${tell(reply)}`,
    );
  }

  /** Sends a call that is no operation of the history; null where nothing was told. */
  async probe(
    eventId: string,
    call: Call,
    { key, worker }: { key?: string; worker?: number | undefined } = {},
  ): Promise<Reply | null> {
    try {
      return (await this.#call(eventId, call, key, worker))?.reply ?? null;
    } catch {
      // Nothing was told, which is no answer to compare.
      return null;
    }
  }

  #newKey(client: string): string {
    return `${client}-${++this.#keys}`;
  }

  #anySettled(): Settled | null {
    return this.settled.length > 0 ? this.#deps.random.pick(this.settled) : null;
  }

  async #pause(): Promise<void> {
    this.retries++;
    await sleep(this.#deps.random.between(0, RETRY_PAUSE_MS));
  }

  #settle(settled: Settled, outcomes: Outcome[], { isFirst }: { isFirst: boolean }): void {
    if (isFirst && isReplay(settled.reply)) {
      this.#deps.onViolation(`a new key was answered as an old one: ${tell(settled.reply)}`);
    }
    // A key is only kept if the event exists, and if the user was found.
    const isKept = (outcome: Outcome) =>
      outcome.type !== 'refused' || !outcome.reason.startsWith('no such');
    if (outcomes.every(isKept)) this.settled.push(settled);
  }

  async #attempt(
    operation: Operation,
    key: string | undefined,
    worker: number | undefined,
  ): Promise<Attempt> {
    const { eventId, request } = operation;
    if (request.type === 'tables' || request.type === 'giveUp') {
      throw new Error(`nobody asks an event for ${request.type}`);
    }
    try {
      const answer = await this.#call(eventId, request, key, worker);
      if (answer === null) return { type: 'nothing' };
      const { reply, tookMs } = answer;
      operation.slowestMs = Math.max(operation.slowestMs, tookMs);
      return toAttempt(reply, eventId, request, key);
    } catch (error) {
      return this.#toFailure(error, request.type);
    }
  }

  /** The result of a bulk call, by row. */
  async #attemptAll(
    eventId: string,
    userIds: string[],
    key: string | undefined,
    worker: number | undefined,
  ): Promise<Attempt[] & { reply: Reply | null; tookMs: number }> {
    const call: Call = { type: 'registerAll', userIds };
    try {
      const answer = await this.#call(eventId, call, key, worker);
      if (answer) this.#checkReceiptOfAll(eventId, answer.reply, userIds);
      const attempts = answer
        ? rowsOf(answer.reply, userIds).map((row, i) => {
            const request: Asked = { type: 'register', userId: userIds[i] ?? '' };
            return toAttempt(row, eventId, request, key);
          })
        : userIds.map(() => ({ type: 'nothing' }) as const);
      return Object.assign(attempts, {
        reply: answer?.reply ?? null,
        tookMs: answer?.tookMs ?? 0,
      });
    } catch (error) {
      const failure = this.#toFailure(error, call.type);
      return Object.assign(
        userIds.map(() => failure),
        { reply: null, tookMs: 0 },
      );
    }
  }

  /** The receipt of a call for many is that of its last row that has one. */
  #checkReceiptOfAll(eventId: string, reply: Reply, userIds: string[]): void {
    const last = rowsOf(reply, userIds)
      .map(receiptOf)
      .findLast((receipt) => receipt !== null);
    if (receiptOf(reply) === (last ?? null)) return;
    this.#deps.onViolation(
      `event ${brief(eventId)}: registerAll has another receipt than its last row: ${tell(reply)}`,
    );
  }

  #toFailure(error: unknown, asked: Call['type']): Attempt {
    if (error instanceof UnreachedError) return { type: 'nothing' };
    const why = (error as Error).message;
    if (error instanceof UnexpectedAnswerError) {
      this.#deps.onViolation(`an answer that is never given: ${asked}: ${why}`);
    }
    return { type: 'doubt', why };
  }

  /** Sends a call, and sees to it that it is answered in time; null while nothing listens. */
  async #call(
    eventId: string,
    call: Call,
    key: string | undefined,
    worker: number | undefined,
  ): Promise<{ reply: Reply; tookMs: number } | null> {
    const { conditions, slowCallsMs, onViolation } = this.#deps;
    const port = await this.#deps.port(worker);
    if (port === null) return null;
    const sentAt = performance.now();
    const before = { stalledMs: stalledMs(), slowCallsMs: slowCallsMs() };
    try {
      const reply = await send(this.#client, port, eventId, call, key);
      const tookMs = performance.now() - sentAt;
      const lost = {
        stalledMs: stalledMs() - before.stalledMs,
        slowCallsMs: slowCallsMs() - before.slowCallsMs,
      };
      const { status } = reply;
      const late = lateness({ asked: call.type, status, tookMs, ...lost }, conditions);
      if (late) onViolation(`event ${brief(eventId)}: ${late}`);
      const receipt = receiptOf(reply);
      if (receipt !== null && status >= 400) {
        onViolation(`event ${brief(eventId)}: ${call.type} ${status} has the receipt ${receipt}`);
      }
      const share = (tookMs - lost.stalledMs) / answerWithinMs(call.type, conditions);
      this.slowest = Math.max(this.slowest, share);
      return { reply, tookMs };
    } catch (error) {
      // A killed worker cuts its connections. If the connection stays open, an answer must come.
      if (error instanceof NoAnswerError) {
        onViolation(`event ${brief(eventId)}: ${call.type} was never answered`);
      }
      throw error;
    }
  }
}

function toAttempt(
  reply: Reply,
  eventId: string,
  request: Asked,
  key: string | undefined,
): Attempt {
  if (key !== undefined && isInFlight(reply)) return { type: 'in flight' };
  const outcome = toOutcome(reply, eventId, request);
  if (!outcome) return { type: 'nothing' };
  if (outcome.type === 'unknown') return { type: 'doubt', why: outcome.why };
  return { type: 'told', outcome, reply };
}

function tell({ status, headers, body }: Reply): string {
  const replayed = headers['idempotency-replayed'] ? ' (replayed)' : '';
  const receipt = headers['registration-receipt'] ?? 'no receipt';
  return `${status}${replayed} ${JSON.stringify(body)}, ${receipt}`;
}

function tellCall({ type, ...rest }: Call): string {
  return `${type} ${JSON.stringify(rest)}`;
}
