import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hexDigestOf } from '../../src/digest.ts';
import { killService, type Service, startService } from '../support/service.ts';
import { button, look, newWindow, shows, unique, useBrowser } from './support.ts';

useBrowser();

const KEY = `rdk_${'k'.repeat(43)}`;
const ISSUER = 'https://issuer.test';
const directory = mkdtempSync(join(tmpdir(), 'registration-pages-'));

let service: Service;
/** Serves the issuer's key set, and a site that embeds the page. */
let site: Server;
let origin = '';
let sign: (userId: string) => Promise<string>;

beforeAll(async () => {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const keys = [{ ...(await exportJWK(publicKey)), alg: 'ES256', kid: 'one' }];
  site = createServer((request, response) => {
    if (request.url === '/keys') {
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify({ keys }));
      return;
    }
    const { searchParams } = new URL(request.url ?? '/', 'http://site.test');
    response.setHeader('Content-Type', 'text/html');
    response.end(`<!doctype html><title>Site</title><iframe title="Registration" width="420" height="760"
      src="${searchParams.get('page')}"></iframe><script>
      addEventListener('message', ({ data, source, origin }) => {
        if (data.type !== 'registration.ready') return;
        source.postMessage({ type: 'registration.token', token: '${searchParams.get('token')}' }, origin);
      });</script>`);
  });
  await new Promise<void>((up) => site.listen(0, '127.0.0.1', up));
  origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
  sign = (userId) =>
    new SignJWT({})
      .setProtectedHeader({ alg: 'ES256', kid: 'one' })
      .setIssuer(ISSUER)
      .setAudience('desk')
      .setSubject(userId)
      .setExpirationTime('5m')
      .sign(privateKey);
  service = await startService(directory, {
    ENVIRONMENT: 'development',
    AUTH_MODE: 'jwt,key',
    JWT_ISSUER: ISSUER,
    JWT_AUDIENCE: 'desk',
    JWT_JWKS_URL: `${origin}/keys`,
    API_KEYS: JSON.stringify([
      { name: 'desk', roles: ['organiser', 'service'], sha256: await hexDigestOf(KEY) },
    ]),
    CORS_ORIGINS: origin,
  });
});

afterAll(() => {
  if (service) killService(service);
  site?.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Calls the API with the key. */
async function api(method: string, path: string, body: unknown): Promise<void> {
  const response = await fetch(`${service.url}/registration${path}`, {
    method,
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${KEY}` },
    body: JSON.stringify(body),
  });
  expect(response.ok, await response.text()).toBe(true);
}

/** Creates an event, and a user with a token. */
async function scene() {
  const eventId = unique('closed');
  const userId = unique('Ünal');
  await api('POST', '/events', { eventId, name: 'A closed evening', capacity: 3 });
  await api('POST', '/users', { userId, name: userId });
  return { eventId, userId, token: await sign(userId) };
}

describe('where authentication is on', () => {
  test('the page tells an unknown visitor nothing', async () => {
    const { eventId } = await scene();
    for (const path of [`/e/${eventId}`, '/', '/e/never', '/desk']) {
      const response = await fetch(service.url + path);
      expect(response.status).toBe(200);
      expect(await response.text()).not.toContain('A closed evening');
    }
    const page = await newWindow({ baseURL: service.url });
    await page.goto(`/e/${eventId}`);
    await shows(page, '#place', 'Open your personal address');
    await look(page, 'event-stranger');
    await page.goto('/');
    await shows(page, '#told', 'paste the access token');
    await look(page, 'list-stranger');
  });

  test('a personal address is all that it takes, and its token leaves the address at once', async () => {
    const { eventId, userId, token } = await scene();
    const page = await newWindow({ baseURL: service.url });
    const urls: string[] = [];
    page.on('request', (request) => urls.push(request.url()));
    await page.goto(`/e/${eventId}#token=${token}`);
    await shows(page, '#me', userId);
    expect(page.url()).toBe(`${service.url}/e/${eventId}`);
    await shows(page, 'h1', 'A closed evening');
    await button(page).click();
    await shows(page, '#said', 'the seat is yours');
    await page.reload();
    await shows(page, '#place', 'You have a seat');
    expect(urls.filter((url) => url.includes(token.slice(-20)))).toEqual([]);
    expect(await page.evaluate('history.length')).toBeLessThanOrEqual(2);
    await page.goto('/');
    await shows(page, '#events', 'A closed evening');
    await shows(page, '#places li', 'You have a seat');
    await look(page, 'list-known');
    await page.evaluate("document.querySelector('#me button').click()");
    await shows(page, '#told', 'paste the access token');
    expect(await page.locator('#events li, #places li').count()).toBe(0);
  });

  test('somebody with a token whom the service does not know says their name once', async () => {
    const { eventId } = await scene();
    const userId = unique('new');
    const page = await newWindow({ baseURL: service.url });
    await page.goto(`/#token=${await sign(userId)}`);
    await shows(page, '#told', 'You have no place yet');
    await page.goto(`/e/${eventId}`);
    await shows(page, '#place', 'You have no place yet');
    await button(page).click();
    await shows(page, 'dialog', 'You are here for the first time');
    await look(page, 'event-first-time');
    await page.fill('#answer', 'Nora');
    await page.keyboard.press('Enter');
    await shows(page, '#said', 'the seat is yours');
    await shows(page, '#place', 'You have a seat');
  });

  test('a token can be typed, and one that is not valid is refused in words', async () => {
    const { eventId, userId, token } = await scene();
    const page = await newWindow({ baseURL: service.url });
    await page.goto(`/e/${eventId}`);
    await page.fill('#who-input', 'nonsense');
    await page.keyboard.press('Enter');
    await shows(page, '#said', 'Open your personal address');
    await page.fill('#who-input', `${token.slice(0, -8)}AAAAAAAA`);
    await page.keyboard.press('Enter');
    await shows(page, '#said', 'Your access has ended');
    await look(page, 'event-refused');
    await page.fill('#who-input', token);
    await page.keyboard.press('Enter');
    await shows(page, '#me', userId);
    await shows(page, 'h1', 'A closed evening');
  });

  test('the site that embeds the page can give the token; no other site can embed it', async () => {
    const { eventId, userId, token } = await scene();
    const target = encodeURIComponent(`${service.url}/e/${eventId}`);
    const page = await newWindow();
    await page.goto(`${origin}/?page=${target}&token=${token}`);
    const frame = page.frameLocator('iframe');
    await frame.locator('#me', { hasText: userId }).waitFor();
    await frame.locator('h1', { hasText: 'A closed evening' }).waitFor();
    const { headers } = await fetch(`${service.url}/e/${eventId}`);
    expect(headers.get('content-security-policy')).toContain(`frame-ancestors ${origin};`);
    const desk = await fetch(`${service.url}/desk`);
    expect(desk.headers.get('content-security-policy')).toContain("frame-ancestors 'none';");
  });

  test('organisers type a key, which is forgotten with the tab', async () => {
    const page = await newWindow({ baseURL: service.url });
    await page.goto('/desk');
    await shows(page, 'label', 'Key');
    await look(page, 'desk-door');
    await page.fill('#key', 'rdk_wrong');
    await page.keyboard.press('Enter');
    await shows(page, '#said', 'This key is not valid');
    await page.click('#leave');
    await page.fill('#key', KEY);
    await page.keyboard.press('Enter');
    await shows(page, 'table', 'A closed evening');
    await page.reload();
    await shows(page, 'table', 'A closed evening');
    const other = await page.context().newPage();
    await other.goto('/desk');
    await other.locator('#key').waitFor();
    await page.click('#leave');
    await page.locator('#key').waitFor();
    expect(
      await page.evaluate(
        'JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie])',
      ),
    ).not.toContain('rdk_');
  });
});
