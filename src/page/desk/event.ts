/** One event at the desk. */
import { clock, eventPath } from '../api.ts';
import { confirm, h, say } from '../dom.ts';
import { watch } from '../live-client.ts';
import { openness } from '../seats.ts';
import { shared, desk as text } from '../text/en.ts';
import { longTime } from '../when.ts';
import { type CapacityView, type EventView, zoneOf } from '../wire.ts';
import { fill } from '../words.ts';
import { ask, key, locale, needsKey, press } from './ask.ts';
import type { Settings } from './changed.ts';
import { linksPart } from './links.ts';
import { liveChart } from './live-chart.ts';
import { logReader, showLog } from './log.ts';
import { peoplePart } from './people.ts';
import { change, type SettingsForm, settingsForm } from './settings.ts';
import { showWebhooks } from './webhooks.ts';

/** The numbers, as tiles that change in place. */
function tiles(): { element: HTMLElement; show(capacity: CapacityView): void } {
  const names = ['taken', 'free', 'waiting', 'held'] as const;
  const values = names.map(() => h('dd', {}, '–'));
  const element = h(
    'dl',
    {},
    ...names.map((name, i) => h('div', {}, h('dt', {}, text[name]), values[i] ?? '')),
  );
  return {
    element,
    show({ registeredCount, totalCapacity, availableCapacity, waitlistCount, offeredCount = 0 }) {
      const n = (value: number) => value.toLocaleString(locale);
      const shown = [
        `${n(registeredCount)} / ${n(totalCapacity)}`,
        n(availableCapacity),
        n(waitlistCount),
        n(offeredCount),
      ];
      for (const [i, value] of values.entries()) say(value, shown[i] ?? '');
    },
  };
}

/** What can be done with the event as a whole. */
function actions(
  event: EventView,
  etag: string,
  capacity: CapacityView,
  onChanged: () => void,
): HTMLElement {
  const set = (label: string, status: 'OPEN' | 'PAUSED' | 'CLOSED') =>
    h(
      'button',
      { type: 'button', click: () => change(event, etag, { status }).then(() => onChanged()) },
      label,
    );
  async function cancel(): Promise<void> {
    const { keep, yes } = text;
    const first = { title: text.sureCancel, hint: text.sureCancelHint, keep, yes };
    const counts = { n: capacity.registeredCount, waiting: capacity.waitlistCount };
    const second = {
      title: fill(text.sureCancelAgain, { name: event.name }),
      hint: fill(text.sureCancelAgainHint, counts),
      keep,
      yes,
    };
    if (!(await confirm(first)) || !(await confirm(second))) return;
    await press({ method: 'DELETE', path: eventPath(event.eventId), ifMatch: etag });
    onChanged();
  }
  const { status } = event;
  const isOver = status === 'CANCELLED';
  return h(
    'div',
    { 'data-bar': true },
    status === 'OPEN' && set(text.pause, 'PAUSED'),
    (status === 'PAUSED' || status === 'CLOSED') && set(text.resume, 'OPEN'),
    (status === 'OPEN' || status === 'PAUSED') && set(text.close, 'CLOSED'),
    !isOver && h('button', { type: 'button', 'data-danger': true, click: cancel }, text.cancel),
  );
}

/** A part that is read when it is opened. */
function part(
  name: string,
  fillIn: () => Promise<HTMLElement | null> | HTMLElement,
): HTMLDetailsElement {
  const body = h('div', {}, shared.loading);
  const details = h('details', {}, h('summary', {}, name), body);
  details.addEventListener('toggle', async () => {
    if (!details.open) return;
    const content = await fillIn();
    body.replaceChildren(content ?? '');
  });
  return details;
}

/**
 * Shows an event in `main`, and keeps its numbers up to date.
 *
 * @param typed what was typed into the settings, and is not made yet
 * @returns ends that
 */
export async function showEvent(
  main: HTMLElement,
  eventId: string,
  typed: Settings = {},
): Promise<() => void> {
  const [read, full] = await Promise.all([
    ask<EventView>('GET', eventPath(eventId)),
    ask<CapacityView>('GET', eventPath(eventId, '/capacity')),
  ]);
  if (!read || !full) return () => {};
  const event = read.body;
  const etag = read.headers.get('ETag') ?? '';
  const zone = zoneOf(event);
  let capacity = full.body;
  let isOver = false;
  const numbers = tiles();
  numbers.show(capacity);
  let end = () => {};
  let settings: SettingsForm | null = null;
  const again = async (kept: Settings = settings?.draft() ?? {}) => {
    if (isOver) return;
    isOver = true;
    end();
    const ending = await showEvent(main, eventId, kept);
    end = ending;
  };
  const log = logReader(eventId);
  const width = () => Math.min(960, Math.max(300, main.clientWidth));
  const drawing = liveChart(event, { log, width });
  const settingsPart = part(text.settings, () => {
    settings ??= settingsForm(event, etag, typed, again);
    return settings.element;
  });
  settingsPart.open = Object.keys(typed).length > 0;
  const when = event.startsAt ? `${longTime(event.startsAt, locale, zone)} · ` : '';
  const state = openness(event, clock.now(), { text: shared, locale });
  main.replaceChildren(
    h('p', {}, h('a', { href: '#' }, text.all)),
    h('h1', { tabindex: -1 }, event.name),
    h(
      'p',
      {},
      `${when}${state} · `,
      h('a', { href: `/e/${encodeURIComponent(eventId)}` }, text.page),
    ),
    numbers.element,
    actions(event, etag, capacity, () => again()),
    drawing.element,
    h('h2', {}, text.people),
    peoplePart(event, () => watching.refresh()),
    settingsPart,
    part(text.log, () => showLog(event, log)),
    part(text.links, () => linksPart(eventId)),
    part(text.webhooks, () => showWebhooks(eventId, zone)),
  );
  const watching = watch({
    url: location.origin,
    eventId,
    ...(needsKey ? { token: key } : {}),
    onOccupancy(occupancy) {
      capacity = occupancy;
      numbers.show(occupancy);
      drawing.follow(occupancy);
    },
  });
  end = () => {
    watching.close();
    drawing.end();
  };
  drawing.follow(capacity);
  return () => end();
}
