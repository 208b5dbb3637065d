import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, test } from 'vitest';
import { describeApi } from '../src/openapi.ts';

test('the description of the API is valid OpenAPI 3.1', async () => {
  const description = JSON.parse(JSON.stringify(describeApi()));
  expect(description.openapi).toBe('3.1.1');
  expect(await new Validator().validate(description)).toEqual({ valid: true });
});
