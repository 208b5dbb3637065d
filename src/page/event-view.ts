import { clock } from './api.ts';
import { toCalendar } from './calendar.ts';
import { find, say } from './dom.ts';
import { download } from './download.ts';
import { locale, placeInWords, zoneOfReader } from './event-words.ts';
import { freeSeats, openness, type Wording, waiting } from './seats.ts';
import { shared, event as text } from './text/en.ts';
import { longTime, shortTime } from './when.ts';
import { type CapacityView, type EventView, type PlaceView, zoneOf } from './wire.ts';
import { fill } from './words.ts';

const wording: Wording = { text: shared, locale };

/** Shows where the reader stands. */
export function showPlace(
  event: EventView | null,
  place: PlaceView | null,
  who: { isKnown: boolean; needsToken: boolean },
): void {
  const box = find('#place');
  const lines = placeInWords(event, place, who);
  const status = place?.status ?? '';
  if (box.dataset.status !== status) box.dataset.status = status;
  if (box.dataset.said === lines.join('\n')) return;
  box.dataset.said = lines.join('\n');
  const bold = document.createElement('b');
  bold.textContent = lines[0];
  box.replaceChildren(bold, lines[1]);
}

/** Shows the event itself: its name, when it is, and whether registration is open. */
export function showEvent(event: EventView): void {
  document.title = `${event.name} · ${shared.brand}`;
  say(find('h1'), event.name);
  const { startsAt } = event;
  const time = find('#time');
  const yours = find('span', time);
  const zone = zoneOf(event);
  const inZone = startsAt ? longTime(startsAt, locale, zone) : '';
  if (time.firstChild !== yours) time.firstChild?.remove();
  time.prepend(inZone);
  const there = startsAt ? shortTime(startsAt, locale, zone) : '';
  const here = startsAt ? shortTime(startsAt, locale, zoneOfReader()) : '';
  say(yours, here === there ? '' : fill(text.yourTime, { time: here }));
  const calendar = find<HTMLButtonElement>('#calendar');
  calendar.disabled = false;
  calendar.dataset.when = time.dataset.when = startsAt ?? '';
  find('#openness').dataset.status = event.status;
}

/** Says whether registration is open now. */
export function showOpenness(event: EventView): void {
  say(find('#openness'), openness(event, clock.now(), wording));
}

/** Gives the reader a calendar file of the event, if it has a time. */
export function saveToCalendar(event: EventView | null): void {
  if (!event?.startsAt) return;
  const { eventId, name, startsAt } = event;
  const url = location.origin + location.pathname;
  const now = new Date(clock.now()).toISOString();
  download(`${eventId}.ics`, 'text/calendar', toCalendar({ eventId, name, startsAt }, url, now));
}

/** Shows how full the event is. */
export function showNumbers(event: EventView, capacity: CapacityView): void {
  const [free, line] = document.querySelectorAll('#numbers p');
  if (free) say(free, freeSeats(capacity, wording));
  if (line) say(line, waiting(event, capacity, wording));
  const { totalCapacity, availableCapacity } = capacity;
  const bar = find('[role="meter"]');
  bar.setAttribute('aria-valuemax', String(totalCapacity));
  bar.setAttribute('aria-valuenow', String(totalCapacity - availableCapacity));
  bar.setAttribute('aria-label', freeSeats(capacity, wording));
  find('i', bar).style.transform = `scaleX(${(totalCapacity - availableCapacity) / totalCapacity})`;
}
