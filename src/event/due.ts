import { outboxDueAt } from './outbox.ts';
import { nextDueAt } from './rules/offer.ts';
import type { EventTotals } from './state.ts';

/**
 * When an event has something to do by itself: messages to send, offers that end.
 *
 * @param endpoints the names of the endpoints that are configured
 * @returns epoch milliseconds, `nowMs` for what is due already; null for never
 */
export function dueAtOf(
  event: EventTotals,
  endpoints: readonly string[],
  nowMs: number,
): number | null {
  const messages = outboxDueAt(event.pointers, endpoints, event.log?.version ?? 0);
  const offers = nextDueAt(event, nowMs);
  const all = [messages, offers].filter((at) => at !== null);
  return all.length === 0 ? null : Math.max(nowMs, Math.min(...all));
}
