import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, test } from 'vitest';
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
  expect(bodies.length).toBe(5);
  for (const { call, description, content } of bodies) {
    expect(description).toContain('privilege');
    const name = content['application/json'].schema.$ref.replace('#/components/schemas/', '');
    const { properties, propertyNames } = components.schemas[name];
    const refused = PRIVILEGED_FIELDS.filter((name) => !(name in properties));
    expect(propertyNames, call).toEqual({ not: { enum: refused } });
  }
});
