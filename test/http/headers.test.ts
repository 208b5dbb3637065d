import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import app from '../../src/http/app.ts';
import { URL_MAX_CHARS } from '../../src/http-limits.ts';
import { api } from '../support/desk.ts';

const ORIGIN = 'https://desk.example';

const call = (path: string, init: RequestInit, origins?: string) =>
  app.fetch(new Request(`http://desk.test${path}`, init), {
    ...env,
    ...(origins === undefined ? {} : { CORS_ORIGINS: origins }),
  });

describe('every answer', () => {
  test.each(['/health', '/nowhere', '/registration/events/absent', '/docs'])(
    'of %s keeps a browser from doing more with it than it should',
    async (path) => {
      const { headers } = await call(path, {});
      expect(headers.get('X-Content-Type-Options')).toBe('nosniff');
      expect(headers.get('Referrer-Policy')).toBe('no-referrer');
      expect(headers.get('Strict-Transport-Security')).toContain('max-age=');
      expect(headers.get('Cache-Control')).toBe('no-store');
      expect(headers.get('Content-Security-Policy')).toContain("default-src 'none'");
      expect(headers.get('Content-Security-Policy')).toContain("frame-ancestors 'none'");
    },
  );
});

describe('pages of other origins', () => {
  const preflight = { method: 'OPTIONS', headers: { Origin: ORIGIN } };

  test('may not call, unless they are configured', async () => {
    const { headers } = await call('/health', { headers: { Origin: ORIGIN } });
    expect(headers.get('Access-Control-Allow-Origin')).toBeNull();
    expect((await call('/registration/events', preflight)).status).toBe(405);
  });

  test('may call when they are, and only these', async () => {
    const origins = `https://other.example, ${ORIGIN}`;
    const asked = await call('/registration/events', preflight, origins);
    expect(asked.status).toBe(204);
    expect(asked.headers.get('Access-Control-Allow-Origin')).toBe(ORIGIN);
    const allowed = asked.headers.get('Access-Control-Allow-Headers');
    for (const name of ['Authorization', 'Cache-Control']) expect(allowed).toContain(name);
    const own = await call('/health', { headers: { Origin: ORIGIN } }, origins);
    expect(own.headers.get('Access-Control-Expose-Headers')).toContain('Age');
    const foreign = { headers: { Origin: 'https://desk.example.evil' } };
    const { headers } = await call('/health', foreign, origins);
    expect(headers.get('Access-Control-Allow-Origin')).toBeNull();
  });

  test.each(['*', 'desk.example', 'https://desk.example/', 'https://a.example,'])(
    'cannot be configured as %s',
    async (origins) => {
      const answer = await call('/registration/events', {}, origins);
      expect(answer.status).toBe(503);
      expect(await answer.text()).toContain('CORS_ORIGINS');
    },
  );
});

describe('a URL', () => {
  const sized = (chars: number) => {
    const start = '/registration/events?cursor=';
    return start + 'x'.repeat(chars - `http://desk.test${start}`.length);
  };

  test('of the bound is read, and a longer one is a 414', async () => {
    expect((await api('GET', sized(URL_MAX_CHARS))).status).toBe(400);
    const answer = await call(sized(URL_MAX_CHARS + 1), {});
    expect(answer.status).toBe(414);
    expect(await answer.text()).toContain('UriTooLongError');
  });
});
