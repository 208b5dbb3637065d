import { zValidator } from '@hono/zod-validator';
import type { ValidationTargets } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { createMiddleware } from 'hono/factory';
import type * as z from 'zod';
import { permitInput } from '../auth/guard.ts';
import {
  type FieldError,
  PayloadTooLargeError,
  UnsupportedMediaTypeError,
  ValidationError,
} from '../errors.ts';
import { BODY_MAX_BYTES } from '../limits.ts';

/** Refuses a body that is not declared as JSON, or is larger than it may be, before it is parsed. */
export function jsonBody(maxBytes = BODY_MAX_BYTES) {
  const limit = bodyLimit({
    maxSize: maxBytes,
    onError: () => {
      throw new PayloadTooLargeError(`The body is larger than ${maxBytes} bytes.`);
    },
  });
  return createMiddleware((c, next) => {
    const mediaType = c.req.header('content-type')?.split(';')[0]?.trim().toLowerCase() ?? '';
    if (!/^application\/([\w.-]+\+)?json$/.test(mediaType)) {
      const given = mediaType ? `was sent as ${mediaType}` : 'has no Content-Type';
      throw new UnsupportedMediaTypeError(`The body ${given}; send it as application/json.`);
    }
    return limit(c, next);
  });
}

/** What is wrong with an input, field by field. */
export function toFieldErrors(error: z.core.$ZodError): FieldError[] {
  return error.issues.map(({ path, message }) => ({ path: path.join('.'), message }));
}

/** Checks a part of the request against its schema, and gives the handler what came of it. */
export function validate<Target extends keyof ValidationTargets, Schema extends z.ZodType>(
  target: Target,
  schema: Schema,
) {
  return zValidator(target, schema, (result, c) => {
    if (result.success) return permitInput(c, result.data);
    throw new ValidationError(toFieldErrors(result.error));
  });
}
