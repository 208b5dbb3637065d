import type { Context } from 'hono';
import type { AppError } from '../errors.ts';

/** The response for an error. Headers that are set on the context already are kept. */
export function toResponse(c: Context, error: AppError): Response {
  c.set('outcome', error.name);
  return c.body(JSON.stringify(error.toProblem()), error.status, {
    ...error.headers,
    'Content-Type': 'application/problem+json',
  });
}
