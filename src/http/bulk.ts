import { AppError, ValidationError } from '../errors.ts';
import type { Command } from '../event/command.ts';
import type { Reply } from '../event/queue.ts';
import {
  actorOf,
  eventKeyOf,
  eventObject,
  expectOutcome,
  RECEIPT_HEADER,
  type RouteContext,
  toReplyError,
} from './event-call.ts';
import { markReplay } from './idempotency-key.ts';
import { type BulkResult, userIdSchema } from './schemas.ts';
import { toFieldErrors } from './validate.ts';

/** The result of one row. */
function toResult(reply: Reply, eventId: string, userId: string): BulkResult {
  try {
    const outcome = expectOutcome(reply, ['registered', 'waitlisted'], { eventId, userId });
    return {
      userId,
      success: true,
      registration: outcome.type === 'registered' ? outcome.registration : null,
      waitlistEntry: outcome.type === 'waitlisted' ? outcome.entry : null,
      receipt: reply.receipt ?? null,
    };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { userId, success: false, problem: error.toProblem() };
  }
}

/** How many rows had which result, for the log. */
export function tally(results: BulkResult[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const result of results) {
    const seated = result.success && result.registration ? 'ACTIVE' : 'WAITLISTED';
    const kind = result.success ? seated : result.problem.title;
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

/**
 * Registers users in order. Each row has its own result: a refused row does not affect the others.
 *
 * @param rows user ids; null for a row that was not a string
 * @throws AppError when the whole request is refused; nothing was changed then
 */
export async function registerAll(
  c: RouteContext,
  eventId: string,
  rows: (string | null)[],
): Promise<BulkResult[]> {
  const parsed = rows.map((row) => userIdSchema.safeParse(row));
  const commands: Command[] = parsed.flatMap(({ data }) =>
    data === undefined ? [] : { type: 'register', userId: data },
  );
  const key = await eventKeyOf(c, eventId, { type: 'registerAll', rows });
  const replies = (await eventObject(c.env, eventId).executeAll(commands, key, actorOf(c))) as
    | Reply
    | Reply[];
  if (!Array.isArray(replies)) throw toReplyError(replies, { eventId });
  if (replies.length > 0 && replies.every((reply) => 'isReplay' in reply)) {
    markReplay(c, { isReplay: true });
  }
  const last = replies.findLast(({ receipt }) => receipt);
  if (last?.receipt) c.header(RECEIPT_HEADER, last.receipt);
  let next = 0;
  return parsed.map(({ data, error }, i) => {
    if (data === undefined) {
      const fields = error ? toFieldErrors(error) : [];
      return {
        userId: rows[i] ?? null,
        success: false,
        problem: new ValidationError(fields).toProblem(),
      };
    }
    const reply = replies[next++] ?? { type: 'unavailable', reason: 'uncertain' };
    return toResult(reply, eventId, data);
  });
}
