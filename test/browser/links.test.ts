import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hexDigestOf } from '../../src/digest.ts';
import { killService, type Service, startService } from '../support/service.ts';
import { button, look, newEvent, newWindow, shows, unique, useBrowser, visit } from './support.ts';

useBrowser();

const KEY = `rdk_${'l'.repeat(43)}`;
const directory = mkdtempSync(join(tmpdir(), 'registration-links-'));

let service: Service;
let receiver: Server;
/** What the endpoint of webhooks was told. */
const told: { eventId: string; id: string; version: number }[] = [];

beforeAll(async () => {
  receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => {
      body += part;
    });
    request.on('end', () => {
      const { eventId, version } = JSON.parse(body).data;
      told.push({ eventId, id: String(request.headers['webhook-id']), version });
      response.statusCode = 204;
      response.end();
    });
  });
  await new Promise<void>((up) => receiver.listen(0, '127.0.0.1', up));
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
  service = await startService(directory, {
    ENVIRONMENT: 'development',
    AUTH_MODE: 'key,link',
    LINK_SECRET: 'a secret of links that has 32 bytes',
    API_KEYS: JSON.stringify([
      { name: 'desk', roles: ['organiser', 'service'], sha256: await hexDigestOf(KEY) },
    ]),
    WEBHOOKS: JSON.stringify([{ name: 'mailer', url, secrets: [`whsec_${btoa('s'.repeat(32))}`] }]),
    LOG_REQUESTS: 'yes',
  });
});

afterAll(() => {
  if (service) killService(service);
  receiver?.close();
  rmSync(directory, { recursive: true, force: true });
});

async function api<Body>(method: string, path: string, body: unknown): Promise<Body> {
  const response = await fetch(`${service.url}/registration${path}`, {
    method,
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${KEY}` },
    body: JSON.stringify(body),
  });
  expect(response.ok).toBe(true);
  return (await response.json()) as Body;
}

const newGala = async () => {
  const eventId = unique('gala');
  await api('POST', '/events', { eventId, name: 'The gala', capacity: 1, hasWaitlist: true });
  return eventId;
};

const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();
const open = (page: Page, part: string) => page.locator('summary', { hasText: part }).click();

/** The desk, at an event, for who has the key. */
async function openDesk(eventId: string): Promise<Page> {
  const page = await newWindow({ baseURL: service.url, permissions: ['clipboard-write'] });
  await page.goto('/desk');
  await page.fill('#key', KEY);
  await page.keyboard.press('Enter');
  await shows(page, 'table', 'The gala');
  await page.goto(`/desk#e=${eventId}`);
  await shows(page, 'h1', 'The gala');
  return page;
}

/** Opens a personal address in a browser of its own; collects the addresses of its requests. */
async function openLink(url: string): Promise<{ page: Page; urls: string[] }> {
  const page = await newWindow({ baseURL: service.url });
  const urls: string[] = [];
  page.on('request', (request) => urls.push(request.url(), request.headers().referer ?? ''));
  page.on('websocket', (socket) => urls.push(socket.url()));
  await page.goto(url);
  return { page, urls };
}

test('two people with links: one registers, the other waits, sees the seat become free, and has it', async () => {
  const eventId = await newGala();
  const links = await Promise.all(
    [unique('ada'), unique('ben')].map(async (userId) => {
      await api('POST', '/users', { userId, name: userId });
      return api<{ url: string }>('POST', '/links', { userId, eventId });
    }),
  );
  const [first, second] = await Promise.all(links.map(({ url }) => openLink(url)));
  if (!first || !second) throw new Error('two links were made');
  for (const { page } of [first, second]) {
    await shows(page, '#state', 'Updated live');
    expect(page.url()).toBe(`${service.url}/e/${eventId}`);
  }
  await button(first.page).click();
  await shows(first.page, '#said', 'the seat is yours');
  await shows(second.page, '#press', 'Join the waitlist');
  await button(second.page).click();
  await shows(second.page, '#said', 'on the waitlist at position 1');
  await shows(second.page, '#place', 'You are next in line');
  // From now on each seat that becomes free is offered.
  await api('PATCH', `/events/${eventId}`, { offerSeconds: 600 });
  await first.page.waitForTimeout(1_000);
  await button(first.page).click();
  await press(first.page, 'Yes');
  await shows(first.page, '#said', 'You have given up your seat');
  await shows(second.page, '#said', 'A seat is held for you');
  await shows(second.page, '#press', 'Take the seat');
  await button(second.page).click();
  await shows(second.page, '#said', 'the seat is yours');
  await shows(second.page, '#place', 'You have a seat');
  // A reload, and the list, which such a link does not open.
  await second.page.reload();
  await shows(second.page, '#place', 'You have a seat');
  await second.page.goto('/');
  await shows(second.page, '#told', 'Your personal address is for one event');
  await look(second.page, 'list-one-event');
  await second.page.click('#told a');
  await shows(second.page, '#place', 'You have a seat');
  // The token is in no address that was sent, in no history, and in no log.
  for (const { url } of links) {
    const token = new URL(url).hash.slice('#token='.length);
    const signature = token.slice(token.indexOf('.') + 1);
    // `goto` of the test is told with its fragment, which a browser does not send.
    const sent = [...first.urls, ...second.urls].filter((each) => each !== url);
    expect(sent.length).toBeGreaterThan(20);
    expect(sent.filter((each) => each.includes(signature))).toEqual([]);
    expect(service.said).toContain('/registration/registrations');
    expect(service.said).not.toContain(signature);
  }
  await second.page.goBack();
  await second.page.goBack();
  expect(second.page.url()).not.toContain('token');
});

test('the desk makes a link, shows it once, and copies it', async () => {
  const eventId = await newGala();
  const desk = await openDesk(eventId);
  await open(desk, 'Personal links');
  const userId = unique('cleo');
  await desk.fill('#link-user', userId);
  await desk.selectOption('#link-time', { label: '7 days' });
  await press(desk, 'Make a link');
  await shows(desk, '#link', `The link of ${userId}`);
  await shows(desk, '#link', 'It is shown only now');
  await look(desk, 'desk-link');
  const url = await desk.inputValue('#link-url');
  const told = JSON.parse(
    Buffer.from(url.split('rdl1_')[1]?.split('.')[0] ?? '', 'base64url').toString(),
  );
  expect(told.slice(0, 2)).toEqual([userId, eventId]);
  expect(Math.round((told[2] * 1_000 - Date.now()) / 86_400_000)).toBe(7);
  await press(desk, 'Copy the link');
  await shows(desk, '#said', 'The link is copied');
  const { page } = await openLink(url);
  await shows(page, '#me', userId);
  // Nobody has created this person, and the link is for one event: they see it, and are told what is missing.
  await shows(page, 'h1', 'The gala');
  await shows(page, '#place', 'You have no place yet');
  await button(page).click();
  await page.fill('#answer', 'Cleo');
  await page.keyboard.press('Enter');
  await shows(page, '#said', 'You are not known here yet');
  // Whoever types on is shown no link of somebody else.
  await desk.fill('#link-user', `${userId}-2`);
  await desk.uncheck('#link-only');
  expect(await desk.locator('#link-url').count()).toBe(0);
  await press(desk, 'Make a link');
  await shows(desk, '#link', `The link of ${userId}-2`);
  expect(await desk.inputValue('#link-url')).toContain(`${service.url}/#token=`);
  await desk.reload();
  await shows(desk, 'h1', 'The gala');
  expect(await desk.content()).not.toContain('rdl1_');
});

test('the desk has an endpoint told again, after a question', async () => {
  const eventId = await newGala();
  const toldOf = () => told.filter((each) => each.eventId === eventId);
  await api('PATCH', `/events/${eventId}`, { capacity: 2 });
  await expect.poll(() => toldOf().length, { timeout: 15_000 }).toBe(2);
  const before = toldOf();
  const last = before[1]?.version ?? 0;
  const desk = await openDesk(eventId);
  await open(desk, 'Webhooks');
  await shows(desk, 'tbody tr', 'mailer');
  await look(desk, 'desk-webhooks');
  await desk.fill('#replay-after', String(last - 1));
  await press(desk, 'Send again');
  await shows(desk, 'dialog', `after version ${last - 1}`);
  await press(desk, 'Don’t');
  await desk.waitForTimeout(500);
  expect(toldOf()).toEqual(before);
  await press(desk, 'Send again');
  await press(desk, 'Yes');
  await shows(desk, '#said', 'mailer is told again');
  await expect.poll(() => toldOf().length, { timeout: 15_000 }).toBe(3);
  expect(toldOf().at(-1)).toEqual(before.at(-1));
});

test('where there are no links the desk says so', async () => {
  const page = await visit(`/desk#e=${await newEvent()}`);
  await open(page, 'Personal links');
  await shows(page, 'main', 'AUTH_MODE does not have link');
});
