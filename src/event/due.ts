import { outboxDueAt } from './outbox.ts';
import { type Reminders, remindersDueAt } from './reminders.ts';
import { nextDueAt } from './rules/offer.ts';
import type { EventTotals } from './state.ts';

/** Who is told what. */
export interface Told {
  /** The names of the endpoints that the log is sent to. */
  readonly endpoints: readonly string[];
  /** Left out where nobody is reminded of offers. */
  readonly reminders?: Reminders | undefined;
}

/**
 * When an event has something to do by itself: messages to send, reminders, offers that end.
 *
 * @returns epoch milliseconds, `nowMs` for what is due already; null for never
 */
export function dueAtOf(
  event: EventTotals,
  { endpoints, reminders }: Told,
  nowMs: number,
): number | null {
  const messages = outboxDueAt(event.pointers, endpoints, event.log?.version ?? 0);
  const offers = nextDueAt(event, nowMs);
  const soon = reminders ? remindersDueAt(event, reminders, nowMs) : null;
  const all = [messages, offers, soon].filter((at) => at !== null);
  return all.length === 0 ? null : Math.max(nowMs, Math.min(...all));
}
