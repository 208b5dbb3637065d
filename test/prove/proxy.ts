import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault, Weather } from './faults.ts';
import { LaggingIndexes } from './indexes.ts';
import { Random } from './random.ts';
import { type ReadBooks, Tokens } from './tokens.ts';
import {
  type Answer,
  cancelled,
  failure,
  type Item,
  type Query,
  type QueryPage,
  readBody,
  success,
  type TransactWrite,
  Upstream,
} from './wire.ts';

/** How long an unanswered call is kept open if its caller does not give up. */
const HANG_MAX_MS = 60_000;

/** How long a call to the database may take on a machine that is not too busy. */
const USUAL_CALL_MS = 50;

/** A call of a worker to DynamoDB. */
interface DatabaseCall {
  operation: string;
  request: IncomingMessage;
  response: ServerResponse;
  body: Buffer;
  /** Resolves when the caller is gone. */
  givenUp: Promise<void>;
}

/** A proxy between workers and DynamoDB, on the loopback. It applies the weather to the calls. */
export class FaultProxy {
  weather: Weather;
  /** How often each fault struck. */
  readonly counts = new Map<Fault, number>();
  /** Time beyond `USUAL_CALL_MS` that calls without a fault took. */
  slowCallsMs = 0;
  /** One server for each worker, so that calls can be attributed to it. */
  readonly #doors: Server[];
  readonly #upstream: Upstream;
  readonly #random: Random;
  readonly #tokens = new Tokens();
  readonly #indexes: LaggingIndexes;
  readonly #pending = new Set<Promise<unknown>>();
  #calls = 0;
  #awaited: {
    transactions: number;
    minActions: number;
    reached: PromiseWithResolvers<void>;
  } | null = null;
  #isCut = false;
  #held: { operations: string[]; released: PromiseWithResolvers<void> } | null = null;

  private constructor(doors: Server[], upstreamPort: number, weather: Weather, seed: number) {
    this.#doors = doors;
    this.#upstream = new Upstream(upstreamPort);
    this.weather = weather;
    this.#random = new Random(seed, 'proxy');
    this.#indexes = new LaggingIndexes(
      weather.index,
      new Random(seed, 'indexes'),
      weather.userLagMs,
    );
    for (const [door, server] of doors.entries()) {
      server.on('request', (request, response) => {
        this.#track(
          this.#serve(request, response, door).catch(() => {
            response.destroy();
          }),
        );
      });
    }
  }

  /** @param doors the number of addresses: one for each worker */
  static async open(
    upstreamPort: number,
    weather: Weather,
    seed: number,
    doors: number,
  ): Promise<FaultProxy> {
    const servers = Array.from({ length: doors }, () =>
      createServer({ keepAliveTimeout: 60_000 }).listen(0, '127.0.0.1'),
    );
    await Promise.all(servers.map((server) => once(server, 'listening')));
    return new FaultProxy(servers, upstreamPort, weather, seed);
  }

  /** The address for the worker with this number. */
  url(door: number): string {
    const address = this.#doors[door]?.address() as AddressInfo | undefined;
    return `http://127.0.0.1:${address?.port ?? 0}`;
  }

  /** Lets no call through, as if DynamoDB were gone. */
  cut(): void {
    this.#isCut = true;
  }

  /** Finds out the results of the calls that were under way at the cut, then lets all calls through again. */
  async mend(readBooks: ReadBooks): Promise<void> {
    await this.settle(2_000);
    await this.#tokens.settle(readBooks);
    this.#isCut = false;
  }

  /** Leaves calls of these operations without an answer until they are released. */
  hold(operations: string[]): void {
    this.#held = { operations, released: Promise.withResolvers() };
  }

  release(): void {
    this.#held?.released.resolve();
    this.#held = null;
  }

  /** Resolves when so many transactions of this size more have been carried out. */
  afterTransactions(transactions: number, minActions: number): Promise<void> {
    this.#awaited = { transactions, minActions, reached: Promise.withResolvers() };
    return this.#awaited.reached.promise;
  }

  /** Waits until no call is under way any more, including late ones. */
  async settle(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (this.#pending.size > 0 && performance.now() < deadline) {
      await Promise.race([Promise.all(this.#pending), sleep(20)]);
    }
  }

  async close(): Promise<void> {
    for (const server of this.#doors) {
      server.closeAllConnections();
      server.close();
    }
    await this.settle(1_000);
    this.#upstream.close();
  }

  #track(work: Promise<unknown>): void {
    const tracked = work.finally(() => this.#pending.delete(tracked));
    this.#pending.add(tracked);
  }

  async #serve(request: IncomingMessage, response: ServerResponse, door: number): Promise<void> {
    const givenUp = new Promise<void>((resolve) => response.once('close', resolve));
    const body = await readBody(request);
    const operation = String(request.headers['x-amz-target'] ?? '').split('.')[1] ?? '';
    if (this.#isCut) return void response.destroy();
    if (this.#held?.operations.includes(operation)) {
      const { released } = this.#held;
      const isLost = givenUp.then(() => true);
      if (await Promise.race([isLost, released.promise])) return void response.destroy();
    }
    const transactionMs = this.weather.transactionMs[door] ?? 0;
    if (operation === 'TransactWriteItems' && transactionMs > 0) await sleep(transactionMs);
    const fault = this.#draw(operation);
    if (fault) this.counts.set(fault, (this.counts.get(fault) ?? 0) + 1);
    await this.#suffer(fault, { operation, request, response, body, givenUp });
  }

  /** The fault of the next call, if any. */
  #draw(operation: string): Fault | null {
    const { weights, rate, stormRate, stormEvery, stormCalls } = this.weather;
    const isStorm = stormEvery > 0 && this.#calls++ % stormEvery < stormCalls;
    const isStruck = this.#random.chance(isStorm ? stormRate : rate);
    const fault = this.#random.weighted({ ...weights, slow: weights.slow ?? 0.001 });
    if (!isStruck) return null;
    const isApplicable =
      fault === 'unprocessed'
        ? operation === 'BatchGetItem'
        : fault !== 'conflict' || operation === 'TransactWriteItems';
    return isApplicable ? fault : 'slow';
  }

  async #suffer(fault: Fault | null, call: DatabaseCall): Promise<void> {
    const { response, body, operation } = call;
    const drop = () => void response.destroy();
    switch (fault) {
      case null:
        return reply(response, await this.#carryOut(call));
      case 'slow':
        await sleep(this.#random.between(0, this.weather.slowMs));
        return reply(response, await this.#carryOut(call));
      case 'lost call':
        return drop();
      case 'lost answer':
        await this.#carryOut(call);
        return drop();
      case 'cut answer': {
        const answer = await this.#carryOut(call);
        response.writeHead(answer.status, headersOf(answer.body.length + 1));
        response.write(answer.body.subarray(0, answer.body.length >> 1));
        await sleep(1);
        return drop();
      }
      case 'error':
        return reply(response, failure(500, 'InternalServerError'));
      case 'error after':
        await this.#carryOut(call);
        return reply(response, failure(500, 'InternalServerError'));
      case 'throttled':
        return reply(response, this.#throttle(operation, body));
      case 'conflict':
        return reply(response, cancelled(actionsOf(body), 'TransactionConflict'));
      case 'hang':
        await Promise.race([call.givenUp, sleep(HANG_MAX_MS, undefined, { ref: false })]);
        return drop();
      case 'late': {
        const lateMs = this.#random.between(0, this.weather.lateMs);
        await Promise.race([call.givenUp, sleep(HANG_MAX_MS, undefined, { ref: false })]);
        drop();
        await sleep(lateMs);
        if (!this.#isCut) await this.#carryOut(call);
        return;
      }
      case 'unprocessed':
        return reply(response, await this.#leaveUnprocessed(call));
    }
  }

  #throttle(operation: string, body: Buffer): Answer {
    const name = this.#random.pick([
      'ThrottlingException',
      'ProvisionedThroughputExceededException',
      'RequestLimitExceeded',
      'cancelled',
    ]);
    return name === 'cancelled' && operation === 'TransactWriteItems'
      ? cancelled(actionsOf(body), 'ThrottlingError')
      : failure(400, name === 'cancelled' ? 'ThrottlingException' : name);
  }

  async #carryOut({ operation, request, body }: DatabaseCall): Promise<Answer> {
    const send = async (content: Buffer) => {
      const sentAt = performance.now();
      const answer = await this.#upstream.send(operation, request.headers, content);
      this.slowCallsMs += Math.max(0, performance.now() - sentAt - USUAL_CALL_MS);
      return answer;
    };
    if (operation === 'TransactWriteItems') {
      const write = JSON.parse(body.toString()) as TransactWrite;
      return this.#tokens.guard(write, async () => {
        const answer = await send(body);
        if (answer.status !== 200) return answer;
        this.#indexes.observe(write.TransactItems);
        const awaited = this.#awaited;
        if (awaited && write.TransactItems.length >= awaited.minActions) {
          if (--awaited.transactions === 0) awaited.reached.resolve();
        }
        return answer;
      });
    }
    if (operation !== 'Query') return send(body);
    const query = JSON.parse(body.toString()) as Query;
    if (!this.#indexes.covers(query)) return send(body);
    const { ExclusiveStartKey: _start, Limit: _limit, ...whole } = query;
    const rows: Item[] = [];
    let page: QueryPage = {};
    do {
      const next = page.LastEvaluatedKey ? { ExclusiveStartKey: page.LastEvaluatedKey } : {};
      const answer = await send(Buffer.from(JSON.stringify({ ...whole, ...next })));
      if (answer.status !== 200) return answer;
      page = JSON.parse(answer.body.toString()) as QueryPage;
      rows.push(...(page.Items ?? []));
    } while (page.LastEvaluatedKey);
    return success(this.#indexes.answer(query, rows));
  }

  /** Leaves half of the keys unprocessed, as DynamoDB does when it is short of throughput. */
  async #leaveUnprocessed({ operation, request, body }: DatabaseCall): Promise<Answer> {
    const { RequestItems = {} } = JSON.parse(body.toString()) as {
      RequestItems?: Record<string, { Keys: Item[] }>;
    };
    const asked: typeof RequestItems = {};
    const left: typeof RequestItems = {};
    for (const [table, entry] of Object.entries(RequestItems)) {
      const half = entry.Keys.length >> 1;
      if (half > 0) asked[table] = { ...entry, Keys: entry.Keys.slice(0, half) };
      left[table] = { ...entry, Keys: entry.Keys.slice(half) };
    }
    if (Object.keys(asked).length === 0) {
      return success({ Responses: {}, UnprocessedKeys: left });
    }
    const content = Buffer.from(JSON.stringify({ RequestItems: asked }));
    const answer = await this.#upstream.send(operation, request.headers, content);
    if (answer.status !== 200) return answer;
    const found = JSON.parse(answer.body.toString()) as Record<string, unknown>;
    return success({ ...found, UnprocessedKeys: left });
  }
}

function headersOf(length: number) {
  return { 'Content-Type': 'application/x-amz-json-1.0', 'Content-Length': length };
}

function reply(response: ServerResponse, { status, body }: Answer): void {
  response.writeHead(status, headersOf(body.length));
  response.end(body);
}

function actionsOf(body: Buffer): number {
  return (JSON.parse(body.toString()) as TransactWrite).TransactItems.length;
}
