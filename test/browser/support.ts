import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import type { AxeResults } from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, inject } from 'vitest';

/** Where the screenshots are kept. */
const SHOTS = resolve(import.meta.dirname, '../../dist/screenshots');
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** The narrowest phones that are common. */
export const PHONE = { width: 360, height: 780 };
const DESK = { width: 1200, height: 760 };

let browser: Browser;
/** What the pages of a test complained about: errors of scripts, and whatever the content policy refused. */
let complaints: string[] = [];

/** Opens a browser for the tests of a file; none of their pages may complain. */
export function useBrowser(): void {
  beforeAll(async () => {
    mkdirSync(SHOTS, { recursive: true });
    browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '',
      // Containers have no sandbox of their own to give.
      args: ['--no-sandbox', '--disable-dev-shm-usage'],
    });
  });
  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()));
    const all = complaints;
    complaints = [];
    expect(all).toEqual([]);
  });
  afterAll(() => browser.close());
}

/** A window of its own, as of another person. */
export async function newWindow(options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({
    baseURL: inject('url'),
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin',
    viewport: DESK,
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(12_000);
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    // A refusal is a normal answer, which the browser reports as well.
    const isRefusal = /^(Failed to load resource|WebSocket connection to )/.test(message.text());
    if (message.type() === 'error' && !isRefusal) {
      complaints.push(message.text());
    }
  });
  return page;
}

/** Opens a page. */
export async function visit(path: string, options: BrowserContextOptions = {}): Promise<Page> {
  const page = await newWindow(options);
  await page.goto(path);
  return page;
}

/** The button, what it says, and what is said. */
export const button = (page: Page) => page.locator('#press');
export const said = (page: Page) => page.locator('#said');
export const place = (page: Page) => page.locator('#place');

/** Says who one is. */
export async function be(page: Page, name: string): Promise<void> {
  await page.fill('#who-input', name);
  await page.keyboard.press('Enter');
  await page.locator('#me b', { hasText: name }).waitFor();
}

/** Waits until an element has a text. */
export async function shows(page: Page, selector: string, text: string | RegExp): Promise<void> {
  await page.locator(selector).filter({ hasText: text }).waitFor();
}

/** Looks at a state: axe finds nothing, nothing is wider than the window, and there are pictures of it. */
export async function look(page: Page, name: string): Promise<void> {
  const before = page.viewportSize() ?? DESK;
  for (const [size, viewport] of [
    ['wide', DESK],
    ['phone', PHONE],
  ] as const) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.screenshot({
        path: join(SHOTS, `${name}-${size}-${colorScheme}.png`),
        fullPage: true,
      });
      await page.evaluate(AXE);
      const { violations } = (await page.evaluate(
        "axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })",
      )) as AxeResults;
      const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html)}`);
      expect(found, `${name}, ${size}, ${colorScheme}`).toEqual([]);
    }
    const excess = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
    expect(excess, `${name}, ${size}: wider than the window`).toBeLessThanOrEqual(0);
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize(before);
}

let serial = 0;
/** A name that nobody else has. */
export const unique = (prefix: string) => `${prefix}-${process.pid}-${++serial}`;

/** Calls the API. */
export async function api<Body>(method: string, path: string, body?: unknown): Promise<Body> {
  const response = await fetch(`${inject('url')}/registration${path}`, {
    method,
    headers: { 'Content-Type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok)
    throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Body;
}

/** Creates an event with a waitlist; answers its id. */
export async function newEvent(settings: Record<string, unknown> = {}): Promise<string> {
  const eventId = unique('event');
  await api('POST', '/events', {
    eventId,
    name: 'Concert at the old boathouse',
    capacity: 2,
    hasWaitlist: true,
    ...settings,
  });
  return eventId;
}

/** Creates people who take the first places of an event; answers their ids. */
export async function seatGuests(eventId: string, n: number): Promise<string[]> {
  const guests = Array.from({ length: n }, () => unique('guest'));
  for (const userId of guests) {
    await api('POST', '/users', { userId, name: userId });
    await api('POST', '/registrations', { userId, eventId });
  }
  return guests;
}

/** Gives up somebody's seat. */
export const leave = (userId: string, eventId: string) =>
  api('DELETE', `/registrations?${new URLSearchParams({ userId, eventId })}`);

/** Where somebody stands. */
export const standing = (userId: string, eventId: string) =>
  api<{ status: string; ahead: number | null }>(
    'GET',
    `/registrations?${new URLSearchParams({ userId, eventId })}`,
  );
