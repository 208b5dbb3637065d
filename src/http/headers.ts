import { cors } from 'hono/cors';
import { createMiddleware } from 'hono/factory';
import { UriTooLongError, ValidationError } from '../errors.ts';
import { CORS_MAX_AGE_SECONDS, URL_MAX_CHARS } from '../http-limits.ts';

/** Headers of every answer: no page, no script, no caching. A route can override them. */
const SECURE: Record<string, string> = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
  'Strict-Transport-Security': 'max-age=31536000',
  'X-Content-Type-Options': 'nosniff',
};

/** Sets the security headers. */
export const secureHeaders = createMiddleware((c, next) => {
  for (const [name, value] of Object.entries(SECURE)) c.header(name, value);
  return next();
});

/** Whether pages of this origin may call. */
export const isAllowed = (origin: string, { CORS_ORIGINS = '' }: Env) =>
  CORS_ORIGINS.split(',').some((each) => each.trim() === origin);

const answerOrigins = cors({
  origin: (origin, c) => (isAllowed(origin, c.env) ? origin : null),
  allowMethods: ['GET', 'POST', 'PATCH', 'DELETE'],
  allowHeaders: [
    'Authorization',
    'Cache-Control',
    'Content-Type',
    'Idempotency-Key',
    'If-Match',
    'If-None-Match',
    'X-Request-Id',
  ],
  exposeHeaders: [
    'Age',
    'ETag',
    'Idempotency-Replayed',
    'Link',
    'RateLimit',
    'RateLimit-Policy',
    'Registration-Receipt',
    'Retry-After',
    'X-Request-Id',
  ],
  maxAge: CORS_MAX_AGE_SECONDS,
});

/** Lets pages of the origins in `CORS_ORIGINS` call; without that setting, no page. */
export const crossOrigin = createMiddleware<{ Bindings: Env }>((c, next) =>
  c.env.CORS_ORIGINS ? answerOrigins(c, next) : next(),
);

/**
 * Refuses a URL that is too long, or whose percent-encoding is broken or not UTF-8: hono would take that
 * literally, as part of an id. Runs after the middleware that sets headers, so that these answers have them too.
 */
export const readableUrl = createMiddleware((c, next) => {
  const { url } = c.req;
  if (url.length > URL_MAX_CHARS) {
    throw new UriTooLongError(`The URL is longer than ${URL_MAX_CHARS} characters.`);
  }
  if (url.includes('%')) {
    try {
      decodeURIComponent(url);
    } catch {
      const message = 'the URL has a broken percent-encoding, or one that is no UTF-8';
      throw new ValidationError([{ path: '', message }]);
    }
  }
  return next();
});
