import { exports } from 'cloudflare:workers';
import { hc } from 'hono/client';
import { describe, expect, test } from 'vitest';
import app, { type AppType } from '../../src/http/app.ts';
import { describeApi } from '../../src/http/openapi.ts';
import { api, newEvent, newUsers, register, unique } from '../support/desk.ts';

describe('the description of the API', () => {
  test('is served', async () => {
    const { status, body } = await api('GET', '/openapi.json');
    expect(status).toBe(200);
    expect(body).toEqual(JSON.parse(JSON.stringify(describeApi())));
  });

  test('has every route that there is, and no other', () => {
    const served = app.routes
      .filter(({ method, path }) => method !== 'ALL' && !/^\/(docs|openapi)/.test(path))
      .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`);
    const described = Object.entries(describeApi().paths ?? {}).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect([...new Set(served)].sort()).toEqual(described.sort());
  });

  test('has the bounds that are checked, and every status with its problem', () => {
    const post = describeApi().paths?.['/registration/events']?.post;
    const schema = JSON.stringify(post?.requestBody);
    expect(schema).toContain('"maximum":100000');
    expect(schema).toContain('"maxLength":200');
    expect(Object.keys(post?.responses ?? {})).toEqual(
      expect.arrayContaining(['201', '400', '409', '413', '415', '422', '500', '503']),
    );
  });
});

describe('the page of the API', () => {
  test('loads nothing from anywhere else, and what it loads is there', async () => {
    const response = await exports.default.fetch('http://desk.test/docs');
    expect(response.headers.get('content-type')).toContain('text/html');
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    const text = await response.text();
    const loaded = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path ?? '');
    expect(loaded.length).toBe(3);
    for (const path of loaded) {
      expect(path.startsWith('/docs/')).toBe(true);
      const file = await exports.default.fetch(`http://desk.test${path}`);
      expect(file.status).toBe(200);
      expect((await file.text()).length).toBeGreaterThan(50);
    }
  });
});

describe('the typed client', () => {
  const client = hc<AppType>('http://desk.test', {
    fetch: (input: RequestInfo | URL, init?: RequestInit) =>
      exports.default.fetch(new Request(input as string, init)),
  });

  test('calls with checked types, and gets typed outcomes', async () => {
    const userId = unique('typed');
    const created = await client.registration.users.$post({ json: { userId, name: 'Typed' } });
    if (created.status !== 201) throw new Error('not created');
    const user = await created.json();
    const name: string = user.name;
    expect(name).toBe('Typed');
    const eventId = await newEvent(1, true);
    const placed = await client.registration.registrations.$post({ json: { userId, eventId } });
    if (placed.status !== 201) throw new Error('not placed');
    expect((await placed.json()).registration?.userId).toBe(userId);
  });

  test('gets typed refusals', async () => {
    const eventId = await newEvent(1, false);
    const [a = '', b = ''] = await newUsers(2);
    await register(a, eventId);
    const refused = await client.registration.registrations.$post({ json: { userId: b, eventId } });
    if (refused.status !== 409) throw new Error('not refused');
    const { title, detail }: { title: string; detail: string } = await refused.json();
    expect(title).toBe('CapacityError');
    expect(detail).toContain(eventId);
  });

  test('refuses what the API would refuse, when it is compiled', () => {
    // @ts-expect-error capacity is a number
    void (() => client.registration.events.$post({ json: { name: 'x', capacity: '1' } }));
  });
});
