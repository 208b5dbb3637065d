/** `/desk`: for organisers. What is shown stands in the fragment: nothing, `new`, or `e=EVENT_ID`. */
import { carryOut, keepKey, key, needsKey, PLACE, tell } from './desk/ask.ts';
import { showEvent } from './desk/event.ts';
import { showEvents } from './desk/events.ts';
import { newEventForm } from './desk/settings.ts';
import { find, h } from './dom.ts';
import { openPress } from './press.ts';
import { desk as text } from './text/en.ts';

/** What is shown. Each view has an element of its own, so that a late answer changes only the view that asked. */
let view = find('#desk > div');
let leave = () => {};

/** Asks for the key. */
function showDoor(): void {
  const input = h('input', {
    id: 'key',
    type: 'password',
    required: true,
    autocomplete: 'off',
    maxlength: 8_000,
  });
  const form = h(
    'form',
    { 'data-fields': true },
    h('p', {}, h('label', { for: 'key' }, text.key), input),
    h('p', {}, h('button', { 'data-main': true }, text.open)),
  );
  form.addEventListener('submit', (submitted) => {
    submitted.preventDefault();
    keepKey(input.value.trim());
    tell('');
    show();
  });
  view.replaceChildren(h('h1', { tabindex: -1 }, text.title), h('p', {}, text.keyHint), form);
}

async function show(): Promise<void> {
  leave();
  leave = () => {};
  const next = h('div');
  view.replaceWith(next);
  view = next;
  find('#leave').hidden = !needsKey || key() === undefined;
  if (needsKey && key() === undefined) return showDoor();
  const fragment = new URLSearchParams(location.hash.slice(1));
  const eventId = fragment.get('e');
  if (eventId !== null) {
    const end = await showEvent(next, eventId);
    if (view === next) leave = end;
    else end();
  } else if (fragment.has('new')) {
    const go = (id: string) => {
      location.hash = `e=${encodeURIComponent(id)}`;
    };
    next.replaceChildren(
      h('p', {}, h('a', { href: '#' }, text.all)),
      h('h1', { tabindex: -1 }, text.newEvent),
      newEventForm(go),
    );
  } else {
    await showEvents(next);
  }
}

find('#leave').addEventListener('click', () => {
  keepKey(null);
  tell('');
  show();
});
addEventListener('hashchange', () => {
  tell('');
  show().then(() => view.querySelector('h1')?.focus());
});

const unanswered = openPress(PLACE);
if (unanswered) carryOut(unanswered).then(show);
else show();
