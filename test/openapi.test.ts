import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, test } from 'vitest';
import about from '../package.json' with { type: 'json' };
import { ACCESS } from '../src/auth/access.ts';
import { describeApi } from '../src/http/openapi.ts';
import { PRIVILEGED_FIELDS } from '../src/http/privileged-fields.ts';

interface Body {
  description: string;
  content: { 'application/json': { schema: { $ref: string } } };
}

test('the description of the API is valid OpenAPI 3.1', async () => {
  const description = JSON.parse(JSON.stringify(describeApi()));
  expect(description.openapi).toBe('3.1.1');
  expect(await new Validator().validate(description)).toEqual({ valid: true });
});

test('the description of each body names the fields that could be taken for a privilege', () => {
  const { paths = {}, components } = JSON.parse(JSON.stringify(describeApi()));
  const bodies = Object.entries(paths).flatMap(([path, calls]) =>
    Object.entries(calls as Record<string, { requestBody?: Body }>).flatMap(
      ([method, { requestBody }]) =>
        requestBody ? [{ call: `${method} ${path}`, ...requestBody }] : [],
    ),
  );
  expect(bodies.length).toBe(8);
  for (const { call, description, content } of bodies) {
    expect(description).toContain('privilege');
    const name = content['application/json'].schema.$ref.replace('#/components/schemas/', '');
    const { properties, propertyNames } = components.schemas[name];
    const refused = PRIVILEGED_FIELDS.filter((name) => !(name in properties));
    expect(propertyNames, call).toEqual({ not: { enum: refused } });
  }
});

/** A JSON Schema. */
interface Schema {
  $ref?: string;
  type?: string;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean;
}

/** A call, as the description has it. */
interface Operation {
  operationId: string;
  tags: string[];
  description: string;
  security?: object[];
  parameters?: { name: string; schema: Schema }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, { content?: Record<string, { schema: Schema }> }>;
}

describe('for generators, the description', () => {
  const { info, tags, servers, paths, components } = JSON.parse(JSON.stringify(describeApi()));
  const schemas: Record<string, Schema & { discriminator?: object }> = components.schemas;
  const calls = Object.entries(paths as Record<string, Record<string, Operation>>).flatMap(
    ([path, methods]) =>
      Object.entries(methods).map(
        ([method, call]) => [`${method.toUpperCase()} ${path}`, call] as const,
      ),
  );

  test('has a title, a version, a licence and a server', () => {
    expect(info.version).toBe(about.version);
    expect(info.license).toEqual({ name: 'MIT License', identifier: about.license });
    expect(info.contact.name).toBeTruthy();
    expect(servers).toEqual([{ url: '/', description: expect.any(String) }]);
  });

  test('gives each call a unique name, a text and an existing tag', () => {
    const names = calls.map(([, { operationId }]) => operationId);
    expect(names.filter((name) => !/^[a-z][A-Za-z]+$/.test(name))).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
    const tagged = new Set(calls.flatMap(([, call]) => call.tags));
    expect([...tagged].sort()).toEqual(tags.map(({ name }: { name: string }) => name).sort());
    for (const [name, { description }] of calls) expect(description, name).toMatch(/\.$/);
  });

  test('requires a token exactly where one is needed', () => {
    const open = calls.filter(([, { security }]) => security?.length === 0).map(([name]) => name);
    expect(open).toEqual(['GET /health', 'GET /health/ready']);
    for (const name of open) expect(ACCESS[name]).toBe('public');
    for (const [name, call] of calls) {
      expect(ACCESS[name.replace(/\{(\w+)\}/g, ':$1')] === 'public', name).toBe(
        open.includes(name),
      );
      expect('401' in call.responses, name).toBe(!open.includes(name));
    }
  });

  test('has a name for every body and answer, each of one type', () => {
    for (const [name, { requestBody, responses }] of calls) {
      for (const { content } of [requestBody ?? {}, ...Object.values(responses)]) {
        if (!content) continue;
        const [media, ...others] = Object.values(content);
        expect(others, name).toEqual([]);
        const { $ref = '' } = media?.schema.items ?? media?.schema ?? {};
        expect(schemas, name).toHaveProperty($ref.replace('#/components/schemas/', ''));
      }
    }
  });

  test('distinguishes the places of a user by the status', () => {
    const at = (name: string) => `#/components/schemas/Standing${name}`;
    expect(schemas.Standing?.discriminator).toEqual({
      propertyName: 'status',
      mapping: {
        ACTIVE: at('Active'),
        OFFERED: at('Offered'),
        WAITLISTED: at('Waitlisted'),
        NONE: at('None'),
      },
    });
    const named = { $ref: '#/components/schemas/Registration' };
    expect(schemas.StandingActive?.properties?.registration).toEqual(named);
    expect(schemas.StandingNone?.properties?.registration).toEqual({ type: 'null' });
  });

  test('has a boolean for dryRun and an integer for limit', () => {
    const parameters = calls.flatMap(([, call]) => call.parameters ?? []);
    const types = (name: string) => [
      ...new Set(parameters.filter((each) => each.name === name).map(({ schema }) => schema.type)),
    ];
    expect(types('dryRun')).toEqual(['boolean']);
    expect(types('limit')).toEqual(['integer']);
  });

  test('allows answers with more fields, and requires no optional field', () => {
    const closed = Object.entries(schemas).filter(
      ([, each]) => each.additionalProperties === false,
    );
    expect(closed.map(([name]) => name)).toEqual(['UserPatch', 'EventPatch']);
    expect(schemas.NewEvent?.required).toEqual(['name', 'capacity']);
    // Generators take a field with a default for required.
    expect(JSON.stringify(schemas)).not.toContain('"default"');
    expect(JSON.stringify(schemas.NewEvent)).toContain('`false` when left out.');
  });
});
