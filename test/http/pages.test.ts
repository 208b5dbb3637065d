import { createExecutionContext } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import { languageOf } from '../../src/http/frames.ts';
import worker from '../../src/index.ts';
import { api, newEvent, newUsers, register, unique } from '../support/desk.ts';

const get = (path: string, headers: Record<string, string> = {}) =>
  exports.default.fetch(`http://desk.test${path}`, { headers, redirect: 'manual' });

/** What a page loads. */
const loadedBy = (page: string) =>
  [...page.matchAll(/<(?:script|link)[^>]* (?:src|href)="([^"]+)"/g)].map(([, path = '']) => path);

describe('a page', () => {
  test.each(['/', '/desk', '/e/never'])(
    '%s runs no script of its own and loads nothing from elsewhere',
    async (path) => {
      const answer = await get(path);
      expect(answer.headers.get('content-type')).toBe('text/html; charset=UTF-8');
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(answer.headers.get('vary')).toContain('Accept-Language');
      const policy = answer.headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'sha256-");
      expect(policy).not.toContain('unsafe');
      const page = await answer.text();
      expect(page).not.toMatch(/<script(?![^>]* src="\/page\/)|<[^>]+ (?:on\w+|style)=/);
      expect(page).not.toMatch(/\{\{|undefined|\[object/);
      for (const each of loadedBy(page)) expect(each).toMatch(/^\/page\/[\w.-]+$/);
    },
  );

  test('every file that a page loads has its type, is kept for ever, and is named by its content', async () => {
    const pages = await Promise.all(
      ['/', '/desk', '/e/never', `/e/${await newEvent(1, true)}`].flatMap((path) =>
        ['en', 'de'].map(async (lang) => (await get(path, { 'Accept-Language': lang })).text()),
      ),
    );
    const files = new Set(pages.flatMap(loadedBy));
    expect(files.size).toBe(7);
    for (const file of files) {
      const answer = await get(file);
      expect(answer.status, file).toBe(200);
      expect(answer.headers.get('content-type'), file).toMatch(
        file.endsWith('.svg') ? /^image\/svg\+xml/ : /^(text|application)\/javascript/,
      );
      expect(answer.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
      const digest = new Uint8Array(
        await crypto.subtle.digest('SHA-256', await answer.arrayBuffer()),
      );
      const name = btoa(String.fromCharCode(...digest))
        .replaceAll('+', '-')
        .replaceAll('/', '_');
      expect(file).toContain(`-${name.slice(0, 10)}.`);
    }
  });

  test('the style of a page is the one that its policy allows', async () => {
    for (const path of ['/', '/desk']) {
      const answer = await get(path);
      const [, style = ''] = /<style>(.*?)<\/style>/s.exec(await answer.text()) ?? [];
      const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(style));
      const hash = btoa(String.fromCharCode(...new Uint8Array(digest)));
      expect(answer.headers.get('content-security-policy')).toContain(`'sha256-${hash}'`);
    }
  });

  test('only files with the hash of their content are served', async () => {
    for (const file of [
      'frames.json',
      'style.css',
      'event.en-0000000000.js',
      '..%2Fopenapi.json',
    ]) {
      expect((await get(`/page/${file}`)).status, file).toBe(404);
    }
  });
});

describe('an event’s page', () => {
  test('can be read as it comes: name, seats and line, in the language that is asked for', async () => {
    const eventId = await newEvent(2, true);
    const name = '"Tea" & <i>talk</i> {{eventId}}';
    await api('PATCH', `/registration/events/${eventId}`, { name });
    for (const userId of await newUsers(3)) await register(userId, eventId);
    const english = await (await get(`/e/${eventId}`)).text();
    expect(english).toContain('<html lang="en">');
    expect(english).toContain(
      '<h1>&#34;Tea&#34; &#38; &#60;i&#62;talk&#60;/i&#62; {{eventId}}</h1>',
    );
    expect(english).toContain('All 2 seats are taken');
    expect(english).toContain('1 person is waiting');
    const german = await get(`/e/${eventId}`, { 'Accept-Language': 'fr, de-AT;q=0.8, en;q=0.5' });
    expect(german.headers.get('content-language')).toBe('de');
    expect(await german.text()).toContain('Alle 2 Plätze sind vergeben');
  });

  test('of none is a 404 that a person can read', async () => {
    for (const id of [unique('none'), 'x'.repeat(101), '%20']) {
      const answer = await get(`/e/${id}`);
      expect(answer.status, id).toBe(404);
      expect(await answer.text()).toContain('<h1>There is no such event</h1>');
    }
  });

  test('tells nobody anything while callers have to show who they are', async () => {
    const eventId = await newEvent(2, true);
    const key = { name: 'desk', roles: ['organiser'], sha256: 'a'.repeat(64) };
    const closed = { ...env, AUTH_MODE: 'key', API_KEYS: JSON.stringify([key]) };
    const pages = await Promise.all(
      [`/e/${eventId}`, `/e/${unique('none')}`, '/'].map(async (path) => {
        const request = new Request(`http://desk.test${path}`);
        const answer = await worker.fetch(request, closed as Env, createExecutionContext());
        expect(answer.status).toBe(200);
        return answer.text();
      }),
    );
    const [there = '', absent = ''] = pages;
    const shape = (page: string) => page.replace(/data-(id|now)="[^"]*"/g, '');
    expect(shape(there)).toBe(shape(absent));
    for (const page of pages) {
      expect(page).toContain('data-auth="token"');
      expect(page).not.toContain('/e/');
    }
  });
});

describe('the list', () => {
  test('has open events only', async () => {
    const [open = '', closed = '', cancelled = ''] = await Promise.all(
      [1, 2, 3].map(() => newEvent(1, true)),
    );
    await api('PATCH', `/registration/events/${closed}`, { status: 'CLOSED' });
    await api('DELETE', `/registration/events/${cancelled}`);
    let path = '/';
    let all = '';
    // The other tests of this run have events too, so it has pages.
    for (let next: string | undefined = path; next; ) {
      path = next;
      const page = await (await get(path)).text();
      all += page;
      next = /href="(\/\?cursor=[^"]+)"/.exec(page)?.[1];
    }
    expect(all).toContain(`href="/e/${open}"`);
    expect(all).not.toContain(`href="/e/${closed}"`);
    expect(all).not.toContain(`href="/e/${cancelled}"`);
    expect((await get('/?cursor=nonsense')).status).toBe(400);
  });
});

test.each([
  ['', 'en', 'en'],
  ['de', 'de', 'de'],
  ['fr-FR, fr', 'en', 'en'],
  ['en-GB;q=0.7, de-CH', 'de', 'de-CH'],
  ['de;q=0, en-AU', 'en', 'en-AU'],
  ['*, DE', 'de', 'DE'],
  ['de-<script>, en', 'en', 'en'],
])('%j is answered in %s', (header, lang, locale) => {
  expect(languageOf(header, ['en', 'de'])).toEqual({ lang, locale });
});
