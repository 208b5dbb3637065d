/** Personal addresses: made at the desk, shown once. */
import { find, h, say } from '../dom.ts';
import { desk as text } from '../text/en.ts';
import { longTime } from '../when.ts';
import { fill } from '../words.ts';
import { ask, locale, tell } from './ask.ts';

/** Whether the service makes personal addresses. */
const hasLinks = document.body.dataset.links === 'yes';

const DAY_S = 86_400;
/** How long an address can be good for: the text of each choice, and its seconds. */
const CHOICES = [
  ['hour', 3_600],
  ['day', DAY_S],
  ['week', 7 * DAY_S],
  ['month', 30 * DAY_S],
  ['year', 365 * DAY_S],
] as const;
const USUAL = 'month';

/** The address, as long as this view is there. Nobody can ask for it again. */
function shownLink(userId: string, url: string, expiresAt: string): HTMLElement[] {
  const address = h('input', { id: 'link-url', readonly: true, value: url, spellcheck: 'false' });
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(url);
      tell(text.copied);
    } catch {
      // The browser does not let a page copy: the text is selected, for whoever presses the keys.
      address.select();
      tell(text.copyYourself, false, true);
    }
  };
  const until = longTime(expiresAt, locale, Intl.DateTimeFormat().resolvedOptions().timeZone);
  return [
    h('p', {}, h('label', { for: 'link-url' }, fill(text.linkOf, { name: userId })), address),
    h('p', {}, h('button', { type: 'button', 'data-main': true, click: copy }, text.copy)),
    h('small', {}, `${fill(text.linkUntil, { time: until })} ${text.linkOnce}`),
  ];
}

/** The form that makes a personal address, for this event or for all. */
export function linksPart(eventId: string): HTMLElement {
  if (!hasLinks) return h('p', {}, text.noLinks);
  const made = h('div', { id: 'link', 'data-fields': true });
  const choices = CHOICES.map(([name, seconds]) =>
    h('option', { value: seconds, selected: name === USUAL }, text[name]),
  );
  const form = h(
    'form',
    { 'data-fields': true },
    h(
      'p',
      {},
      h('label', { for: 'link-user' }, text.userId),
      h('input', { id: 'link-user', required: true, maxlength: 100, autocomplete: 'off' }),
    ),
    h(
      'p',
      {},
      h('label', { for: 'link-time' }, text.goodFor),
      h('select', { id: 'link-time' }, ...choices),
    ),
    h(
      'p',
      {},
      h(
        'label',
        {},
        h('input', { id: 'link-only', type: 'checkbox', checked: true }),
        text.onlyHere,
      ),
    ),
    h('p', {}, h('button', {}, text.makeLink)),
  );
  form.addEventListener('input', () => made.replaceChildren());
  form.addEventListener('submit', async (submitted) => {
    submitted.preventDefault();
    made.replaceChildren();
    tell('');
    const userId = find<HTMLInputElement>('#link-user', form).value.trim();
    const expiresInSeconds = Number(find<HTMLSelectElement>('#link-time', form).value);
    const isOnly = find<HTMLInputElement>('#link-only', form).checked;
    const body = { userId, expiresInSeconds, ...(isOnly ? { eventId } : {}) };
    const answer = await ask<{ url: string; expiresAt: string }>('POST', '/registration/links', {
      body,
    });
    if (!answer) return;
    made.replaceChildren(...shownLink(userId, answer.body.url, answer.body.expiresAt));
    find<HTMLInputElement>('#link-url', made).select();
  });
  const hint = h('p', {});
  say(hint, text.linkHint);
  return h('div', {}, hint, form, made);
}
