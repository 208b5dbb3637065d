import { IDEMPOTENCY_TTL_SECONDS } from '../limits.ts';
import type { Command, Outcome } from './command.ts';

/** An `Idempotency-Key` as the engine knows it: two hashes. It never holds the client's text. */
export interface IdempotencyKey {
  /** Hash of the key and its scope: the event or the user, and the caller. */
  id: string;
  /** Hash of the request that the key came with. */
  fingerprint: string;
}

/** A used key as it is stored: in the same transaction as the change of its request. */
export interface KeyRecord extends IdempotencyKey {
  /** The outcome of the request, as JSON: see `toKept`. */
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

/** Stands for the id of somebody whom the log tells. No id is empty. */
export const IN_THE_LOG = '';

/**
 * The outcome of a command as JSON, without what each repetition of the request brings along: its user, and the reason
 * of an override. Null stands in their place.
 */
export function toKept(outcome: Outcome, command: Command): string {
  const asked = 'userId' in command ? command.userId : undefined;
  return JSON.stringify(outcome, (name, value: unknown) => {
    const isKnown = name === 'userId' && value === asked;
    return isKnown || (name === 'overrideReason' && value !== undefined) ? null : value;
  });
}

/** Puts back what `toKept` has left out. */
const fillIn = (command: Command) => (name: string, value: unknown) => {
  if (value !== null) return value;
  if (name === 'userId' && 'userId' in command) return command.userId;
  if (name !== 'overrideReason') return value;
  return command.type === 'register' ? command.override?.reason : undefined;
};

/**
 * The outcome as it is written. Others who are in it, such as who got the seat that became free, are in the log too, where its entry is
 * found by the receipt: only without a log are their ids written here.
 */
export function toStored({ outcome, receipt }: Pick<KeyRecord, 'outcome' | 'receipt'>): string {
  if (receipt === null || !outcome.includes('"userId":"')) return outcome;
  return JSON.stringify(JSON.parse(outcome), (name, value: unknown) =>
    name === 'userId' && value !== null ? IN_THE_LOG : value,
  );
}

/**
 * Repeats the first outcome, or refuses a key that was used for a different request.
 *
 * @param command what is asked again; left out where the outcome names nobody
 */
export function replay<T = Outcome>(
  record: KeyRecord,
  { fingerprint }: IdempotencyKey,
  command?: Command,
): Replay<T> {
  if (record.fingerprint !== fingerprint) return { type: 'keyRefused', reason: 'reused' };
  const receipt = record.receipt === null ? {} : { receipt: record.receipt };
  const outcome = JSON.parse(record.outcome, command && fillIn(command)) as T;
  return { ...outcome, isReplay: true, ...receipt };
}

/** The record of a used key. `outcome`: as JSON. */
export function toKeyRecord(key: IdempotencyKey, outcome: string, nowMs: number): KeyRecord {
  const expiresAt = Math.floor(nowMs / 1_000) + IDEMPOTENCY_TTL_SECONDS;
  return { ...key, outcome, expiresAt, receipt: null };
}
