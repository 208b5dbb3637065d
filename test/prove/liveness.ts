import {
  COMMIT_DEADLINE_MS,
  QUEUE_SWEEP_MS,
  QUEUE_WAIT_MS,
  READ_DEADLINE_MS,
} from '../../src/limits.ts';
import type { Call } from './client.ts';
import type { Operation } from './history.ts';

/** What a noisy machine, with several worlds on it, may add to an answer. */
const SLACK_MS = 1_500;
/** Commits that a large raise may need one after the other. */
const RAISE_MAX_COMMITS = 4;
/** How long an absence of an event may be remembered, and how much longer such an answer may take. */
const ABSENCE_MAX_MS = 1_000;
const ABSENCE_SLACK_MS = 500;
/** If more time was lost here, the machine is too busy, and a timeout is no fault of the service. */
const CALM_MAX_LOST_MS = 250;

/** The conditions of a run that decide how soon an answer must come. */
export interface Conditions {
  /** The factor of the product's deadlines. */
  scale: number;
  /** Whether nothing happens to calls or processes. Then no request may be refused for lack of time. */
  isCalm: boolean;
  /** Whether a raise of the capacity needs more than one transaction. */
  isRaised: boolean;
}

/** An attempt that was answered. */
export interface Answered {
  asked: Call['type'];
  status: number;
  tookMs: number;
  /** Time that this process was kept from running meanwhile. */
  stalledMs: number;
  /** Time that calls to the database without a fault took too long meanwhile. */
  slowCallsMs: number;
}

/** Which calls read the tables besides: for users, on the way in or for their names, or for the log. */
const READS_TABLES = new Set<Call['type']>([
  'register',
  'registerAll',
  'override',
  'stand',
  'list',
  'log',
]);

/**
 * How late an answer may be: when the command's deadline is over it is refused, at the next look at the
 * queue, or what it was decided with is committed; some calls read the tables besides.
 */
export function answerWithinMs(asked: Call['type'], { scale, isRaised }: Conditions): number {
  const readMs = READS_TABLES.has(asked) ? READ_DEADLINE_MS : 0;
  const commits = asked === 'update' && isRaised ? RAISE_MAX_COMMITS : 1;
  const deadlines = QUEUE_WAIT_MS + QUEUE_SWEEP_MS + readMs + commits * COMMIT_DEADLINE_MS;
  return deadlines * scale + SLACK_MS;
}

/** Why an answer breaks the promise of an answer in time; null if it does not. */
export function lateness(
  { asked, status, tookMs, stalledMs, slowCallsMs }: Answered,
  conditions: Conditions,
): string | null {
  const boundMs = answerWithinMs(asked, conditions);
  if (tookMs - stalledMs > boundMs) {
    return `an answer that came too late: ${asked} ${status} after ${Math.round(tookMs)} ms, ${Math.round(boundMs)} at most`;
  }
  if (conditions.isCalm && status === 503 && stalledMs + slowCallsMs < CALM_MAX_LOST_MS) {
    return `refused for want of time though nothing was wrong: ${asked} 503 after ${Math.round(tookMs)} ms`;
  }
  return null;
}

/**
 * Finds answers that deny an event long after it was created. While two instances believe that they own it, one may
 * not know of its creation, but only for as long as an absence may be remembered.
 */
export function staleAbsences(operations: Operation[], { scale }: Conditions): string[] {
  const createdAt = Math.min(
    ...operations.flatMap(({ outcome, answeredAt }) =>
      outcome.type === 'created' ? [answeredAt] : [],
    ),
  );
  const until = createdAt + absenceMaxMs(scale);
  return operations.flatMap(({ client, request, outcome, sentAt }) =>
    outcome.type === 'refused' && outcome.reason === 'no such event' && sentAt > until
      ? [`${client} ${request.type}: "no such event" ${sentAt - createdAt} ms after its creation`]
      : [],
  );
}

/** How long after its creation an event may still be denied: a load may have begun just before. */
export function absenceMaxMs(scale: number): number {
  return ABSENCE_MAX_MS + 2 * READ_DEADLINE_MS * scale + ABSENCE_SLACK_MS;
}
