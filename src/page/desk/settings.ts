/** The form of an event: to create one, and to change one after a look at what that would do. */
import { call, eventPath } from '../api.ts';
import { find, h } from '../dom.ts';
import { desk as text } from '../text/en.ts';
import { type EventView, zoneOf } from '../wire.ts';
import { count } from '../words.ts';
import { fromLocal, toLocal } from '../zoned.ts';
import { key, locale, press, tell } from './ask.ts';
import { changed, type Settings } from './changed.ts';

const TIMES = ['startsAt', 'registrationOpensAt', 'registrationClosesAt', 'promotesUntil'] as const;

let serial = 0;
function field(label: string, attributes: Parameters<typeof h>[1]): HTMLElement {
  const id = `field-${++serial}`;
  return h('p', {}, h('label', { for: id }, label), h('input', { id, ...attributes }));
}

/** The fields, filled in from an event. */
function fields(event: Settings): HTMLElement[] {
  const zone = zoneOf(event);
  const { name = '', capacity = '', hasWaitlist = false, waitlistCapacity, offerSeconds } = event;
  const zones = h('datalist', { id: 'zones' });
  for (const value of Intl.supportedValuesOf('timeZone')) zones.append(h('option', { value }));
  const time = (of: (typeof TIMES)[number]) =>
    field(text[of], { name: of, type: 'datetime-local', value: toLocal(event[of], zone) });
  const number = (of: 'capacity' | 'waitlistCapacity', value: number | string | null | undefined) =>
    field(text[of], {
      name: of,
      type: 'number',
      min: 1,
      max: 100_000,
      required: of === 'capacity',
      value,
    });
  return [
    field(text.name, { name: 'name', required: true, maxlength: 200, value: name }),
    number('capacity', capacity),
    h(
      'p',
      {},
      h(
        'label',
        {},
        h('input', { type: 'checkbox', name: 'hasWaitlist', checked: hasWaitlist }),
        text.hasWaitlist,
      ),
    ),
    number('waitlistCapacity', waitlistCapacity),
    time('startsAt'),
    field(text.timeZone, { name: 'timeZone', required: true, list: 'zones', value: zone }),
    time('registrationOpensAt'),
    time('registrationClosesAt'),
    time('promotesUntil'),
    field(text.offerMinutes, {
      name: 'offerMinutes',
      type: 'number',
      min: 0.2,
      max: 10_080,
      step: 'any',
      value: offerSeconds ? offerSeconds / 60 : '',
    }),
    zones,
  ];
}

/** What the form says. @throws RangeError for a zone that does not exist */
function read(form: HTMLFormElement): Settings {
  const data = new FormData(form);
  const value = (name: string) => String(data.get(name) ?? '').trim();
  const number = (name: string) => (value(name) === '' ? null : Number(value(name)));
  const timeZone = value('timeZone');
  const minutes = number('offerMinutes');
  const times = TIMES.map((name) => [name, fromLocal(value(name), timeZone)] as const);
  return {
    name: value('name'),
    capacity: Number(value('capacity')),
    hasWaitlist: data.has('hasWaitlist'),
    waitlistCapacity: number('waitlistCapacity'),
    timeZone,
    offerSeconds: minutes === null ? null : Math.round(minutes * 60),
    ...Object.fromEntries(times),
  };
}

/** Reads the form; says what is wrong with it, and answers null. */
function readOrTell(form: HTMLFormElement): Settings | null {
  try {
    return read(form);
  } catch {
    tell(text.timeZone, true);
    find<HTMLInputElement>('[name="timeZone"]', form).focus();
    return null;
  }
}

/** The form that creates an event. */
export function newEventForm(onCreated: (eventId: string) => void): HTMLElement {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const form = h(
    'form',
    { 'data-fields': true },
    ...fields({ hasWaitlist: true, timeZone: zone }),
    field(text.eventId, { name: 'eventId', maxlength: 100 }),
    h('p', {}, h('button', { 'data-main': true }, text.create)),
  );
  form.addEventListener('submit', async (submitted) => {
    submitted.preventDefault();
    const settings = readOrTell(form);
    if (!settings) return;
    const eventId = find<HTMLInputElement>('[name="eventId"]', form).value.trim();
    const body = { ...settings, ...(eventId ? { eventId } : {}) };
    const made = await press<EventView>({ method: 'POST', path: eventPath('').slice(0, -1), body });
    if (made) onCreated(made.eventId);
  });
  return form;
}

/** What a change does, or would do. */
interface Updated {
  event: EventView;
  promoted: { userId: string }[] | null;
  promotedCount: number;
  offered?: { userId: string }[] | null;
  offeredCount?: number;
}

const NAMES_SHOWN = 20;

/** Who would get a seat, in words. */
function effect({ promoted, promotedCount, offered, offeredCount = 0 }: Updated): HTMLElement[] {
  const list = (rows: { userId: string }[] | null | undefined, n: number) => {
    const names = (rows ?? []).slice(0, NAMES_SHOWN).map(({ userId }) => h('li', {}, userId));
    return h('ul', {}, ...names, n > names.length && h('li', {}, text.andMore));
  };
  if (promotedCount + offeredCount === 0) return [h('p', {}, text.seatsNobody)];
  return [
    ...(promotedCount > 0
      ? [h('p', {}, count(text, 'seatsThem', promotedCount, locale)), list(promoted, promotedCount)]
      : []),
    ...(offeredCount > 0
      ? [h('p', {}, count(text, 'offersThem', offeredCount, locale)), list(offered, offeredCount)]
      : []),
  ];
}

/** Sends a change of an event as it was read; says a refusal. `stale`: look at the values of now first; null: refused. */
async function patch(
  event: EventView,
  etag: string,
  body: Settings,
  query = '',
): Promise<Updated | 'stale' | null> {
  try {
    const path = eventPath(event.eventId, query);
    const answer = await call<Updated>('PATCH', path, { body, ifMatch: etag, token: key() });
    if (!answer.problem) return answer.body;
    const { status, detail } = answer.problem;
    const isStranger = status === 401 || status === 403;
    tell(status === 412 ? text.stale : isStranger ? text.wrongKey : detail, true);
    return status === 412 ? 'stale' : null;
  } catch {
    tell(text.noAnswer, true);
    return 'stale';
  }
}

/** Changes an event as it was read, and says how that went. */
export async function change(event: EventView, etag: string, body: Settings): Promise<void> {
  const answer = await patch(event, etag, body);
  if (answer !== null && answer !== 'stale') tell(text.done);
}

/** The form that changes an event. */
export interface SettingsForm {
  element: HTMLElement;
  /** What was typed and is not made yet. */
  draft(): Settings;
}

/**
 * Makes the form that changes an event.
 *
 * @param etag the revision that the form shows; a change of another is refused
 * @param typed what was typed before somebody else was faster
 * @param onChanged reads and shows the event again, with what was typed and is not made yet
 */
export function settingsForm(
  event: EventView,
  etag: string,
  typed: Settings,
  onChanged: (typed: Settings) => void,
): SettingsForm {
  const preview = h('div', { id: 'preview', role: 'status' });
  const form = h(
    'form',
    { 'data-fields': true },
    ...fields({ ...event, ...typed }),
    h('p', {}, h('button', {}, text.check)),
  );
  form.addEventListener('input', () => preview.replaceChildren());
  form.addEventListener('submit', async (submitted) => {
    submitted.preventDefault();
    const settings = readOrTell(form);
    if (!settings) return;
    const body = changed(event, settings);
    if (Object.keys(body).length === 0) return tell(text.unchanged);
    tell('');
    const answer = await patch(event, etag, body, '?dryRun=true');
    if (answer === null) return;
    if (answer === 'stale') return onChanged(body);
    const apply = async () => {
      const made = await patch(event, etag, body);
      if (made === null) return;
      if (made !== 'stale') tell(text.done);
      onChanged(made === 'stale' ? body : {});
    };
    preview.replaceChildren(
      ...effect(answer),
      h('button', { type: 'button', 'data-main': true, click: apply }, text.apply),
      h('button', { type: 'button', click: () => preview.replaceChildren() }, text.discard),
    );
  });
  function draft(): Settings {
    try {
      return changed(event, read(form));
    } catch {
      // A zone that does not exist: nothing of the times can be read.
      return {};
    }
  }
  return { element: h('div', {}, form, preview), draft };
}
