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
/** How long it may be remembered that there is no such event, and what else such an answer may take. */
const ABSENCE_MAX_MS = 1_000;
const ABSENCE_SLACK_MS = 500;
/** With more time lost than that, on a machine that is too busy, want of time is no fault of the service. */
const CALM_MAX_LOST_MS = 250;

/** What of a run decides how soon an answer has to come. */
export interface Circumstances {
  /** What the deadlines of the product are multiplied with. */
  scale: number;
  /** Whether nothing happens to calls or processes: then nobody is refused for want of time. */
  isCalm: boolean;
  /** Whether a capacity is raised by more than one transaction takes. */
  isRaised: boolean;
}

/** An attempt that was answered. */
export interface Answered {
  asked: Call['type'];
  status: number;
  tookMs: number;
  /** Time that was lost in this process meanwhile. */
  stalledMs: number;
  /** Time that calls to the database took meanwhile though nothing befell them. */
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
export function answerWithinMs(asked: Call['type'], { scale, isRaised }: Circumstances): number {
  const readMs = READS_TABLES.has(asked) ? READ_DEADLINE_MS : 0;
  const commits = asked === 'update' && isRaised ? RAISE_MAX_COMMITS : 1;
  const deadlines = QUEUE_WAIT_MS + QUEUE_SWEEP_MS + readMs + commits * COMMIT_DEADLINE_MS;
  return deadlines * scale + SLACK_MS;
}

/** Why an answer breaks the promise that everybody is told in time, if it does. */
export function lateness(
  { asked, status, tookMs, stalledMs, slowCallsMs }: Answered,
  circumstances: Circumstances,
): string | null {
  const boundMs = answerWithinMs(asked, circumstances);
  if (tookMs - stalledMs > boundMs) {
    return `an answer that came too late: ${asked} ${status} after ${Math.round(tookMs)} ms, ${Math.round(boundMs)} at most`;
  }
  if (circumstances.isCalm && status === 503 && stalledMs + slowCallsMs < CALM_MAX_LOST_MS) {
    return `refused for want of time though nothing was wrong: ${asked} 503 after ${Math.round(tookMs)} ms`;
  }
  return null;
}

/**
 * Answers that deny an event long after it was created. While two instances believe that they own it,
 * one may not have heard of its creation; but not for longer than such an answer is remembered.
 */
export function staleAbsences(operations: Operation[], { scale }: Circumstances): string[] {
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

/** After which time an event that was created is there for everybody: a load may have begun just before. */
export function absenceMaxMs(scale: number): number {
  return ABSENCE_MAX_MS + 2 * READ_DEADLINE_MS * scale + ABSENCE_SLACK_MS;
}
