import { IDEMPOTENCY_TTL_SECONDS } from '../limits.ts';
import type { Outcome } from './command.ts';

/** An `Idempotency-Key` as the engine knows it: two hashes. It never holds the client's text. */
export interface IdempotencyKey {
  /** Hash of the key and its scope: the event or the user, and the caller. */
  id: string;
  /** Hash of the request that the key came with. */
  fingerprint: string;
}

/** A used key as it is stored: in the same transaction as the change of its request. */
export interface KeyRecord extends IdempotencyKey {
  /** The outcome of the request, as JSON. */
  outcome: string;
  /** Epoch seconds from which on the key counts as new again. */
  expiresAt: number;
  /** The receipt of what the request changed; null where it changed nothing. */
  receipt: string | null;
}

/** The answer to a request whose key was used before. */
export type Replay<T = Outcome> =
  | (T & { isReplay: true; receipt?: string })
  | { type: 'keyRefused'; reason: 'reused' };

/** Repeats the first outcome, or refuses a key that was used for a different request. */
export function replay<T = Outcome>(record: KeyRecord, { fingerprint }: IdempotencyKey): Replay<T> {
  if (record.fingerprint !== fingerprint) return { type: 'keyRefused', reason: 'reused' };
  const receipt = record.receipt === null ? {} : { receipt: record.receipt };
  return { ...(JSON.parse(record.outcome) as T), isReplay: true, ...receipt };
}

/** The record of a used key and the outcome of its request. */
export function toKeyRecord(key: IdempotencyKey, outcome: unknown, nowMs: number): KeyRecord {
  const expiresAt = Math.floor(nowMs / 1_000) + IDEMPOTENCY_TTL_SECONDS;
  return { ...key, outcome: JSON.stringify(outcome), expiresAt, receipt: null };
}
