import { eventPath } from '../api.ts';
import { h } from '../dom.ts';
import { desk as text } from '../text/en.ts';
import { shortTime } from '../when.ts';
import { ask, locale } from './ask.ts';
import { table } from './table.ts';

interface Webhook {
  name: string;
  pending: number;
  failingSince: string | null;
  lastError: string | null;
  nextAttemptAt: string | null;
}

/** How far each endpoint has come. */
export async function showWebhooks(eventId: string, timeZone: string): Promise<HTMLElement> {
  const answer = await ask<Webhook[]>('GET', eventPath(eventId, '/webhooks'));
  const webhooks = answer?.body ?? [];
  if (webhooks.length === 0) return h('p', {}, text.noWebhooks);
  const at = (iso: string | null) => (iso ? shortTime(iso, locale, timeZone) : '');
  return table(
    text.webhooks,
    [text.endpoint, text.pending, text.failing, text.lastError, text.next],
    webhooks.map(({ name, pending, failingSince, lastError, nextAttemptAt }) => [
      name,
      pending.toLocaleString(locale),
      at(failingSince),
      lastError ?? '',
      at(nextAttemptAt),
    ]),
    [1],
  );
}
