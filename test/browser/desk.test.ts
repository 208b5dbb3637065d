import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import {
  api,
  leave,
  look,
  newEvent,
  PHONE,
  seatGuests,
  shows,
  standing,
  unique,
  useBrowser,
  visit,
} from './support.ts';

useBrowser();

interface Event {
  name: string;
  capacity: number;
  status: string;
}
const eventOf = (eventId: string) => api<Event>('GET', `/events/${eventId}`);
const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();
const open = async (page: Page, part: string) => {
  await page.locator('summary', { hasText: part }).click();
};

test('the list has every event with its numbers, and can be searched', async () => {
  const name = unique('Harvest supper');
  const eventId = await newEvent({ name, capacity: 2 });
  await newEvent({ name: 'Another evening' });
  await seatGuests(eventId, 3);
  const page = await visit('/desk');
  await page.fill('[type="search"]', name);
  await shows(page, 'tbody tr', '2 / 2');
  expect(await page.locator('tbody tr').count()).toBe(1);
  await look(page, 'desk-list');
  await page.click(`text=${name}`);
  await shows(page, 'h1', name);
});

test('an event is created', async () => {
  const page = await visit('/desk#new');
  const name = unique('Spring fair');
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.locator('[name="capacity"]').fill('30');
  await look(page, 'desk-new');
  await press(page, 'Create the event');
  await shows(page, 'h1', name);
  const eventId = new URL(page.url()).hash.slice('#e='.length);
  expect(await eventOf(eventId)).toMatchObject({ name, capacity: 30, hasWaitlist: true });
});

test('a change shows whom it seats before it is made', async () => {
  const eventId = await newEvent({ capacity: 1 });
  const [, second = '', third = ''] = await seatGuests(eventId, 4);
  const page = await visit(`/desk#e=${eventId}`);
  await open(page, 'Settings');
  await page.locator('[name="capacity"]').fill('3');
  await press(page, 'Check the change');
  await shows(page, '#preview', '2 people get a seat');
  await shows(page, '#preview', second);
  await shows(page, '#preview', third);
  await look(page, 'desk-dry-run');
  expect((await eventOf(eventId)).capacity).toBe(1);
  await press(page, 'Make the change');
  await shows(page, '#said', 'Done');
  await shows(page, 'dl', '3 / 3');
  expect(await standing(third, eventId)).toMatchObject({ status: 'ACTIVE' });
});

test('a change that rests on older values is refused, the newer ones are shown, and what was typed stays', async () => {
  const eventId = await newEvent({ capacity: 4 });
  const page = await visit(`/desk#e=${eventId}`);
  await open(page, 'Settings');
  await page.locator('[name="capacity"]').fill('6');
  await press(page, 'Check the change');
  await shows(page, '#preview', 'Nobody gets a seat by this');
  await api('PATCH', `/events/${eventId}`, { name: 'Renamed meanwhile' });
  await press(page, 'Make the change');
  await shows(page, '#said', 'was changed meanwhile');
  await shows(page, 'h1', 'Renamed meanwhile');
  expect((await eventOf(eventId)).capacity).toBe(4);
  await expect.poll(() => page.inputValue('[name="capacity"]')).toBe('6');
  expect(await page.inputValue('[name="name"]')).toBe('Renamed meanwhile');
  await look(page, 'desk-stale');
  // It may also be found out by the check, and a pause in between takes nothing away.
  await press(page, 'Pause');
  await shows(page, 'main', 'Registration is paused');
  await api('PATCH', `/events/${eventId}`, { name: 'Renamed again' });
  await press(page, 'Check the change');
  await shows(page, '#said', 'was changed meanwhile');
  await shows(page, 'h1', 'Renamed again');
  await press(page, 'Check the change');
  await press(page, 'Make the change');
  await shows(page, '#said', 'Done');
  await shows(page, 'dl', '0 / 6');
  expect(await eventOf(eventId)).toMatchObject({ name: 'Renamed again', capacity: 6 });
});

test('an event is paused, opened, closed, and cancelled after two questions', async () => {
  const eventId = await newEvent();
  const page = await visit(`/desk#e=${eventId}`);
  await press(page, 'Pause');
  await shows(page, 'main', 'Registration is paused');
  await press(page, 'Open again');
  await shows(page, 'main', 'Registration is open');
  await press(page, 'Close');
  await shows(page, 'main', 'Registration is closed');
  await press(page, 'Cancel the event');
  await press(page, 'Yes');
  await shows(page, 'dialog', 'Really cancel');
  await look(page, 'desk-cancel');
  await press(page, 'Keep it');
  expect((await eventOf(eventId)).status).toBe('CLOSED');
  await press(page, 'Cancel the event');
  await press(page, 'Yes');
  await press(page, 'Yes');
  await shows(page, 'main', 'This event is cancelled');
  expect((await eventOf(eventId)).status).toBe('CANCELLED');
});

test('people are found, seated with a reason, taken out, and saved as CSV', async () => {
  const eventId = await newEvent({ capacity: 1 });
  const [first = '', second = ''] = await seatGuests(eventId, 3);
  const speaker = unique('speaker');
  await api('POST', '/users', { userId: speaker, name: 'The speaker' });
  const page = await visit(`/desk#e=${eventId}`);
  await shows(page, '#people table', first);
  await open(page, 'Seat somebody');
  await page.fill('#seat-user', speaker);
  await page.fill('#seat-reason', 'Speaks at eight');
  await press(page, 'Seat');
  await shows(page, '#said', `${speaker} has a seat`);
  await shows(page, '#people table', 'Speaks at eight');
  await look(page, 'desk-event');
  await page.fill('#people [type="search"]', 'SPEAKER');
  await expect.poll(() => page.locator('#people tbody tr').count()).toBe(1);
  await page.fill('#people [type="search"]', '');
  const saving = page.waitForEvent('download');
  await press(page, 'Save as CSV');
  const file = await (await saving).path();
  expect(readFileSync(file, 'utf8')).toContain(`${speaker},The speaker,`);
  await press(page, `Take out: ${first}`);
  await press(page, 'Yes');
  await shows(page, '#said', `${first} is out`);
  expect(await standing(first, eventId)).toMatchObject({ status: 'NONE' });
  // The speaker's seat is one too many, so nobody moves up.
  await press(page, 'Line');
  await shows(page, '#people table', second);
  await look(page, 'desk-line');
  await press(page, `Take out: ${second}`);
  await press(page, 'Yes');
  await shows(page, '#said', `${second} is out`);
  expect(await standing(second, eventId)).toMatchObject({ status: 'NONE' });
});

test('offers are shown before a change makes them, listed, and taken back', async () => {
  const eventId = await newEvent({ capacity: 1, offerSeconds: 3_600 });
  const [, second = ''] = await seatGuests(eventId, 2);
  const page = await visit(`/desk#e=${eventId}`);
  await open(page, 'Settings');
  expect(await page.inputValue('[name="offerMinutes"]')).toBe('60');
  await page.fill('[name="capacity"]', '2');
  await page.fill('[name="startsAt"]', '2027-06-12T19:30');
  await page.fill('[name="timeZone"]', 'Europe/Berlin');
  await press(page, 'Check the change');
  await shows(page, '#preview', '1 person is offered a seat');
  await press(page, 'Make the change');
  await shows(page, 'main', /Saturday,? 12 June 2027 at 19:30/);
  expect(await eventOf(eventId)).toMatchObject({ startsAt: '2027-06-12T17:30:00.000Z' });
  await press(page, 'Offers');
  await shows(page, '#people table', second);
  await look(page, 'desk-offers');
  await press(page, `Take out: ${second}`);
  await press(page, 'Yes');
  await shows(page, '#said', `${second} is out`);
  expect(await standing(second, eventId)).toMatchObject({ status: 'NONE' });
});

test('the log, its chart, and the webhooks are shown', async () => {
  const eventId = await newEvent({ capacity: 1 });
  const [first = '', second = ''] = await seatGuests(eventId, 2);
  await api('DELETE', `/registrations?${new URLSearchParams({ userId: first, eventId })}`);
  const page = await visit(`/desk#e=${eventId}`);
  await shows(page, 'figcaption', 'In line');
  await open(page, 'The same as a table');
  // Created, seated, joined, promoted.
  const cells = await page.locator('figure tbody tr').allTextContents();
  expect(cells.map((row) => row.slice(-2))).toEqual(['00', '10', '11', '10']);
  await open(page, 'Log');
  await shows(page, 'tbody tr', 'Moved up from the line');
  await shows(page, 'tbody tr:has-text("Moved up")', second);
  await open(page, 'Webhooks');
  await shows(page, 'main', 'Nobody is told of changes');
  await look(page, 'desk-log');
});

test('the chart follows what happens, and its table stays open', async () => {
  const eventId = await newEvent({ capacity: 1 });
  const [first = ''] = await seatGuests(eventId, 1);
  const page = await visit(`/desk#e=${eventId}`);
  await open(page, 'The same as a table');
  const rows = page.locator('figure tbody tr');
  const numbers = async () => (await rows.allTextContents()).map((row) => row.slice(-2));
  await expect.poll(numbers).toEqual(['00', '10']);
  await page.focus('figure summary');
  await seatGuests(eventId, 1);
  await leave(first, eventId);
  await expect.poll(numbers, { timeout: 8_000 }).toEqual(['00', '10', '11', '10']);
  expect(await rows.first().isVisible()).toBe(true);
  expect(await page.evaluate('document.activeElement.textContent')).toBe('The same as a table');
});

test('what is said covers nothing that has the focus, and goes by itself', async () => {
  const eventId = await newEvent();
  await seatGuests(eventId, 2);
  const page = await visit(`/desk#e=${eventId}`, { viewport: PHONE });
  await shows(page, '#people table', 'guest');
  await press(page, 'Pause');
  await shows(page, '#said', 'Done');
  await shows(page, '#people table', 'guest');
  const isCovered = `(() => {
    const said = document.querySelector('#said').getBoundingClientRect();
    const { top, bottom } = document.activeElement.getBoundingClientRect();
    if (document.activeElement === document.body) return 'the end';
    return said.height > 0 && bottom > said.top && top < said.bottom;
  })()`;
  // From the beginning: the button that was pressed may be drawn anew at any moment.
  await page.locator('a:visible, button:visible').first().focus();
  const covered: unknown[] = [];
  while (covered.at(-1) !== 'the end' && covered.length < 80) {
    await page.keyboard.press('Tab');
    covered.push(await page.evaluate(isCovered));
  }
  expect(covered.length).toBeGreaterThan(12);
  expect(new Set(covered)).toEqual(new Set([false, 'the end']));
  await page.locator('#said:empty').waitFor({ state: 'attached' });
});

test('in German', async () => {
  const eventId = await newEvent();
  await seatGuests(eventId, 3);
  const page = await visit(`/desk#e=${eventId}`, { locale: 'de-DE' });
  await shows(page, '#people table', 'Austragen');
  await look(page, 'desk-german');
});
