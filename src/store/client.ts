import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Config, TableNames } from '../config.ts';
import { ATTEMPT_MIN_MS, BACKOFF_FIRST_MS, BACKOFF_MAX_MS } from '../limits.ts';
import { sleep } from '../sleep.ts';
import { openLightClient } from './transport.ts';

/** The tables and the client that reaches them. */
export interface Store {
  client: DynamoDBDocumentClient;
  tables: TableNames;
}

/** Opens the store. Its client makes one attempt for each call; `callTables` retries, up to our own deadline. */
export function openStore(config: Config): Store {
  return { client: DynamoDBDocumentClient.from(openLightClient(config)), tables: config.tables };
}

/**
 * DynamoDB did not answer within the deadline, or refused the call.
 * `isUncertain`: a write may have been applied, or may still be applied later.
 */
export class StoreUnavailableError extends Error {
  override readonly name = 'StoreUnavailableError';
  readonly isUncertain: boolean;

  constructor(message: string, isUncertain: boolean, cause?: unknown) {
    super(message, { cause });
    this.isUncertain = isUncertain;
  }
}

/** The condition of a write did not hold, so it was not applied. */
export class ConditionFailedError extends Error {
  override readonly name = 'ConditionFailedError';
}

/** A table lacks an index, or it is still being filled: `npm run tables` adds it. */
export class MissingIndexError extends Error {
  override readonly name = 'MissingIndexError';
  /** The role of the table. */
  readonly table: string;

  constructor(table: string, index: string) {
    super(`the table of the ${table} has no index ${index}`);
    this.table = table;
  }
}

/** DynamoDB applied nothing, but another attempt may succeed. */
const BUSY = new Set([
  'ThrottlingException',
  'ThrottlingError',
  'ProvisionedThroughputExceededException',
  'ProvisionedThroughputExceeded',
  'RequestLimitExceeded',
  'TransactionConflictException',
  'TransactionConflict',
]);

/** DynamoDB refuses every call until somebody changes a setting. */
const MISCONFIGURED = new Set([
  'AccessDeniedException',
  'ExpiredTokenException',
  'IncompleteSignatureException',
  'InvalidSignatureException',
  'MissingAuthenticationTokenException',
  'ResourceNotFoundException',
  'UnrecognizedClientException',
]);

/** What a failed attempt means: whether it may have been applied, and whether another one helps. */
type Verdict = 'busy' | 'uncertain' | 'condition' | 'misconfigured' | 'defect';

/** The verdict on an error that the SDK threw. */
export function verdictOf(error: unknown): Verdict {
  const { name, $fault, $metadata, CancellationReasons } = error as {
    name?: string;
    $fault?: 'client' | 'server';
    $metadata?: { httpStatusCode?: number };
    CancellationReasons?: { Code?: string }[];
  };
  if (name === 'TransactionCanceledException') {
    const codes = (CancellationReasons ?? []).map(({ Code }) => Code ?? 'None');
    if (codes.includes('ConditionalCheckFailed')) return 'condition';
    const reasons = codes.filter((code) => code !== 'None');
    return reasons.length > 0 && reasons.every((code) => BUSY.has(code)) ? 'busy' : 'defect';
  }
  if (name === 'ConditionalCheckFailedException') return 'condition';
  if (name && BUSY.has(name)) return 'busy';
  if (name && MISCONFIGURED.has(name)) return 'misconfigured';
  // An earlier attempt with this token is still running. Its result counts for this one too.
  if (name === 'TransactionInProgressException') return 'uncertain';
  // A 4xx whose body was cut off has a status but no `$fault`. It may have been "busy", so it is no defect.
  const status = $metadata?.httpStatusCode ?? 0;
  return $fault === 'client' && status >= 400 && status < 500 ? 'defect' : 'uncertain';
}

/** A pause drawn at random below a ceiling that doubles with each attempt ("full jitter"). */
export function backoffMs(attempt: number): number {
  return Math.random() * Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** attempt);
}

/**
 * Makes one DynamoDB call, and repeats it with back-off until it succeeds or the deadline is near. Each attempt
 * has a timeout. Only for reads, and for writes that carry a token.
 *
 * @param deadline epoch milliseconds after which no new attempt starts
 * @param timeoutMs how long one attempt may take
 * @throws ConditionFailedError when the write's condition did not hold
 * @throws StoreUnavailableError when no answer could be had
 */
export async function callTables<T>(
  call: (options: { abortSignal: AbortSignal }) => Promise<T>,
  { deadline, timeoutMs }: { deadline: number; timeoutMs: number },
): Promise<T> {
  let isUncertain = false;
  for (let attempt = 0; ; attempt++) {
    const timeLeft = Math.max(1, deadline - Date.now());
    // Not `AbortSignal.timeout`: its timer outlives the call, and the platform does not evict an object with timers.
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), Math.min(timeoutMs, timeLeft));
    try {
      return await call({ abortSignal: abort.signal });
    } catch (error) {
      const verdict = verdictOf(error);
      // All attempts have one token, so a failed condition proves that none of them was applied.
      if (verdict === 'condition') throw new ConditionFailedError('condition', { cause: error });
      if (verdict === 'uncertain') isUncertain = true;
      if (verdict === 'defect') throw error;
      const { name } = error as Error;
      if (verdict === 'misconfigured') {
        throw new StoreUnavailableError(`DynamoDB refuses the call: ${name}`, isUncertain, error);
      }
      const pause = backoffMs(attempt);
      // An attempt without enough time for an answer would only turn "not applied" into "uncertain".
      if (Date.now() + pause + ATTEMPT_MIN_MS >= deadline) {
        throw new StoreUnavailableError(`DynamoDB does not answer: ${name}`, isUncertain, error);
      }
      await sleep(pause);
    } finally {
      clearTimeout(timer);
    }
  }
}
