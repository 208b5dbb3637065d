import { eventPath } from '../api.ts';
import { confirm, find, h } from '../dom.ts';
import { desk as text } from '../text/en.ts';
import { shortTime } from '../when.ts';
import { fill } from '../words.ts';
import { ask, locale, press, tell } from './ask.ts';
import { table } from './table.ts';

interface Webhook {
  name: string;
  pending: number;
  deliveredVersion: number;
  failingSince: string | null;
  lastError: string | null;
  nextAttemptAt: string | null;
  isEnded?: boolean;
}

/** The form that has an endpoint told again of what is after a version. */
function replayForm(eventId: string, names: string[], onReplayed: () => void): HTMLElement {
  const choices = names.map((name) => h('option', { value: name }, name));
  const form = h(
    'form',
    { 'data-fields': true },
    h(
      'p',
      {},
      h('label', { for: 'replay-name' }, text.endpoint),
      h('select', { id: 'replay-name' }, ...choices),
    ),
    h(
      'p',
      {},
      h('label', { for: 'replay-after' }, text.after),
      h('input', { id: 'replay-after', type: 'number', min: 0, step: 1, required: true, value: 0 }),
    ),
    h('p', {}, h('button', {}, text.replay)),
  );
  form.addEventListener('submit', async (submitted) => {
    submitted.preventDefault();
    const name = find<HTMLSelectElement>('#replay-name', form).value;
    const after = Number(find<HTMLInputElement>('#replay-after', form).value);
    const n = after.toLocaleString(locale);
    const asked = {
      title: fill(text.sureReplay, { name }),
      hint: fill(text.sureReplayHint, { n }),
      keep: text.discard,
      yes: text.yes,
    };
    if (!(await confirm(asked))) return;
    const path = eventPath(eventId, `/webhooks/${encodeURIComponent(name)}/replay`);
    if (!(await press({ method: 'POST', path, body: { after } }))) return;
    tell(fill(text.replaying, { name, n }));
    onReplayed();
  });
  return form;
}

/** How far each endpoint has come, and the form that sends again. */
export async function showWebhooks(eventId: string, timeZone: string): Promise<HTMLElement> {
  const place = h('div', {});
  const show = async () => {
    const answer = await ask<Webhook[]>('GET', eventPath(eventId, '/webhooks'));
    if (!answer) return;
    if (answer.body.length === 0) return place.replaceChildren(h('p', {}, text.noWebhooks));
    const at = (iso: string | null) => (iso ? shortTime(iso, locale, timeZone) : '');
    const rows = answer.body.map((each) => [
      each.name,
      each.pending.toLocaleString(locale),
      each.deliveredVersion.toLocaleString(locale),
      each.isEnded ? text.ended : at(each.failingSince),
      each.lastError ?? '',
      at(each.nextAttemptAt),
    ]);
    const columns = [
      text.endpoint,
      text.pending,
      text.delivered,
      text.failing,
      text.lastError,
      text.next,
    ];
    const names = answer.body.map(({ name }) => name);
    place.replaceChildren(
      table(text.webhooks, columns, rows, [1, 2]),
      h('h3', {}, text.replayHeading),
      replayForm(eventId, names, show),
    );
  };
  await show();
  return place;
}
