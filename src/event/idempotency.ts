import { IDEMPOTENCY_TTL_SECONDS } from '../limits.ts';
import type { Outcome } from './command.ts';

/** An `Idempotency-Key` as the engine knows it: no client's text, just hashes. */
export interface IdempotencyKey {
  /** Of the key and of what it is kept apart by: the event or the user. */
  id: string;
  /** Of the request that it came with. */
  fingerprint: string;
}

/** A key that is used up, as it is stored, in the transaction of the change that it guards. */
export interface KeyRecord extends IdempotencyKey {
  /** What came of the request, as JSON. */
  outcome: string;
  /** Epoch seconds after which the key is new again. */
  expiresAt: number;
  /** The receipt of what the request changed; null where it changed nothing. */
  receipt: string | null;
}

/** What a request with a key is answered when the key was used before. */
export type Replay<T = Outcome> =
  | (T & { isReplay: true; receipt?: string })
  | { type: 'keyRefused'; reason: 'reused' };

/** The first outcome again, or a refusal when the key came with another request. */
export function replay<T = Outcome>(record: KeyRecord, { fingerprint }: IdempotencyKey): Replay<T> {
  if (record.fingerprint !== fingerprint) return { type: 'keyRefused', reason: 'reused' };
  const receipt = record.receipt === null ? {} : { receipt: record.receipt };
  return { ...(JSON.parse(record.outcome) as T), isReplay: true, ...receipt };
}

/** A key as it is to be stored with what came of its request. */
export function toKeyRecord(key: IdempotencyKey, outcome: unknown, nowMs: number): KeyRecord {
  const expiresAt = Math.floor(nowMs / 1_000) + IDEMPOTENCY_TTL_SECONDS;
  return { ...key, outcome: JSON.stringify(outcome), expiresAt, receipt: null };
}
