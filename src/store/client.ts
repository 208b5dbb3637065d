import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Config, TableNames } from '../config.ts';
import { ATTEMPT_MIN_MS, BACKOFF_FIRST_MS, BACKOFF_MAX_MS } from '../limits.ts';
import { openClient } from './transport.ts';

/** The tables and the client that reaches them. */
export interface Store {
  client: DynamoDBDocumentClient;
  tables: TableNames;
}

/** Opens the store. One attempt a call: `persist` below retries, with a deadline of ours. */
export function openStore(config: Config): Store {
  return { client: DynamoDBDocumentClient.from(openClient(config)), tables: config.tables };
}

/**
 * DynamoDB could not be asked, or would not answer, within the deadline.
 * `isUncertain` tells that a write may have been applied, or still may be.
 */
export class StoreUnavailableError extends Error {
  override readonly name: string = 'StoreUnavailableError';
  readonly isUncertain: boolean;

  constructor(message: string, isUncertain: boolean, cause?: unknown) {
    super(message, { cause });
    this.isUncertain = isUncertain;
  }
}

/** The event's item was written by another system, which keeps no books of its rows. */
export class NotAdoptedError extends StoreUnavailableError {
  override readonly name = 'NotAdoptedError';

  constructor() {
    super('the event was written by another system: `npm run adopt` takes it over', false);
  }
}

/** The condition of a write did not hold, so it was not applied. */
export class ConditionFailedError extends Error {
  override readonly name = 'ConditionFailedError';
}

/** DynamoDB applied nothing and may do so a moment later. */
const BUSY = new Set([
  'ThrottlingException',
  'ThrottlingError',
  'ProvisionedThroughputExceededException',
  'ProvisionedThroughputExceeded',
  'RequestLimitExceeded',
  'TransactionConflictException',
  'TransactionConflict',
]);

/** DynamoDB refuses to work for us until somebody changes a setting. */
const MISCONFIGURED = new Set([
  'AccessDeniedException',
  'ExpiredTokenException',
  'IncompleteSignatureException',
  'InvalidSignatureException',
  'MissingAuthenticationTokenException',
  'ResourceNotFoundException',
  'UnrecognizedClientException',
]);

/** What a failed attempt says about the next one, and about what became of this one. */
type Verdict = 'busy' | 'uncertain' | 'condition' | 'misconfigured' | 'defect';

/** Judges what the SDK threw. */
export function judge(error: unknown): Verdict {
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
  // An earlier attempt with this token is still at work: its outcome will be ours.
  if (name === 'TransactionInProgressException') return 'uncertain';
  // A 4xx whose body was cut off has a status, and no fault: it may have been a mere "busy".
  const status = $metadata?.httpStatusCode ?? 0;
  return $fault === 'client' && status >= 400 && status < 500 ? 'defect' : 'uncertain';
}

/** A pause drawn at random below a ceiling that doubles with each attempt ("full jitter"). */
export function backoffMs(attempt: number): number {
  return Math.random() * Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** attempt);
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Runs one DynamoDB call until it answers: attempts are cut short, failures are retried with
 * back-off, and the deadline bounds it all. Fit for reads and for writes that carry a token.
 *
 * @param deadline epoch milliseconds after which no new attempt starts
 * @param timeoutMs how long one attempt may take
 * @throws ConditionFailedError when the write's condition did not hold
 * @throws StoreUnavailableError when no answer could be had
 */
export async function persist<T>(
  call: (options: { abortSignal: AbortSignal }) => Promise<T>,
  { deadline, timeoutMs }: { deadline: number; timeoutMs: number },
): Promise<T> {
  let isUncertain = false;
  for (let attempt = 0; ; attempt++) {
    const timeLeft = Math.max(1, deadline - Date.now());
    // Not `AbortSignal.timeout`, whose timer would outlive the call and keep the object from resting.
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), Math.min(timeoutMs, timeLeft));
    try {
      return await call({ abortSignal: abort.signal });
    } catch (error) {
      const verdict = judge(error);
      // With one token for all attempts, a condition that fails proves that none was applied.
      if (verdict === 'condition') throw new ConditionFailedError('condition', { cause: error });
      if (verdict === 'uncertain') isUncertain = true;
      if (verdict === 'defect') throw error;
      const { name } = error as Error;
      if (verdict === 'misconfigured') {
        throw new StoreUnavailableError(`DynamoDB refuses the call: ${name}`, isUncertain, error);
      }
      const pause = backoffMs(attempt);
      // An attempt without the time for an answer would only turn a clear refusal into a doubt.
      if (Date.now() + pause + ATTEMPT_MIN_MS >= deadline) {
        throw new StoreUnavailableError(`DynamoDB does not answer: ${name}`, isUncertain, error);
      }
      await sleep(pause);
    } finally {
      clearTimeout(timer);
    }
  }
}
