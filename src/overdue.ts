import { OVERDUE_MS, OVERDUE_WAKES_AT_A_TIME } from './limits.ts';
import { servicesOf } from './services.ts';
import { overdueEvents } from './store/events.ts';

/**
 * Wakes the events whose alarm should have gone off long ago: alarms are lost when tables are restored or
 * objects get another namespace. Run every hour. An event that cannot be woken is told of, and waits
 * for the next hour.
 */
export async function wakeOverdue(env: Env): Promise<void> {
  const { store } = servicesOf(env);
  let after: string | null = null;
  let woken = 0;
  do {
    const page = await overdueEvents(store, Date.now() - OVERDUE_MS, after);
    for (let i = 0; i < page.eventIds.length; i += OVERDUE_WAKES_AT_A_TIME) {
      const some = page.eventIds.slice(i, i + OVERDUE_WAKES_AT_A_TIME);
      const results = await Promise.allSettled(some.map((id) => env.EVENTS.getByName(id).wake()));
      woken += results.filter(({ status }) => status === 'fulfilled').length;
      for (const result of results) {
        if (result.status === 'rejected') warn('event not woken', { error: String(result.reason) });
      }
    }
    after = page.last;
  } while (after !== null);
  if (woken > 0) warn('overdue events woken', { count: woken });
}

function warn(problem: string, details: Record<string, unknown>): void {
  // biome-ignore lint/suspicious/noConsole: the platform's log
  console.warn(JSON.stringify({ problem, ...details }));
}
