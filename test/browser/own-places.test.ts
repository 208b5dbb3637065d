import { describe, expect, test } from 'vitest';
import {
  api,
  be,
  button,
  leave,
  look,
  newEvent,
  PHONE,
  seatGuests,
  shows,
  unique,
  useBrowser,
  visit,
} from './support.ts';

useBrowser();

const register = (userId: string, eventId: string) =>
  api('POST', '/registrations', { userId, eventId });

/** A person. */
async function newPerson(prefix: string): Promise<string> {
  const userId = unique(prefix);
  await api('POST', '/users', { userId, name: userId });
  return userId;
}

describe('one’s own places on the list', () => {
  test('are offers with the time that is left, seats and places in line, in this order', async () => {
    const name = await newPerson('Ava');
    const line = await newEvent({ name: 'Harvest supper', capacity: 1 });
    await seatGuests(line, 1);
    const seat = await newEvent({ name: 'Spring fair', startsAt: '2027-06-12T17:00:00Z' });
    const offer = await newEvent({ name: 'Night walk', capacity: 1, offerSeconds: 600 });
    const [guest = ''] = await seatGuests(offer, 1);
    for (const eventId of [line, seat, offer]) await register(name, eventId);
    await leave(guest, offer);
    const page = await visit('/');
    await shows(page, '#told', 'Type your name');
    await look(page, 'list-nobody');
    const list = page.locator('#events');
    const before = await list.boundingBox();
    await be(page, name);
    await shows(
      page,
      '#places li:nth-child(1)',
      /Night walk.*A seat is held for you: \d+:\d\d left/,
    );
    await shows(page, '#places li:nth-child(2)', /Spring fair.*You have a seat.*12 June 2027/);
    await shows(page, '#places li:nth-child(3)', /Harvest supper.*waitlist at position 1/);
    expect(await list.boundingBox()).toEqual(before);
    await look(page, 'list-places');
    const german = await visit('/', { locale: 'de-DE' });
    await be(german, name);
    await shows(german, '#places li', 'Ein Platz ist für Sie reserviert');
    await look(german, 'list-places-german');
    await page.click('#places li:first-child a');
    await shows(page, '#press', 'Take the seat');
    await button(page).click();
    await shows(page, '#said', 'the seat is yours');
    await page.goto('/');
    await shows(page, '#places li:has-text("Night walk")', 'You have a seat');
  });

  test('of somebody who has none are none, and nothing moves on a phone either', async () => {
    await newEvent();
    const page = await visit('/', { viewport: PHONE });
    const list = page.locator('#events');
    const before = await list.boundingBox();
    await be(page, unique('Bob'));
    await shows(page, '#told', 'You have no place yet');
    await look(page, 'list-no-places');
    await page.reload();
    await shows(page, '#told', 'You have no place yet');
    expect(await list.boundingBox()).toEqual(before);
    const shift = await page.evaluate(
      `new Promise((done) => new PerformanceObserver((list) =>
        done(list.getEntries().reduce((sum, { value }) => sum + value, 0)),
      ).observe({ type: 'layout-shift', buffered: true }) ?? setTimeout(() => done(0), 500))`,
    );
    expect(shift).toBe(0);
  });

  test('that are many come in parts, an offer first whatever answer it is in', async () => {
    const name = await newPerson('Cat');
    const page = await visit('/', { viewport: PHONE });
    const event = (i: number) => ({
      eventId: `many-${i}`,
      name: `Evening ${i}`,
      capacity: 9,
      hasWaitlist: true,
      waitlistCapacity: null,
      registrationOpensAt: null,
      registrationClosesAt: null,
      status: 'OPEN',
      createdAt: new Date(1_700_000_000_000 + i * 1_000).toISOString(),
    });
    const expiresAt = new Date(Date.now() + 300_000).toISOString();
    const cursors: (string | null)[] = [];
    await page.route('**/places?*', (route) => {
      const cursor = new URL(route.request().url()).searchParams.get('cursor');
      cursors.push(cursor);
      const from = Number(cursor ?? 0);
      const items = Array.from({ length: 15 }, (_, i) => {
        const isOffer = from + i === 29;
        return {
          status: isOffer ? 'OFFERED' : 'ACTIVE',
          event: event(from + i),
          registration: isOffer ? null : { registrationId: 'r' },
          waitlistEntry: null,
          offer: isOffer ? { expiresAt } : null,
        };
      });
      const nextCursor = from < 75 ? String(from + 15) : null;
      return route.fulfill({ json: { items, nextCursor } });
    });
    await be(page, name);
    await shows(page, '#places li:first-child', /Evening 29.*A seat is held/);
    const rows = page.locator('#places li');
    expect(await rows.count()).toBe(20);
    expect(cursors.length).toBe(5);
    await look(page, 'list-many-places');
    for (const n of [40, 60, 80, 90]) {
      await page.click('#more');
      await expect.poll(() => rows.count()).toBe(n);
    }
    expect(cursors.length).toBe(6);
    expect(await page.locator('#more').isVisible()).toBe(false);
  });

  test('end with the person: a name that is there no more is forgotten, in words', async () => {
    const name = await newPerson('Dot');
    const page = await visit('/');
    await be(page, name);
    await shows(page, '#told', 'You have no place yet');
    await api('DELETE', `/users/${name}`);
    await page.reload();
    await shows(page, '#told', `${name} is not known here any more`);
    await page.locator('#who-input').waitFor();
    await look(page, 'list-gone');
    await be(page, unique('Eli'));
    await shows(page, '#told', 'You have no place yet');
  });

  test('of somebody who is erased while they look at an event end in words', async () => {
    const eventId = await newEvent();
    const name = await newPerson('Hue');
    await register(name, eventId);
    const page = await visit(`/e/${eventId}`);
    await be(page, name);
    await shows(page, '#place', 'You have a seat');
    await api('DELETE', `/users/${name}`);
    await shows(page, '#said', `${name} is not known here any more`);
    await shows(page, '#place', 'Type your name');
    await look(page, 'event-gone');
    // The name is not free yet: who types it again is told so by the press.
    await be(page, name);
    await button(page).click();
    await shows(page, '#said', `${name} is not known here any more`);
  });

  test('a remembered name that nobody has any more is forgotten, in words', async () => {
    const page = await visit(`/e/${await newEvent()}`);
    const gone = unique('Gil');
    await page.evaluate(`sessionStorage.setItem('who', '{"userId":"${gone}"}')`);
    await page.reload();
    await shows(page, '#said', `${gone} is not known here any more`);
    await shows(page, 'h1', 'Concert at the old boathouse');
    await be(page, unique('Fox'));
    await button(page).click();
    await shows(page, '#said', 'the seat is yours');
  });
});
