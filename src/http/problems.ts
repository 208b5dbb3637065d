import type { Context } from 'hono';
import type { AppError } from '../errors.ts';

/** The one mapping of an error to a response; headers that are set on the context already go along. */
export function toResponse(c: Context, error: AppError): Response {
  c.set('outcome', error.name);
  return c.body(JSON.stringify(error.toProblem()), error.status, {
    ...error.headers,
    'Content-Type': 'application/problem+json',
  });
}
