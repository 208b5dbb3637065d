import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import type { Request } from 'playwright-core';
import { describe, expect, inject, test } from 'vitest';
import {
  api,
  be,
  button,
  leave,
  look,
  newEvent,
  newWindow,
  PHONE,
  said,
  seatGuests,
  shows,
  standing,
  unique,
  useBrowser,
  visit,
} from './support.ts';

useBrowser();

/** What an attendee's first view may load in all. */
const FIRST_VIEW_MAX_BYTES = 40 * 1024;

const SEATS = '**/registration/registrations';
const isPress = (request: Request) =>
  request.method() === 'POST' && request.url().endsWith('/registration/registrations');

/** Seats or entries that an event has. */
const people = async (eventId: string, list: 'registrations' | 'waitlist') =>
  (await api<{ items: { userId: string }[] }>('GET', `/events/${eventId}/${list}`)).items.map(
    ({ userId }) => userId,
  );

describe('the first view', () => {
  test('is small, loads nothing from elsewhere, and nothing in it moves', async () => {
    const eventId = await newEvent();
    const page = await newWindow({ viewport: PHONE });
    let bytes = 0;
    const answers: Promise<void>[] = [];
    page.on('response', (response) => {
      expect(new URL(response.url()).origin).toBe(inject('url'));
      const count = async () => {
        bytes += gzipSync(await response.body()).length;
      };
      answers.push(count());
    });
    await page.goto(`/e/${eventId}`);
    await shows(page, '#state', /Updated/);
    await Promise.all(answers);
    expect(bytes).toBeLessThan(FIRST_VIEW_MAX_BYTES);
    const shift = await page.evaluate(
      `new Promise((done) => new PerformanceObserver((list) =>
        done(list.getEntries().reduce((sum, { value }) => sum + value, 0)),
      ).observe({ type: 'layout-shift', buffered: true }) ?? setTimeout(() => done(0), 500))`,
    );
    expect(shift).toBe(0);
  });

  test('can be read without JavaScript', async () => {
    const eventId = await newEvent();
    await seatGuests(eventId, 3);
    const page = await visit(`/e/${eventId}`, { javaScriptEnabled: false });
    await shows(page, 'h1', 'Concert at the old boathouse');
    await shows(page, '#numbers', 'All 2 seats are taken');
    await shows(page, '#numbers', '1 person is waiting');
    // Playwright does not look into it by text.
    const hint = page.locator('noscript');
    expect([await hint.isVisible(), await hint.textContent()]).toEqual([
      true,
      'To register here, allow JavaScript for this page.',
    ]);
    expect(await button(page).isDisabled()).toBe(true);
    const list = await visit('/', { javaScriptEnabled: false });
    await shows(list, `#events li:has([href="/e/${eventId}"])`, '2 seats');
  });

  test('is in the language of the browser', async () => {
    const eventId = await newEvent();
    const page = await visit(`/e/${eventId}`, { locale: 'de-CH' });
    expect(await page.locator('html').getAttribute('lang')).toBe('de');
    await shows(page, '#numbers', '2 von 2 Plätzen frei');
    await look(page, 'event-german');
  });
});

describe('a press', () => {
  test('gets a seat, once for a double press, and the button stays where it is', async () => {
    const eventId = await newEvent();
    const name = unique('Ada');
    const page = await visit(`/e/${eventId}`);
    await look(page, 'event-new');
    await be(page, name);
    await shows(page, '#place', 'You have no place yet');
    await look(page, 'event-known');
    const before = await button(page).boundingBox();
    const presses: Request[] = [];
    page.on('request', (request) => {
      if (request.method() !== 'GET') presses.push(request);
    });
    await button(page).dblclick();
    await shows(page, '#said', 'the seat is yours');
    await shows(page, '#press', 'Give up your seat');
    expect(await button(page).boundingBox()).toEqual(before);
    expect(await page.locator('dialog').count()).toBe(0);
    expect(presses.map((each) => each.method())).toEqual(['POST']);
    await look(page, 'event-seat');
    expect(await standing(name, eventId)).toMatchObject({ status: 'ACTIVE' });
  });

  test('by somebody who only typed their name says who it was, and gets the seat', async () => {
    const eventId = await newEvent();
    const page = await visit(`/e/${eventId}`, { viewport: PHONE });
    await button(page).click();
    await shows(page, '#said', 'First say who you are');
    expect(await page.evaluate('document.activeElement.id')).toBe('who-input');
    await page.keyboard.type(unique('Bea'));
    await button(page).click();
    await shows(page, '#said', 'the seat is yours');
  });

  test('joins the line, and leaves it only after a question', async () => {
    const eventId = await newEvent({ capacity: 1 });
    await seatGuests(eventId, 2);
    const page = await visit(`/e/${eventId}`);
    await be(page, unique('Cem'));
    await shows(page, '#press', 'Join the waitlist');
    await button(page).click();
    await shows(page, '#said', 'on the waitlist at position 2');
    await shows(page, '#place', '1 person is ahead of you');
    await look(page, 'event-waiting');
    await page.waitForTimeout(1_000);
    await button(page).click();
    await shows(page, 'dialog', 'Leave the waitlist?');
    await look(page, 'event-question');
    await page.keyboard.press('Escape');
    await shows(page, '#press', 'Leave the waitlist');
    await button(page).click();
    await page.getByRole('button', { name: 'Yes' }).click();
    await shows(page, '#said', 'You have left the waitlist');
    await shows(page, '#press', 'Join the waitlist');
  });

  test('can be made by keyboard alone', async () => {
    const eventId = await newEvent();
    const page = await visit(`/e/${eventId}`);
    await shows(page, '#press', 'Register');
    const focused = () =>
      page.evaluate('document.activeElement.id || document.activeElement.textContent');
    const tabTo = async (what: string) => {
      for (let i = 0; i < 12 && (await focused()) !== what; i++) await page.keyboard.press('Tab');
      expect(await focused()).toBe(what);
    };
    await tabTo('who-input');
    await page.keyboard.type(unique('Dan'));
    await page.keyboard.press('Enter');
    await page.locator('#me b').waitFor();
    await tabTo('press');
    await page.keyboard.press('Enter');
    await shows(page, '#said', 'the seat is yours');
    expect(await focused()).toBe('press');
    await page.waitForTimeout(1_000);
    await page.keyboard.press('Enter');
    await tabTo('Yes');
    await page.keyboard.press('Enter');
    await shows(page, '#said', 'You have given up your seat');
  });

  test('of which the answer is lost is sent again with the same key, and carried out once', async () => {
    const eventId = await newEvent();
    const name = unique('Eva');
    const page = await visit(`/e/${eventId}`);
    await be(page, name);
    const keys: (string | undefined)[] = [];
    await page.route(SEATS, async (route) => {
      keys.push(route.request().headers()['idempotency-key']);
      if (keys.length > 1) return route.continue();
      // The service carries it out, and then the network is gone.
      await route.fetch();
      return route.abort('connectionreset');
    });
    await button(page).click();
    await shows(page, '#said', 'No answer yet');
    await shows(page, '#said', 'the seat is yours');
    expect(keys).toEqual([keys[0], keys[0]]);
    expect(await people(eventId, 'registrations')).toEqual([name]);
  });

  test('that is answered with 503 or 429 is sent again by itself, with the same key', async () => {
    const eventId = await newEvent();
    const page = await visit(`/e/${eventId}`);
    await be(page, unique('Fay'));
    const keys: (string | undefined)[] = [];
    await page.route(SEATS, (route) => {
      keys.push(route.request().headers()['idempotency-key']);
      const status = [503, 429][keys.length - 1];
      if (status === undefined) return route.continue();
      const problem = { type: 'x', title: 'UnavailableError', status, detail: 'busy' };
      const headers = { 'Retry-After': '1' };
      return route.fulfill({ status, json: problem, headers });
    });
    await button(page).click();
    await shows(page, '#said', 'No answer yet');
    await look(page, 'event-waiting-for-answer');
    await shows(page, '#said', 'the seat is yours');
    expect(new Set(keys).size).toBe(1);
    expect(keys.length).toBe(3);
  });

  test('in the middle of which the page is reloaded goes on by itself', async () => {
    const eventId = await newEvent();
    const name = unique('Gus');
    const page = await visit(`/e/${eventId}`);
    await be(page, name);
    const keys: (string | undefined)[] = [];
    page.on('request', (request) => {
      if (isPress(request)) keys.push(request.headers()['idempotency-key']);
    });
    // Never answered, although it is carried out.
    await page.route(SEATS, async (route) => {
      if (keys.length > 1) await route.continue();
      else await route.fetch();
    });
    await button(page).click();
    await expect.poll(() => standing(name, eventId)).toMatchObject({ status: 'ACTIVE' });
    await page.reload();
    await shows(page, '#said', 'the seat is yours');
    expect(keys).toEqual([keys[0], keys[0]]);
    await page.reload();
    await shows(page, '#place', 'You have a seat');
    await page.waitForTimeout(500);
    expect(keys.length).toBe(2);
    expect(await people(eventId, 'registrations')).toEqual([name]);
  });

  test('that comes too late is told in words, and is final', async () => {
    const eventId = await newEvent({ capacity: 1, hasWaitlist: false });
    const page = await visit(`/e/${eventId}`);
    await be(page, unique('Hal'));
    await shows(page, '#press', 'Register');
    // Somebody is faster, by so little that the page can't know.
    await page.route(SEATS, async (route) => {
      await seatGuests(eventId, 1);
      await route.continue();
    });
    await button(page).click();
    await shows(page, '#said', 'The event is full, so you did not get a place');
    await shows(page, '#press', 'Full');
    await look(page, 'event-full');
  });
});

describe('what changes meanwhile', () => {
  test('is seen by others: one leaves, the other moves up and gets the seat', async () => {
    const eventId = await newEvent({ capacity: 1 });
    const [guest = ''] = await seatGuests(eventId, 1);
    const [first, second] = await Promise.all([visit(`/e/${eventId}`), visit(`/e/${eventId}`)]);
    await be(first, unique('Ida'));
    await button(first).click();
    await shows(first, '#place', 'You are next in line');
    await be(second, unique('Jim'));
    await button(second).click();
    await shows(second, '#place', '1 person is ahead of you');
    await leave(guest, eventId);
    await shows(first, '#place', 'You have a seat');
    await shows(first, '#said', 'A seat became free, and it is yours');
    await shows(second, '#place', 'You are next in line');
    await first.waitForTimeout(1_000);
    await button(first).click();
    await first.getByRole('button', { name: 'Yes' }).click();
    await shows(second, '#said', 'A seat became free, and it is yours');
    await look(second, 'event-promoted');
  });

  test('counts down to the opening, and lets one register then', async () => {
    const registrationOpensAt = new Date(Date.now() + 6_000).toISOString();
    const eventId = await newEvent({ registrationOpensAt });
    const page = await visit(`/e/${eventId}`, { viewport: PHONE });
    // As long as a name may be: it is cut, and moves nothing.
    const before = await button(page).boundingBox();
    await be(page, unique('Kim'.padEnd(80, ' Kimberley')));
    await shows(page, '#press', /Opens in 0:0\d/);
    await shows(page, '#openness', 'Registration opens');
    expect(await button(page).getAttribute('aria-disabled')).toBe('true');
    await shows(page, '#press', 'Register');
    await shows(page, '#openness', 'Registration is open');
    expect(await button(page).boundingBox()).toEqual(before);
    await button(page).click();
    await shows(page, '#said', 'the seat is yours');
  });

  test('is told by the clock: the end of the line, and the button stays where it is', async () => {
    const promotesUntil = new Date(Date.now() + 7_000).toISOString();
    const eventId = await newEvent({ capacity: 1, promotesUntil });
    await seatGuests(eventId, 1);
    const page = await visit(`/e/${eventId}`, { viewport: PHONE, locale: 'de-DE' });
    await be(page, unique('Lou'));
    await shows(page, '#press', 'Auf die Warteliste');
    const before = await button(page).boundingBox();
    await button(page).click();
    await shows(page, '#place', 'Sie sind als Nächstes dran');
    await shows(page, '#place', 'Die Warteliste ist beendet.');
    expect(await button(page).boundingBox()).toEqual(before);
    await look(page, 'event-line-over-german');
  });

  test('never moves the button on a phone, however long its texts are', async () => {
    for (const locale of ['en-GB', 'de-DE']) {
      const startsAt = '2027-09-29T17:00:00Z';
      const eventId = await newEvent({ capacity: 100_000, startsAt });
      const page = await visit(`/e/${eventId}`, { viewport: PHONE, locale });
      const before = await button(page).boundingBox();
      await be(page, unique('Liv'));
      await button(page).click();
      await page.locator('#press:not([data-main], [aria-disabled="true"])').waitFor();
      await page.locator('#numbers p:first-child', { hasText: /99.999/ }).waitFor();
      expect(await button(page).boundingBox()).toEqual(before);
    }
  });

  test('is told: before the opening, in a pause, when it is closed and when it is cancelled', async () => {
    const registrationOpensAt = new Date(Date.now() + 50.5 * 3_600_000).toISOString();
    const later = await visit(`/e/${await newEvent({ registrationOpensAt })}`);
    await shows(later, '#press', 'Opens in 2 days, 2 h');
    await look(later, 'event-before-opening');
    const eventId = await newEvent();
    const page = await visit(`/e/${eventId}`);
    for (const [status, word] of [
      ['PAUSED', 'Paused'],
      ['CLOSED', 'Closed'],
    ]) {
      await api('PATCH', `/events/${eventId}`, { status });
      await shows(page, '#press', word ?? '');
      await look(page, `event-${word?.toLowerCase()}`);
    }
    await api('DELETE', `/events/${eventId}`);
    await shows(page, '#press', 'Cancelled');
    await shows(page, '#openness', 'This event is cancelled');
    await look(page, 'event-cancelled');
  });

  test('the network: a page that is cut off says so, and recovers', async () => {
    const eventId = await newEvent();
    const page = await visit(`/e/${eventId}`);
    await shows(page, '#state', /Updated/);
    await page.context().setOffline(true);
    await shows(page, '#state', 'No connection');
    await look(page, 'event-offline');
    await page.context().setOffline(false);
    await shows(page, '#state', /Updated/);
  });
});

describe('an offer', () => {
  /** Somebody who waits at a page, and is offered the seat that another person gives up. */
  async function offeredTo(name: string, settings: Record<string, unknown> = {}) {
    const eventId = await newEvent({ capacity: 1, offerSeconds: 600, ...settings });
    const [guest = ''] = await seatGuests(eventId, 1);
    const page = await visit(`/e/${eventId}`);
    await be(page, name);
    await button(page).click();
    await shows(page, '#place', 'You are next in line');
    const before = await button(page).boundingBox();
    await leave(guest, eventId);
    await shows(page, '#place', 'A seat is held for you');
    await shows(page, '#said', 'A seat is held for you. Take it before the time is over.');
    await shows(page, '#press', /Take the seat \(\d+:\d\d left\)/);
    expect(await button(page).boundingBox()).toEqual(before);
    return { eventId, page };
  }

  test('is seen with the time that is left, and taken', async () => {
    const name = unique('Lea');
    const { eventId, page } = await offeredTo(name);
    await look(page, 'event-offer');
    await button(page).click();
    await shows(page, '#said', 'the seat is yours');
    expect(await standing(name, eventId)).toMatchObject({ status: 'ACTIVE' });
  });

  test('is declined after a question, and goes to the next', async () => {
    const { eventId, page } = await offeredTo(unique('Max'));
    const next = await visit(`/e/${eventId}`);
    await be(next, unique('Ned'));
    await button(next).click();
    await shows(next, '#place', 'You are next in line');
    // A button that has just changed rests for a moment.
    await page.waitForTimeout(1_000);
    await page.click('#second');
    await page.getByRole('button', { name: 'Yes' }).click();
    await shows(page, '#said', 'You have declined the seat');
    await shows(page, '#place', 'You have no place yet');
    await shows(next, '#place', 'A seat is held for you');
  });

  test('that is let pass is gone, and that is said', async () => {
    const { page } = await offeredTo(unique('Oda'), { offerSeconds: 10 });
    await shows(page, '#said', 'The time is over');
    await look(page, 'event-offer-over');
  });
});

describe('when it is', () => {
  test('is told in the event’s zone and in the reader’s, and can be put into a calendar', async () => {
    const settings = { startsAt: '2027-06-12T17:00:00Z', timeZone: 'America/New_York' };
    const eventId = await newEvent(settings);
    const page = await visit(`/e/${eventId}`, { viewport: PHONE });
    await shows(page, '#time', /Saturday,? 12 June 2027 at 13:00 (GMT-4|EDT)/);
    await shows(page, '#time', '12 Jun, 19:00 where you are');
    const saving = page.waitForEvent('download');
    await page.click('#calendar');
    const download = await saving;
    expect(download.suggestedFilename()).toBe(`${eventId}.ics`);
    const file = readFileSync(await download.path(), 'utf8');
    expect(file).toContain('DTSTART:20270612T170000Z');
    expect(file).toContain('SUMMARY:Concert at the old boathouse');
    await look(page, 'event-time');
    const near = await visit(`/e/${eventId}`, { timezoneId: 'America/Toronto' });
    await shows(near, '#state', /Updated/);
    expect(await near.locator('#time').textContent()).not.toContain('where you are');
  });
});

describe('the list', () => {
  test('has the open events with their seats, and leads to each', async () => {
    const eventId = await newEvent({ name: 'An evening of <b>bold</b> & quiet' });
    const closed = await newEvent();
    await api('PATCH', `/events/${closed}`, { status: 'CLOSED' });
    const page = await visit('/');
    const row = `#events li:has([href="/e/${eventId}"])`;
    await shows(page, row, 'An evening of <b>bold</b> & quiet');
    expect(await page.locator(`[href="/e/${closed}"]`).count()).toBe(0);
    await look(page, 'list');
    await page.click(`${row} a`);
    await shows(page, 'h1', 'An evening of <b>bold</b> & quiet');
  });

  test('an event that does not exist has a page that says so', async () => {
    const page = await visit('/e/never');
    await shows(page, 'h1', 'There is no such event');
    await look(page, 'event-missing');
  });
});

test('what was said is also announced', async () => {
  const page = await visit(`/e/${await newEvent()}`);
  expect(await said(page).getAttribute('role')).toBe('status');
  expect(await page.locator('#place').getAttribute('role')).toBe('status');
});
