import { zValidator } from '@hono/zod-validator';
import type { ValidationTargets } from 'hono';
import { createMiddleware } from 'hono/factory';
import type * as z from 'zod';
import { UnsupportedMediaTypeError, ValidationError } from '../errors.ts';

/** Refuses a body that is not declared as JSON, before it is read. */
export const requireJson = createMiddleware(async (c, next) => {
  const mediaType = c.req.header('content-type')?.split(';')[0]?.trim().toLowerCase() ?? '';
  if (!/^application\/([\w.-]+\+)?json$/.test(mediaType)) {
    const given = mediaType ? `was sent as ${mediaType}` : 'has no Content-Type';
    throw new UnsupportedMediaTypeError(`The body ${given}; send it as application/json.`);
  }
  await next();
});

/** Checks a part of the request against its schema, and gives the handler what came of it. */
export function validate<Target extends keyof ValidationTargets, Schema extends z.ZodType>(
  target: Target,
  schema: Schema,
) {
  return zValidator(target, schema, (result) => {
    if (result.success) return;
    throw new ValidationError(
      result.error.issues.map(({ path, message }) => ({ path: path.join('.'), message })),
    );
  });
}
